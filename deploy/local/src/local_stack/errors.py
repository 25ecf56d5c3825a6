class StackError(Exception):
    """Something the person at the keyboard can act on: what went wrong, and what to do next."""

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(f"{what}\nNext: {next_step}")
        self.what = what
        self.next_step = next_step
