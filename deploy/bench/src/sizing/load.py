"""What a company's programme asks of the platform: how much of what, on the busiest hour and on the worst minute."""

from dataclasses import dataclass

WRITER = {
    "volunteered": "enrollment",
    "volunteer_updated": "enrollment",
    "paired": "matching",
    "session_scheduled": "scheduling",
    "session_rescheduled": "scheduling",
    "session_held_or_not": "scheduling",
    "feedback_submitted": "feedback",
    "goal_reached": "feedback",
}
READERS = {
    "volunteered": ("matching",),
    "volunteer_updated": ("matching", "scheduling"),
    "paired": ("enrollment", "scheduling", "feedback"),
    "session_scheduled": ("feedback",),
    "session_rescheduled": ("feedback",),
    "session_held_or_not": ("feedback",),
    "feedback_submitted": ("matching", "scheduling", "feedback"),
    "goal_reached": ("matching",),
}
SERVICES = ("enrollment", "matching", "scheduling", "feedback")

ANSWERED = 0.9
MOVED = 1 / 12
REACHED = 0.7
"""As in the demonstration: of answers asked for, those that come; of sessions, those moved; of pairs, those that
reach a goal."""


@dataclass(frozen=True, kw_only=True)
class Company:
    """A programme as its people live it."""

    people: int
    """Employees."""
    taking_part: float
    """Share of them, half of it on each side."""
    weeks: int
    """From the first session to the last."""
    sessions: int
    """Of each pair in that time."""
    busiest_hour: float
    """Share of a week's events that comes in one hour. Of a week of 40 hours of work, 0.1 is four times the mean."""

    @property
    def volunteers(self) -> int:
        """On both sides."""
        return round(self.people * self.taking_part)

    @property
    def pairs(self) -> int:
        """At most."""
        return self.volunteers // 2

    def events(self) -> dict[str, int]:
        """Of the whole programme, by kind."""
        sessions = self.pairs * self.sessions
        return {
            "volunteered": self.volunteers,
            "volunteer_updated": self.volunteers,
            "paired": self.pairs,
            "session_scheduled": sessions,
            "session_rescheduled": round(sessions * MOVED),
            "session_held_or_not": sessions,
            "feedback_submitted": round(2 * sessions * ANSWERED),
            "goal_reached": round(self.pairs * REACHED),
        }

    def work(self) -> dict[str, "Work"]:
        """Of each service, in the whole programme."""
        events = self.events()
        return {
            service: Work(
                written=sum(count for kind, count in events.items() if WRITER[kind] == service),
                read=sum(count for kind, count in events.items() if service in READERS[kind]),
            )
            for service in SERVICES
        }

    def busiest_second(self, events: int) -> float:
        """Of so many events of the whole programme, those of a second of the busiest hour."""
        return events / self.weeks * self.busiest_hour / 3600


@dataclass(frozen=True, kw_only=True)
class Work:
    """Events of one service."""

    written: int
    read: int
