"""What each event must have left behind in the documents of each of its readers, exactly once."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from .evidence import Document, Evidence, Record

VOLUNTEER_EVENTS = ("volunteered", "volunteer_updated", "volunteer_withdrawn")
HOURS_EVENTS = ("volunteer_updated", "volunteer_withdrawn")
PAIRING_EVENTS = ("paired", "unpaired")


@dataclass(frozen=True)
class Effect:
    """How often the effect of one event was found at one of its readers; 1 is right."""

    reader: str
    """The collection, such as ``feedback.journeys``."""
    event: str
    """Name and id."""
    times: int


class Effects:
    """Compares events with documents."""

    def __init__(self, events: Sequence[Record], documents: Mapping[str, Mapping[str, Document]]) -> None:
        self._events = events
        self._documents = documents

    @classmethod
    def of(cls, evidence: Evidence) -> "Effects":
        """Each event once, however often it lies on its topic."""
        return cls(
            list({(record.event, record.id): record for record in evidence.records}.values()), evidence.documents
        )

    def all(self) -> Iterator[Effect]:
        """Every effect that there must be."""
        for event in self._events:
            for reader, times in self._left_behind(event):
                yield Effect(reader, f"{event.event} {event.id}", times)

    def _left_behind(self, event: Record) -> Iterator[tuple[str, int]]:  # noqa: C901, PLR0912 - one case for each event
        data = event.data
        match event.event:
            case "programme_published":
                for reader in ("matching.programmes", "scheduling.programmes", "feedback.programmes"):
                    yield reader, self._copied(reader, event, ("programme_published",))
            case "volunteered":
                yield "matching.candidates", self._copied("matching.candidates", event, VOLUNTEER_EVENTS)
            case "volunteer_updated" | "volunteer_withdrawn":
                yield "matching.candidates", self._copied("matching.candidates", event, VOLUNTEER_EVENTS)
                yield "scheduling.volunteers", self._copied("scheduling.volunteers", event, HOURS_EVENTS)
            case "paired":
                for side in ("mentor", "mentee"):
                    yield f"enrollment.volunteers ({side})", self._noted(event, data[side]["volunteer_id"])
                yield "scheduling.plans", int(event.aggregate in self._of("scheduling.plans"))
                yield "feedback.journeys", self._logged(event, event.aggregate)
            case "unpaired":
                for side in ("mentor", "mentee"):
                    yield f"enrollment.volunteers ({side})", self._noted(event, data[f"{side}_volunteer_id"])
                plan = self._of("scheduling.plans").get(event.aggregate, {})
                yield "scheduling.plans", int(plan.get("status") == "ended")
                yield "feedback.journeys", self._logged(event, event.aggregate)
            case "session_completed":
                yield "feedback.journeys", self._logged(event, data["pairing_id"])
                yield "feedback.responses", self._requests[event.aggregate]
            case "session_scheduled" | "session_rescheduled" | "session_cancelled" | "session_missed":
                yield "feedback.journeys", self._logged(event, data["pairing_id"])
            case "feedback_submitted":
                yield "feedback.journeys", self._logged(event, data["pairing_id"])
                yield "matching.pairings", self._counted(event)
                session = self._of("scheduling.sessions").get(data["session_id"], {})
                yield "scheduling.sessions", int(session.get("answers") == self._newest_answers[event.aggregate])
            case "pairing_at_risk":
                pairing = self._pairing(event)  # one that is over is at risk no more, whichever came first
                yield "matching.pairings", int(bool(pairing) and pairing["at_risk"] == (pairing["status"] == "active"))
            case "goal_reached":
                yield "matching.pairings", list(self._pairing(event).get("goals_reached", ())).count(data["goal"])
            case unknown:
                yield f"nobody knows what {unknown} should leave behind", 0

    def _of(self, collection: str) -> Mapping[str, Document]:
        return self._documents.get(collection, {})

    def _pairing(self, event: Record) -> Document:
        return self._of("matching.pairings").get(event.data["pairing_id"], {})

    def _copied(self, collection: str, event: Record, among: Sequence[str]) -> int:
        """A copy has the version of the newest event that it is made from."""
        newest = max(self._versions[name, event.aggregate] for name in among)
        return int(self._of(collection).get(event.aggregate, {}).get("v") == newest)

    def _noted(self, event: Record, volunteer: str) -> int:
        """A volunteer knows each of their pairings once, by its newest word."""
        found = [
            seen
            for seen in self._of("enrollment.volunteers").get(volunteer, {}).get("pairings", ())
            if seen["pairing_id"] == event.aggregate
        ]
        ended, began = self._versions["unpaired", event.aggregate], self._versions["paired", event.aggregate]
        right = [(max(ended, began), began > ended)] * len(found)
        return len(found) if [(seen["version"], seen["active"]) for seen in found] == right else 0

    def _logged(self, event: Record, pairing: str) -> int:
        return self._log[pairing, event.event, event.aggregate, event.version]

    def _counted(self, event: Record) -> int:
        counts = [
            seen["answers"] for seen in self._pairing(event).get("answers", ()) if seen["request_id"] == event.aggregate
        ]
        return len(counts) if set(counts) == {self._newest_answers[event.aggregate]} else 0

    @cached_property
    def _versions(self) -> Mapping[tuple[str, str], int]:
        """The newest version that events of this name tell of, by name and aggregate."""
        newest: dict[tuple[str, str], int] = defaultdict(int)
        for event in self._events:
            about = event.event, event.aggregate
            newest[about] = max(newest[about], event.version)
        return newest

    @cached_property
    def _newest_answers(self) -> Mapping[str, int]:
        newest: dict[str, int] = defaultdict(int)
        for event in self._events:
            if event.event == "feedback_submitted":
                newest[event.aggregate] = max(newest[event.aggregate], int(event.data["answers"]))
        return newest

    @cached_property
    def _log(self) -> Counter[tuple[str, str, str, int]]:
        return Counter(
            (pairing, entry["event"], entry["of"], entry["version"])
            for pairing, journey in self._of("feedback.journeys").items()
            for entry in journey.get("log", ())
        )

    @cached_property
    def _requests(self) -> Counter[str]:
        return Counter(response["session_id"] for response in self._of("feedback.responses").values())
