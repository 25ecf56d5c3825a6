from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching.domain import renewal as decide
from matching.domain import run as run_decisions
from matching.domain.proposal import Certificate, Figures
from matching.domain.refusals import ProposalRenewed
from matching.domain.renewal import LONGEST_WAIT, Renewal
from matching.domain.run import MatchRun, RunStatus
from matching.use_cases.recertification import last_day
from matching_builders import NOW, a_programme

WAIT = timedelta(seconds=5)
FIGURES = Figures(
    mentors=1,
    mentees=1,
    pairs=1,
    unmatched_mentees=0,
    unmatched_mentors=0,
    score=10,
    worst_score=10,
    mean_score=10,
    random_baseline_score=10,
    greedy_score=10,
    certificate=Certificate(primal=10, dual=10, pairs_checked=1, violations=0),
)


def marked(present: Renewal | None = None, *, at: datetime = NOW) -> Renewal:
    return decide.mark(present, "default", "prog_1", wait=WAIT, now=at)


def a_proposed_run(name: str = "run_1", renews: str | None = None) -> MatchRun:
    asked = run_decisions.request(a_programme(), id=name, seed=0, now=NOW, renews=renews)
    return run_decisions.conclude(run_decisions.take(asked, "a", NOW), "a", 1, FIGURES, NOW)


def test_a_mark_is_due_once_the_pool_was_quiet() -> None:
    renewal = marked()
    assert renewal.due == NOW + WAIT
    assert decide.claim(renewal, NOW + WAIT - timedelta(seconds=1)) is renewal
    assert marked(renewal, at=NOW + timedelta(seconds=3)).due == NOW + timedelta(seconds=8)


@given(st.lists(st.integers(0, 4_000), min_size=1, max_size=200))
def test_changes_that_never_end_put_a_renewal_off_twelve_times_the_wait_at_most(pauses: list[int]) -> None:
    renewal, now, written = None, NOW, 0
    for pause in pauses:
        now += timedelta(milliseconds=pause)
        after = marked(renewal, at=now)
        written += after is not renewal
        renewal = after
        assert renewal.due is not None
        assert renewal.due <= NOW + LONGEST_WAIT * WAIT
    assert written <= 2 + (now - NOW) / decide.QUIET


def test_a_claim_names_a_new_run_each_time_and_takes_the_mark_away() -> None:
    first = decide.claim(marked(), NOW + WAIT)
    assert (first.due, first.stale_since) == (None, None)
    assert first.asked is not None
    assert decide.claim(first, NOW + WAIT) is first
    ended = decide.settle(first, first.asked)
    second = decide.claim(marked(ended, at=NOW + 2 * WAIT), NOW + 3 * WAIT)
    assert second.asked not in {None, first.asked}


def test_a_change_after_the_claim_marks_again() -> None:
    claimed = decide.claim(marked(), NOW + WAIT)
    again = marked(claimed, at=NOW + WAIT)
    assert (again.asked, again.due) == (claimed.asked, NOW + 2 * WAIT)
    assert decide.settle(again, str(claimed.asked)).due == NOW + 2 * WAIT


def test_only_the_claimed_run_settles_a_renewal() -> None:
    claimed = decide.claim(marked(), NOW + WAIT)
    assert decide.settle(claimed, "run_other") is claimed
    assert decide.put_back(claimed, "run_other", NOW, NOW) is claimed


def test_the_night_claims_once_a_day_and_waits_for_a_renewal_under_way() -> None:
    monday, tuesday = date(2026, 3, 2), date(2026, 3, 3)
    first = decide.claim_nightly(None, "default", "prog_1", monday)
    assert (first.version, first.nightly, first.certified_on) == (1, True, monday)
    assert decide.claim_nightly(first, "default", "prog_1", tuesday) is first
    ended = decide.settle(first, str(first.asked))
    assert decide.claim_nightly(ended, "default", "prog_1", monday) is ended
    assert decide.claim_nightly(ended, "default", "prog_1", tuesday).asked not in {None, first.asked}


def test_a_night_that_finds_a_mark_does_the_work_of_a_renewal() -> None:
    renewal = decide.claim_nightly(marked(), "default", "prog_1", date(2026, 3, 2))
    assert (renewal.nightly, renewal.due) == (False, None)


@pytest.mark.parametrize(
    ("now", "day"),
    [("2026-03-03T01:59", date(2026, 3, 2)), ("2026-03-03T02:00", date(2026, 3, 3))],
)
def test_a_day_begins_at_its_hour(now: str, day: date) -> None:
    assert last_day(datetime.fromisoformat(now).replace(tzinfo=UTC), 2) == day


def test_a_proposal_is_current_unless_a_renewal_waits_or_runs_or_has_failed() -> None:
    proposal = a_proposed_run()
    claimed = decide.claim(marked(), NOW + WAIT)
    ended = decide.settle(claimed, str(claimed.asked))
    failed = decide.settle(claimed, str(claimed.asked), failed_for=proposal.id)
    now_current = [renewal.is_current(proposal) for renewal in (marked(), claimed, ended, failed)]
    assert now_current == [False, False, True, False]
    assert failed.is_current(a_proposed_run("run_2"))


def test_a_renewal_that_finds_the_same_confirms_and_one_that_comes_too_late_is_no_proposal() -> None:
    open_, held = a_proposed_run(), run_decisions.take(a_renewal(), "a", NOW)
    same = run_decisions.conclude(held, "a", 1, FIGURES, NOW, renewed=open_)
    assert (same.status, same.pairs_result) == (RunStatus.UNCHANGED, open_.result)
    approving = run_decisions.begin_approval(open_, date(2026, 4, 1), NOW)
    late = run_decisions.conclude(held, "a", 1, FIGURES, NOW, renewed=approving)
    assert late.status is RunStatus.SUPERSEDED


def a_renewal() -> MatchRun:
    return run_decisions.request(a_programme(), id="run_2", seed=0, now=NOW, renews="run_1")


def test_a_confirmed_proposal_keeps_its_pairs_and_gets_the_figures_of_today() -> None:
    open_ = a_proposed_run()
    by = replace(a_proposed_run("run_2", renews="run_1"), figures=replace(FIGURES, unmatched_mentees=7))
    confirmed = run_decisions.confirm(open_, by, NOW)
    assert (confirmed.pairs_result, confirmed.left_out_result) == (open_.result, by.result)
    assert (confirmed.figures, confirmed.confirmed_at) == (by.figures, NOW)
    assert run_decisions.confirm(confirmed, by, NOW) is confirmed
    approving = run_decisions.begin_approval(open_, date(2026, 4, 1), NOW)
    assert run_decisions.confirm(approving, by, NOW) is approving


def test_whoever_approves_what_was_renewed_or_only_confirmed_is_told_which_run_to_approve() -> None:
    renewed = run_decisions.supersede(a_proposed_run(), NOW, by="run_2")
    unchanged = replace(a_proposed_run("run_3", renews="run_1"), status=RunStatus.UNCHANGED)
    for run, instead in ((renewed, "run_2"), (unchanged, "run_1")):
        with pytest.raises(ProposalRenewed, match=instead) as refusal:
            run_decisions.begin_approval(run, date(2026, 4, 1), NOW)
        assert refusal.value.extra == {"run_id": instead}
