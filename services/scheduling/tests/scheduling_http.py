"""Who asks, in the headers of a request."""

MANAGER = {"X-Telemachus-Tenant": "ge", "X-Telemachus-Subject": "hr_1", "X-Telemachus-Roles": "programme_manager"}


def person(ref: str) -> dict[str, str]:
    return {"X-Telemachus-Tenant": "ge", "X-Telemachus-Subject": ref, "X-Telemachus-Roles": "participant"}
