"""What would let somebody in whom the best solution leaves out: changes to try, one at a time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.contracts import Role, WeeklyWindow

from .broken import SETTINGS, without_rule
from .candidate import Candidate
from .hours import SLOT_MINUTES, SLOTS, slots_of_a_meeting, stretch_starts, weekly_slots
from .proposal import Problem, Proposal
from .rules import Charter, HardRule, broken_rules
from .scoring import score_pair
from .why_not import Aims, moves_between

_SLOTS_A_DAY = SLOTS // 7


class Change(StrEnum):
    """What is changed for a try."""

    READY = "ready"
    """The person does what the programme asks before pairing."""
    RULE_OFF = "rule_off"
    """A hard rule that is a setting is switched off for the whole programme."""
    ONE_MORE_HOUR = "one_more_hour"
    """The person is free for one more session's length each week."""
    ONE_MORE_PLACE = "one_more_place"
    """One mentor takes one more mentee."""
    ONE_MORE_PLACE_EACH = "one_more_place_each"
    """Every mentor takes one more mentee."""


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """A change to try. Once the person counts as ready, every further try takes that along."""

    change: Change
    says: str
    rule: HardRule | None = None
    setting: str | None = None
    window: WeeklyWindow | None = None
    """In the person's own local time."""
    mentor_volunteer_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a change would do, against the best solution of today."""

    what_if: WhatIf
    lets_in: bool
    partner: str | None
    score: int | None
    """Of the person's pair."""
    gained: Aims
    put_out: int
    """People who would lose their last new pair by it."""


def what_ifs(person: Candidate, problem: Problem, best: Proposal) -> list[tuple[WhatIf, Problem]]:
    """The changes that may let this person in, the most promising of each kind first, with the questions they ask.

    Rules that forbid nothing to this person, an hour that opens nobody, and places at mentors who have some left are
    not among them: they could not help.
    """
    changes = []
    if not person.ready:
        person = replace(person, ready=True)
        problem = _with(problem, person)
        changes.append((WhatIf(change=Change.READY, says="the person becomes ready"), problem))
    known = [
        other for other in (problem.mentees if person.role is Role.MENTOR else problem.mentors) if other.takes_part
    ]
    rules = {other.id: _broken(person, other, problem) for other in known}
    others = [other for other in known if problem.places.get(other.id, 0) > 0]
    broken = {other.id: rules[other.id] for other in others}
    changes += [(_off(rule), _without(problem, rule)) for rule in _rules_to_blame(broken)]
    window = _one_more_hour(person, [o for o in others if broken[o.id] == (HardRule.SHARED_HOUR,)], problem.charter)
    if window is not None:
        more = replace(person, availability=(*person.availability, window))
        says = f"the person is free on weekday {window.day} from {window.start} to {window.end}"
        changes.append((WhatIf(change=Change.ONE_MORE_HOUR, says=says, window=window), _with(problem, more)))
    if person.role is Role.MENTEE:
        changes += _places(person, [other for other in known if not rules[other.id]], problem, best)
    return changes


def tried(what_if: WhatIf, person: Candidate, best: Proposal, then: Proposal) -> Tried:
    """What the change did."""
    pair = next((pair for pair in then.pairs if person.id in {pair.mentor.id, pair.mentee.id}), None)
    partner = None if pair is None else (pair.mentee.id if person.role is Role.MENTOR else pair.mentor.id)
    return Tried(
        what_if=what_if,
        lets_in=pair is not None,
        partner=partner,
        score=None if pair is None else pair.points.total,
        gained=Aims.of(then).minus(Aims.of(best)),
        put_out=_put_out(best, then),
    )


def _put_out(best: Proposal, then: Proposal) -> int:
    mentees = sum(move.after is None for move in moves_between(best, then))
    return mentees + len({p.mentor.id for p in best.pairs} - {p.mentor.id for p in then.pairs})


def _broken(person: Candidate, other: Candidate, problem: Problem) -> tuple[HardRule, ...]:
    mentor, mentee = (person, other) if person.role is Role.MENTOR else (other, person)
    return broken_rules(mentor, mentee, problem.charter, problem.history)


