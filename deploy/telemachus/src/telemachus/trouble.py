"""What a command cannot do, told with the next step."""

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes; part of the interface."""

    FINE = 0
    WRONG = 1
    """Something was looked at and is not as it should be."""
    USAGE = 2
    """The command, an address, a file or a setting is wrong; nothing was changed."""
    UNREACHABLE = 3
    """Kafka or MongoDB did not answer, or did not confirm."""


class Trouble(Exception):
    """Ends the command: what happened, and what to do next."""

    def __init__(self, what: str, next_step: str, code: Exit = Exit.USAGE) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.code = code
