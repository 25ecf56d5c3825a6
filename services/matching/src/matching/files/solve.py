"""``matching-solve INSTANCE.json -o RESULT.json``: the best pairs for the people in a file, with their proof."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..domain.proposal import Figures, Proposal
from ..domain.refusals import PoolTooLarge
from ..engine.compute import compute
from .reading import Unusable, read_instance
from .result import Result

SOLVED, BAD_INPUT = 0, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Solve, write, tell in words on standard error. Exit code 0: solved; 2: the input cannot be used."""
    asked = _parser().parse_args(arguments)
    began = time.perf_counter()
    try:
        instance, sha256 = read_instance(asked.instance)
        proposal = compute(instance.problem(), _tell_percents if asked.progress else lambda _: None)
        if asked.progress:
            _say("")
        written = Result.of(proposal, sha256).model_dump_json(indent=2)
        asked.output.write_text(written + "\n", encoding="utf-8")
    except Unusable as unusable:
        return _refused(asked.instance, str(unusable))
    except PoolTooLarge as refusal:
        return _refused(asked.instance, refusal.detail)
    except OSError as error:
        return _refused(asked.output, error.strerror or str(error))
    _say(*_summary(proposal), f"{asked.output} written after {time.perf_counter() - began:.1f} s.")
    return SOLVED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="matching-solve", description="Find the best pairs, and prove it.")
    parser.add_argument("instance", type=Path, metavar="INSTANCE", help="the people and the policy, as JSON")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="RESULT", help="where the result is written"
    )
    parser.add_argument("--progress", action="store_true", help="tell on standard error how far it is")
    return parser


def _tell_percents(percent: int) -> None:
    sys.stderr.write(f"\r{percent:3} % ")
    sys.stderr.flush()


def _say(*lines: str) -> None:
    sys.stderr.writelines(f"{line}\n" for line in lines)


def _refused(path: Path, why: str) -> int:
    _say(*(f"{path}: {line}" for line in why.splitlines()))
    return BAD_INPUT


def _summary(proposal: Proposal) -> list[str]:
    figures = proposal.figures
    if not proposal.pairs:
        lines = ["No pair is possible: the result says of everybody why."]
    else:
        worst = min(proposal.pairs, key=lambda pair: pair.points.total)
        lines = [
            f"{figures.pairs} pairs, of {figures.mentees} mentees and {figures.mentors} mentors with a place.",
            f"{figures.score:,} points in all{_compared(figures)}.",
            f"The lowest score is {figures.worst_score:,}: {worst.mentor.id} and {worst.mentee.id}.",
        ]
    unpaired = len(proposal.left_out)
    if unpaired:
        lines.append(f"{unpaired} people are left out; the result says of each why.")
    lines += [
        f"The lock of {lock.mentor_volunteer_id} and {lock.mentee_volunteer_id} is dropped: {lock.reason}."
        for lock in figures.dropped_locks
    ]
    certificate = figures.certificate
    lines.append(
        f"Proven the best: {certificate.pairs_checked:,} possible pairs looked at, none is worth more than its prices."
        if certificate.proves_optimality
        else f"NOT proven: {certificate.primal} and {certificate.dual}, {certificate.violations} violations."
    )
    return lines


def _compared(figures: Figures) -> str:
    told = [
        f"{100 * (figures.score - other) / other:+.1f} % against {name}"
        for other, name in (
            (figures.random_baseline_score, "random pairs"),
            (figures.greedy_score, "the best pair first"),
        )
        if other
    ]
    return f" ({', '.join(told)})" if told else ""
