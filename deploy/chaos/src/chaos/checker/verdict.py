"""The verdict on a run: figures that must be zero, and by id what makes them more."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import rules
from .effects import Effects
from .evidence import Evidence

NAMED = 200
"""So many ids of each kind are told; the figures count all."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found."""

    commands_acknowledged: int
    commands_unknown: int
    """Never answered: they may have happened or not."""
    events: int
    """Different events on the topics."""
    records: int
    """As how many records; more than events after a crash in the middle of sending."""
    effects: int
    """Effects of events found at their readers, each once."""
    faults: Mapping[str, Sequence[str]]
    """Everything that is wrong, by kind."""

    @property
    def holds(self) -> bool:
        """Nothing is wrong."""
        return not any(self.faults.values())

    @property
    def figures(self) -> dict[str, int]:
        """Everything that is counted."""
        return {
            "commands_acknowledged": self.commands_acknowledged,
            "commands_unknown": self.commands_unknown,
            "events": self.events,
            "records": self.records,
            "effects": self.effects,
            **{kind: len(found) for kind, found in self.faults.items()},
        }


def judge(evidence: Evidence) -> Verdict:
    """Compare everything with everything."""
    effects = list(Effects.of(evidence).all())
    lost = [f"effect of {effect.event} at {effect.reader}" for effect in effects if effect.times == 0]
    twice = [f"effect of {one.event} at {one.reader}, {one.times} times" for one in effects if one.times > 1]
    outcomes = Counter(command.outcome for command in evidence.commands)
    rest = evidence.rest
    faults: dict[str, Sequence[str]] = {
        "lost": [*rules.unpaid(evidence), *rules.missing_events(evidence), *lost],
        "duplicated": [
            *rules.overpaid(evidence),
            *rules.changed_on_the_way(evidence),
            *rules.applied_twice(evidence),
            *twice,
        ],
        "disordered": list(rules.disordered(evidence)),
        "ghosts": list(rules.ghosts(evidence)),
        "double_booked": list(rules.double_booked(evidence)),
        "dead_letters": list(evidence.dead_letters),
        "outbox_pending": _each(rest.outbox),
        "consumer_lag": _each(rest.lag),
        "unfinished": _each(rest.unfinished),
    }
    return Verdict(
        commands_acknowledged=outcomes[rules.ACKNOWLEDGED],
        commands_unknown=outcomes["unknown"],
        events=sum(len(numbers) for numbers in rules.distinct(evidence.records).values()),
        records=len(evidence.records),
        effects=sum(effect.times == 1 for effect in effects),
        faults=faults,
    )


def _each(counts: Mapping[str, int]) -> list[str]:
    """One line for each thing that is left, so that figure and lines agree."""
    return [where for where, left in counts.items() for _ in range(left)]
