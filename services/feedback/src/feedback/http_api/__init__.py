"""In: HTTP to use case."""

from .routes import router

__all__ = ["router"]
