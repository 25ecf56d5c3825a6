"""The AsyncAPI documents of the services, as checked in under ``docs/asyncapi``.

``python -m shared.testing.asyncapi_export``          writes one document per service.
``python -m shared.testing.asyncapi_export --check``  changes nothing; exits 1 where one differs.

Each is what the service itself serves at ``/asyncapi.json``, under default settings.
"""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.chassis.topics import SERVICES

FOLDER = Path("docs/asyncapi")
PREFIX = "TELEMACHUS_"


def served(app: Any, path: str) -> Any:
    """What an ASGI application answers to a GET of a JSON document, without being started."""
    sent: list[dict[str, Any]] = []

    async def ask() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
        }
        await app(scope, receive, send)

    asyncio.run(ask())
    if sent[0]["status"] != 200:  # noqa: PLR2004 - OK
        raise RuntimeError(f"{path} answered {sent[0]['status']}")
    return json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


def documents() -> dict[str, str]:
    """The document of every service, as text, under default settings whatever the environment says."""
    saved = {name: value for name, value in os.environ.items() if name.startswith(PREFIX)}
    for name in saved:
        del os.environ[name]
    try:
        found = {
            service: served(importlib.import_module(f"{service}.main").build(), "/asyncapi.json")
            for service in SERVICES
        }
    finally:
        os.environ.update(saved)
    return {service: json.dumps(found[service], indent=2, ensure_ascii=False) + "\n" for service in SERVICES}


def drift(folder: Path) -> list[str]:
    """The documents that differ from what the services serve."""
    complaints = []
    for service, text in documents().items():
        path = folder / f"{service}.json"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            complaints.append(f"{path} {'differs' if path.exists() else 'is missing'}")
    return complaints


def main(arguments: Sequence[str]) -> int:
    """Write or check, in the current checkout."""
    match list(arguments):
        case []:
            FOLDER.mkdir(parents=True, exist_ok=True)
            for service, text in documents().items():
                path = FOLDER / f"{service}.json"
                if not path.exists() or path.read_text(encoding="utf-8") != text:
                    path.write_text(text, encoding="utf-8")
                    sys.stdout.write(f"wrote {path}\n")
            return 0
        case ["--check"]:
            complaints = drift(FOLDER)
            sys.stdout.writelines(f"{complaint}\n" for complaint in complaints)
            if complaints:
                sys.stdout.write("run: make schemas\n")
            return 1 if complaints else 0
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
