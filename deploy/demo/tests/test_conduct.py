from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from demo.conduct import Conduct, Ending, Pair, Side, answer, conduct

PAIRS = [Pair(f"{30_000 + n:08d}", f"{20_000 + n:08d}", ("digcomp.1.1", "generative_ai")) for n in range(500)]
GOALS = ("digital_skills", "inclusion")
SESSIONS = [(pair, number) for pair in PAIRS for number in range(1, 7)]


def plays() -> list[Conduct]:
    return [conduct(pair, number) for pair, number in SESSIONS]


def answers() -> list[dict[str, Any]]:
    given = [answer(pair, number, side, GOALS) for pair, number in SESSIONS for side in Side]
    return [one for one in given if one is not None]


def test_most_sessions_are_held_some_are_missed_and_few_cancelled() -> None:
    endings = Counter(play.ending for play in plays())
    assert 0.03 < endings[Ending.MISSED] / 3000 < 0.05
    assert 0.005 < endings[Ending.CANCELLED] / 3000 < 0.02
    assert 0.06 < sum(play.moved for play in plays()) / 3000 < 0.10


def test_both_confirm_their_first_session_and_every_one_that_was_moved() -> None:
    for pair, number in SESSIONS:
        play = conduct(pair, number)
        assert play.confirmed == (play.moved or number == 1)


def test_sessions_begin_a_little_late_and_last_about_an_hour() -> None:
    assert {play.minutes for play in plays()} == set(range(50, 76))
    assert min(play.late for play in plays()) == timedelta(0)
    assert max(play.late for play in plays()) <= timedelta(minutes=9)


def test_the_report_of_a_session_tells_the_real_time() -> None:
    play = next(play for play in plays() if play.late == timedelta(minutes=5))
    report = play.report(datetime(2026, 1, 13, 9, tzinfo=UTC))
    assert report["started_at"] == "2026-01-13T09:05:00+00:00"
    assert report["actual_minutes"] == play.minutes


def test_about_ninety_two_in_a_hundred_answer_and_most_are_content() -> None:
    given = answers()
    assert 0.90 < len(given) / 6000 < 0.94
    assert 3.8 < sum(one["satisfaction"] for one in given) / len(given) < 4.4
    assert all(1 <= one[what] <= 5 for one in given for what in ("satisfaction", "quality", "trust"))


def test_what_was_learned_is_not_forgotten_between_sessions() -> None:
    pair = PAIRS[3]
    said = [answer(pair, number, Side.MENTEE, GOALS, unhappy=True) for number in range(1, 7)]
    for skill in range(2):
        steps = [(one["skills"][skill]["before"], one["skills"][skill]["after"]) for one in said if one]
        assert all(before <= after <= 5 for before, after in steps)
        assert all(earlier[1] == later[0] for earlier, later in pairwise(steps))


def test_mentees_rate_what_they_were_taught_and_mentors_what_teaching_gives() -> None:
    pair = PAIRS[3]
    mentor = answer(pair, 1, Side.MENTOR, GOALS, unhappy=True)
    mentee = answer(pair, 1, Side.MENTEE, GOALS, unhappy=True)
    assert mentor is not None
    assert mentee is not None
    assert [one["skill"] for one in mentor["skills"]] == ["confidence", "pedagogy"]
    assert [one["skill"] for one in mentee["skills"]] == list(pair.skills)


def test_an_unhappy_mentee_meets_answers_and_asks_for_another_mentor() -> None:
    for pair in PAIRS:
        assert conduct(pair, 2, unhappy=True).ending is Ending.COMPLETED
        mentee = answer(pair, 2, Side.MENTEE, GOALS, unhappy=True)
        mentor = answer(pair, 2, Side.MENTOR, GOALS, unhappy=True)
        assert mentee is not None
        assert mentor is not None
        assert mentee["wants_re_match"]
        assert not mentor["wants_re_match"]


def test_the_same_people_and_session_give_the_same_story() -> None:
    again = Pair(PAIRS[0].mentor, PAIRS[0].mentee, PAIRS[0].skills)
    assert conduct(again, 4) == conduct(PAIRS[0], 4)
    assert answer(again, 4, Side.MENTEE, GOALS) == answer(PAIRS[0], 4, Side.MENTEE, GOALS)
