from collections import Counter

import pytest
from demo.chance import Chance


def test_the_same_question_gets_the_same_answer_whatever_was_asked_before() -> None:
    one, other = Chance("session", "00020007", 3), Chance("session", "00020007", 3)
    one.share("something else")
    assert one.share("missed") == other.share("missed")
    assert one.some("skills", "abcdefgh", 3) == other.some("skills", "abcdefgh", 3)


def test_draws_never_change_from_one_version_to_the_next() -> None:
    chance = Chance("employee", 7)
    assert chance.whole("born", 1990, 2003) == 2003
    assert chance.pick("site", ("Paris", "Lyon", "London")) == "London"


def test_a_share_is_spread_evenly() -> None:
    shares = [Chance("subject", number).share("what") for number in range(4000)]
    assert all(0 <= share < 1 for share in shares)
    assert all(300 < count < 500 for count in Counter(int(share * 10) for share in shares).values())


def test_weights_are_kept_to() -> None:
    drawn = Counter(Chance(number).weighted("domain", {"often": 4, "seldom": 1}) for number in range(2000))
    assert 1500 < drawn["often"] < 1700


def test_a_choice_among_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="something to choose"):
        Chance("subject").weighted("what", {})


def test_some_gives_different_ones_and_never_more_than_there_are() -> None:
    assert len(set(Chance("subject").some("which", range(20), 8))) == 8
    assert sorted(Chance("subject").some("which", range(3), 8)) == [0, 1, 2]
