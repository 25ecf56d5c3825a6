from typing import Any

import pytest
from matching.domain.candidate import Candidate
from matching.domain.refusals import (
    LockedPair,
    NoPlaceLeft,
    RuleForbidsPair,
    UnknownProgramme,
    UnknownRestriction,
    UnknownVolunteer,
    WrongRole,
)
from matching.domain.restriction import Restriction, RestrictionKind
from matching_builders import TUESDAY_MORNING, a_mentee, a_mentor, a_programme
from matching_stores import MANAGER, Service, somebody
from shared.contracts import Forbidden, UnpairReason

LOCK, EXCLUSION = RestrictionKind.LOCK, RestrictionKind.EXCLUSION


async def a_service(*people: Candidate) -> Service:
    service = Service()
    everybody = people or (a_mentor("m1"), a_mentor("m2"), a_mentee("e1"), a_mentee("e2"))
    await service.know(*everybody, programme=a_programme())
    return service


async def add(
    service: Service, kind: RestrictionKind, mentor: str = "m1", mentee: str = "e1", programme: str = "prog_1"
) -> tuple[Restriction, bool]:
    return await service.matching.restrictions.add(MANAGER, kind, programme, mentor_id=mentor, mentee_id=mentee)


async def in_force(service: Service, kind: RestrictionKind) -> list[tuple[str, str]]:
    page = await service.matching.restrictions.page(MANAGER, kind, "prog_1", limit=50, cursor=None)
    return [restriction.pair for restriction in page.items]


@pytest.mark.parametrize("kind", RestrictionKind)
async def test_setting_one_twice_finds_the_first(kind: RestrictionKind) -> None:
    service = await a_service()
    first, is_new = await add(service, kind)
    assert is_new
    assert await add(service, kind) == (first, False)
    assert await in_force(service, kind) == [("m1", "e1")]


@pytest.mark.parametrize("kind", RestrictionKind)
async def test_one_that_was_removed_can_be_set_again(kind: RestrictionKind) -> None:
    service = await a_service()
    restriction, _ = await add(service, kind)
    for _ in range(2):
        await service.matching.restrictions.remove(MANAGER, kind, "prog_1", restriction.id)
    assert await in_force(service, kind) == []
    assert (await add(service, kind))[1]
    assert await in_force(service, kind) == [("m1", "e1")]


async def test_a_lock_is_no_exclusion_and_belongs_to_its_programme() -> None:
    service = await a_service()
    lock, _ = await add(service, LOCK)
    for kind, programme, id_ in (
        (EXCLUSION, "prog_1", lock.id),
        (LOCK, "prog_2", lock.id),
        (LOCK, "prog_1", "lock_unknown"),
    ):
        with pytest.raises(UnknownRestriction):
            await service.matching.restrictions.remove(MANAGER, kind, programme, id_)


async def test_locked_people_are_paired_by_the_next_run_and_excluded_ones_never() -> None:
    service = await a_service()
    await add(service, LOCK, "m2", "e1")
    run = await service.run()
    approved = await service.matching.approval.approve(MANAGER, run.id, None)
    assert len(approved.pairings) == 2
    assert service.active_pairs() == {("m2", "e1"), ("m1", "e2")}


async def test_a_lock_of_two_who_are_paired_already_is_satisfied() -> None:
    service = await a_service()
    await add(service, LOCK, "m2", "e1")
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    run = await service.run()
    assert run.figures is not None
    assert run.figures.dropped_locks == ()


@pytest.mark.parametrize(
    ("mentor", "mentee", "rule"),
    [
        ({"availability": (TUESDAY_MORNING,)}, {}, "shared_hour"),
        ({"languages": ("de",)}, {}, "shared_language"),
        ({"line_above": ("line_e1",)}, {}, "same_line"),
        ({"ready": False}, {}, "not_ready"),
        ({}, {"skills_wanted": ()}, "wanted_skill"),
        ({"person_ref": "p"}, {"person_ref": "p"}, "same_person"),
    ],
)
async def test_a_lock_against_a_hard_rule_is_refused_by_the_rules_name(
    mentor: dict[str, Any], mentee: dict[str, Any], rule: str
) -> None:
    service = await a_service(a_mentor(**mentor), a_mentee(**mentee))
    with pytest.raises(RuleForbidsPair, match=rule):
        await add(service, LOCK)


async def test_excluded_people_cannot_be_locked_nor_locked_people_excluded() -> None:
    service = await a_service()
    await add(service, EXCLUSION, "m1", "e1")
    with pytest.raises(RuleForbidsPair, match="excluded"):
        await add(service, LOCK, "m1", "e1")
    await add(service, LOCK, "m2", "e1")
    with pytest.raises(LockedPair):
        await add(service, EXCLUSION, "m2", "e1")


async def test_people_who_were_paired_before_cannot_be_locked() -> None:
    service = await a_service(a_mentor(), a_mentee())
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    (pairing,) = service.active()
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED)
    with pytest.raises(RuleForbidsPair, match="previous_pairing"):
        await add(service, LOCK)


async def test_nobody_is_locked_beyond_their_places() -> None:
    service = await a_service()
    await add(service, LOCK, "m1", "e1")
    with pytest.raises(NoPlaceLeft) as refused:
        await add(service, LOCK, "m1", "e2")
    assert refused.value.field == "mentor_volunteer_id"
    with pytest.raises(NoPlaceLeft) as refused:
        await add(service, LOCK, "m2", "e1")
    assert refused.value.field == "mentee_volunteer_id"


async def test_people_must_be_of_the_programme_and_named_the_right_way_round() -> None:
    service = await a_service(a_mentor(), a_mentee(), a_mentor("m9", programme_id="prog_9"))
    with pytest.raises(UnknownVolunteer):
        await add(service, LOCK, "m9", "e1")
    with pytest.raises(UnknownVolunteer):
        await add(service, LOCK, "m1", "e9")
    with pytest.raises(WrongRole) as refused:
        await add(service, EXCLUSION, "e1", "m1")
    assert refused.value.field == "mentor_volunteer_id"
    with pytest.raises(UnknownProgramme):
        await add(service, LOCK, programme="prog_9")


async def test_restrictions_are_for_managers() -> None:
    service = await a_service()
    with pytest.raises(Forbidden):
        await service.matching.restrictions.add(
            somebody("person_m1"), EXCLUSION, "prog_1", mentor_id="m1", mentee_id="e1"
        )
