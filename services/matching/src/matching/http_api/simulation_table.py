"""The figures of a simulation as a table: a row per measure, a column per policy."""

import csv
import io
from collections.abc import Iterator, Sequence

from ..domain.outcome import Coverage, Group, Outcome

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_PLAIN = (
    "mentors",
    "mentees",
    "pairs",
    "same_pairs",
    "score",
    "published_score",
    "worst_score",
    "mean_score",
    "random_baseline_score",
    "greedy_score",
    "pairs_with_units",
    "cross_unit_pairs",
    "proven",
    "seconds",
)

Measure = tuple[str, int | float]


def table(outcomes: Sequence[Outcome]) -> bytes:
    """UTF-8 with its mark, and harmless to open in a spreadsheet. A group that a policy does not tell of has 0."""
    columns = [dict(_measures(outcome)) for outcome in outcomes]
    rows = dict.fromkeys(name for column in columns for name in column)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["measure", *(_harmless(outcome.name) for outcome in outcomes)])
    writer.writerows([row, *(column.get(row, 0) for column in columns)] for row in rows)
    return "\N{ZERO WIDTH NO-BREAK SPACE}".encode() + text.getvalue().encode()


def _measures(outcome: Outcome) -> Iterator[Measure]:
    for name in _PLAIN:
        yield name, int(value) if isinstance(value := getattr(outcome, name), bool) else value
    for tenth, score in enumerate(outcome.deciles):
        yield f"score, decile {tenth}", score
    for reason in outcome.unmatched:
        yield f"unmatched {reason.role}s, {reason.reason}", reason.people
    for rule in outcome.shut_out:
        yield f"{rule.role}s whom rules shut out, {rule.rule}", rule.people
    for coverage in outcome.coverage:
        yield from _of_side(coverage)


def _of_side(coverage: Coverage) -> Iterator[Measure]:
    side = f"{coverage.role}s"
    yield f"{side}, people", coverage.people
    yield f"{side}, paired", coverage.paired
    for kind, groups in (
        ("unit", coverage.by_unit),
        ("site", coverage.by_site),
        ("generation", coverage.by_age_band),
    ):
        for group in groups:
            yield f"{side}, {kind} {_named(group)}, people", group.people
            yield f"{side}, {kind} {_named(group)}, paired", group.paired


def _named(group: Group) -> str:
    if group.merged:
        return "(all others)"
    return "(not given)" if group.value is None else group.value


def _harmless(cell: str) -> str:
    """A quote in front makes a spreadsheet show a formula instead of running it."""
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
