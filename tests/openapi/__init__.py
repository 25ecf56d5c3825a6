"""The four HTTP APIs against their own OpenAPI documents."""
