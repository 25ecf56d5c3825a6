from datetime import UTC, datetime, timedelta


class ManualClock:
    """Stands still until it is told otherwise."""

    def __init__(self, start: datetime = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._now += by

    def set(self, to: datetime) -> None:
        """Jump."""
        self._now = to
