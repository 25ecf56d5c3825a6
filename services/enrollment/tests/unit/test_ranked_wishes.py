from dataclasses import replace
from datetime import timedelta

import pytest
from enrollment.domain.ranked_wishes import UnusableWish, rank_wishes
from enrollment.domain.volunteers import HasWithdrawn, Volunteer, volunteer, withdraw
from enrollment.use_cases import Volunteers
from shared.contracts import Principal, Role, VolunteerUpdated, WithdrawalReason

from ..builders import MANAGER, NOW, a_participant, a_person, a_volunteer, an_application
from ..desk import Desk, command
from ..fakes import InMemoryPeople

LATER = NOW + timedelta(days=1)


def somebody(id_: str, role: Role = Role.MENTEE, **fields: object) -> Volunteer:
    return a_volunteer(id=id_, person_ref=f"per_of_{id_}", role=role, **fields)


OTHERS = {
    one.id: one
    for one in (
        somebody("vol_2"),
        somebody("vol_3"),
        somebody("vol_mentor", Role.MENTOR),
        somebody("vol_elsewhere", programme_id="prg_2"),
        withdraw(somebody("vol_gone"), WithdrawalReason.NO_TIME, at=NOW)[0],
        replace(somebody("vol_myself"), person_ref="per_1"),
    )
}


def test_wishes_are_told_in_their_order() -> None:
    wishing, (event,) = rank_wishes(a_volunteer(), ("vol_3", "vol_2"), OTHERS, at=LATER)
    assert wishing.ranked_wishes == ("vol_3", "vol_2")
    assert isinstance(event, VolunteerUpdated)
    assert (event.version, event.ranked_wishes) == (2, ("vol_3", "vol_2"))


def test_new_wishes_replace_the_old_ones_and_the_same_change_nothing() -> None:
    wishing, _ = rank_wishes(a_volunteer(), ("vol_3", "vol_2"), OTHERS, at=LATER)
    assert rank_wishes(wishing, ("vol_3", "vol_2"), OTHERS, at=LATER) == (wishing, ())
    turned, (event,) = rank_wishes(wishing, ("vol_2", "vol_3"), OTHERS, at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert event.ranked_wishes == ("vol_2", "vol_3")
    none, (event,) = rank_wishes(turned, (), OTHERS, at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert (none.ranked_wishes, event.ranked_wishes) == ((), ())


@pytest.mark.parametrize(
    ("wished", "index", "says"),
    [
        (("vol_2", "vol_3", "vol_2"), 2, "already"),
        (("vol_1",), 0, "themself"),
        (("vol_2", "vol_myself"), 1, "themself"),
        (("vol_2", "vol_mentor"), 1, "mentor too"),
        (("vol_none",), 0, "nobody with this reference"),
        (("vol_2", "vol_elsewhere"), 1, "nobody with this reference"),
        (("vol_2", "vol_gone"), 1, "nobody with this reference"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_its_index(wished: tuple[str, ...], index: int, says: str) -> None:
    with pytest.raises(UnusableWish, match=says) as refused:
        rank_wishes(a_volunteer(), wished, OTHERS, at=LATER)
    assert refused.value.field == f"ranked_wishes.{index}"


def test_whoever_withdrew_wishes_for_nobody_and_comes_back_without_wishes() -> None:
    wishing, _ = rank_wishes(a_volunteer(), ("vol_2",), OTHERS, at=LATER)
    gone, _ = withdraw(wishing, WithdrawalReason.NO_TIME, at=LATER)
    with pytest.raises(HasWithdrawn):
        rank_wishes(gone, ("vol_2",), OTHERS, at=LATER)
    assert volunteer(gone, an_application(), at=LATER)[0].ranked_wishes == ()


# --- as asked for by people -----------------------------------------------------------------------------------


async def a_pool() -> tuple[Volunteers, str, str]:
    desk = Desk(people=InMemoryPeople(*(a_person(ref) for ref in ("per_1", "per_2"))))
    programme = await desk.a_published_programme()
    mentor = await desk.a_volunteer(programme, "per_1")
    mentee = await desk.a_volunteer(programme, "per_2", Role.MENTEE)
    return desk.volunteers, mentor.id, mentee.id


@pytest.mark.parametrize("who", [a_participant("per_1"), MANAGER])
async def test_people_wish_for_themselves_and_managers_for_everybody(who: Principal) -> None:
    volunteers, mentor, mentee = await a_pool()
    wishing = await volunteers.rank_wishes(mentor, (mentee,), command(who))
    assert wishing.ranked_wishes == (mentee,)


@pytest.mark.parametrize(
    "who", [a_participant("per_2"), Principal(tenant="elsewhere", subject="hr", roles=MANAGER.roles)]
)
async def test_nobody_wishes_in_somebody_elses_name(who: Principal) -> None:
    volunteers, mentor, mentee = await a_pool()
    with pytest.raises(Exception, match="there is no such volunteer"):
        await volunteers.rank_wishes(mentor, (mentee,), command(who))
    assert (await volunteers.get(MANAGER, mentor)).ranked_wishes == ()


async def test_a_reference_that_nobody_has_is_refused() -> None:
    volunteers, mentor, mentee = await a_pool()
    with pytest.raises(UnusableWish) as refused:
        await volunteers.rank_wishes(mentor, (mentee, "vol_none"), command(a_participant("per_1")))
    assert refused.value.field == "ranked_wishes.1"
