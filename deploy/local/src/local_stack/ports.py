"""Free ports on loopback, the same ones as last time where they are still free."""

import json
import random
import socket
from pathlib import Path

_RANGE = range(20_000, 32_000)
"""Below the range that the system gives to outgoing connections: nobody takes a port while its server restarts."""


class Ports:
    """Gives each name a port, and remembers it in the data folder."""

    def __init__(self, data: Path) -> None:
        self._file = data / "ports.json"
        self._remembered = self._read()
        self._given: dict[str, int] = {}

    def give(self, name: str) -> int:
        """A port on which nobody listens now."""
        candidates = random.sample(_RANGE, k=200)
        if before := self._remembered.get(name):
            candidates.insert(0, before)
        port = next(port for port in candidates if port not in self._given.values() and _is_free(port))
        self._given[name] = port
        self._file.write_text(json.dumps(self._remembered | self._given, indent=2))
        return port

    def _read(self) -> dict[str, int]:
        try:
            ports = json.loads(self._file.read_text())
            return {str(name): int(port) for name, port in ports.items()}
        except (FileNotFoundError, ValueError, AttributeError):
            return {}


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