def _rules_to_blame(broken: Mapping[str, tuple[HardRule, ...]]) -> list[HardRule]:
    """The settings that shut partners out: first the one that alone shuts out most."""
    alone = Counter(rules[0] for rules in broken.values() if len(rules) == 1)
    at_all = Counter(rule for rules in broken.values() for rule in rules)
    rules = [rule for rule in SETTINGS if at_all[rule]]
    return sorted(rules, key=lambda rule: (-alone[rule], -at_all[rule]))


def _off(rule: HardRule) -> WhatIf:
    return WhatIf(change=Change.RULE_OFF, says=f"{SETTINGS[rule]} is off", rule=rule, setting=SETTINGS[rule])


def _without(problem: Problem, rule: HardRule) -> Problem:
    return replace(problem, charter=replace(problem.charter, policy=without_rule(problem.charter.policy, rule)))


def _with(problem: Problem, person: Candidate) -> Problem:
    """The same question with this person as they are here."""
    return replace(
        problem,
        mentors=tuple(person if other.id == person.id else other for other in problem.mentors),
        mentees=tuple(person if other.id == person.id else other for other in problem.mentees),
    )


def _one_more_hour(person: Candidate, others: list[Candidate], charter: Charter) -> WeeklyWindow | None:
    """The one stretch as long as a session that opens the most of these people, the earliest of several.

    Within one local day, since a weekly window ends on the day it begins.
    """
    length = slots_of_a_meeting(charter.session_minutes)
    opens: Counter[int] = Counter()
    for other in others:
        starts = stretch_starts(weekly_slots(other.availability, other.time_zone, charter.week), length)
        while starts:
            opens[(starts & -starts).bit_length() - 1] += 1
            starts &= starts - 1
    for slot in sorted(opens, key=lambda slot: (-opens[slot], slot)):
        window = _window(slot, length, person.time_zone, charter)
        if window is not None:
            return window
    return None


def _window(slot: int, length: int, zone: str, charter: Charter) -> WeeklyWindow | None:
    """This stretch of the UTC week as a local window; None where it runs over midnight or a change of the clocks."""
    monday = datetime.combine(charter.week, time(0), tzinfo=UTC)
    first = (monday + timedelta(minutes=slot * SLOT_MINUTES)).astimezone(ZoneInfo(zone))
    begin, end = first.hour * 60 + first.minute, first.hour * 60 + first.minute + length * SLOT_MINUTES
    if end > _SLOTS_A_DAY * SLOT_MINUTES:
        return None
    window = WeeklyWindow(day=first.isoweekday(), start=_clock(begin), end=_clock(end))
    return window if stretch_starts(weekly_slots((window,), zone, charter.week), length) >> slot & 1 else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _places(
    mentee: Candidate, mentors: list[Candidate], problem: Problem, best: Proposal
) -> list[tuple[WhatIf, Problem]]:
    """One more place for everybody, then at single mentors who have none left: the best partner first."""
    if not mentors:
        return []
    taken = Counter(pair.mentor.id for pair in best.pairs)
    full = [mentor for mentor in mentors if taken[mentor.id] >= problem.places[mentor.id]]
    full.sort(key=lambda mentor: (-score_pair(mentor, mentee, problem.charter).total, mentor.id))
    everybody = {mentor.id for mentor in problem.mentors if mentor.takes_part}
    each = (
        WhatIf(change=Change.ONE_MORE_PLACE_EACH, says="every mentor takes one more mentee"),
        _with_places(problem, everybody),
    )
    single = [
        (
            WhatIf(
                change=Change.ONE_MORE_PLACE,
                says=f"{mentor.id} takes one more mentee",
                mentor_volunteer_id=mentor.id,
            ),
            _with_places(problem, {mentor.id}),
        )
        for mentor in full
    ]
    return [each, *single]


def _with_places(problem: Problem, mentors: set[str]) -> Problem:
    return replace(problem, places={id_: places + (id_ in mentors) for id_, places in problem.places.items()})
