from datetime import date

import pytest
from enrollment.domain.catalogue import UnknownGoal, UnknownSkill
from enrollment.domain.offers import UnusableOffer
from enrollment.domain.people import UnknownPerson
from enrollment.domain.programmes import ProgrammeNotPublished, ProgrammeStatus, UnknownProgramme
from enrollment.domain.volunteers import (
    HasWithdrawn,
    Origin,
    Status,
    Training,
    UnknownVolunteer,
)
from enrollment.use_cases import Wish
from shared.chassis.aggregates import Cause
from shared.contracts import (
    Forbidden,
    MatchPolicy,
    OfferedSkill,
    Paired,
    Principal,
    Role,
    Side,
    Unpaired,
    UnpairReason,
    VolunteerUpdated,
    WithdrawalReason,
)

from ..builders import MANAGER, NOW, TENANT, TODAY, a_charter, a_participant, a_person, an_offer
from ..desk import Desk, command
from ..fakes import InMemoryPeople

ELSEWHERE = Principal(tenant="elsewhere", subject="hr", roles=MANAGER.roles)
TRAINING = Training(module="core", completed_on=TODAY)


def a_desk() -> Desk:
    """``per_boss`` manages ``per_1``; ``per_2`` and ``per_3`` report to nobody."""
    people = [a_person("per_1", manager_ref="per_boss"), a_person("per_boss"), a_person("per_2"), a_person("per_3")]
    return Desk(people=InMemoryPeople(*people))


def a_wish(programme_id: str, ref: str = "per_1", **fields: object) -> Wish:
    wish = {"programme_id": programme_id, "person_ref": ref, "role": Role.MENTOR, "offer": an_offer()}
    return Wish(**(wish | fields))  # type: ignore[arg-type] # each test fills what it needs


# --- people ---------------------------------------------------------------------------------------------------


async def test_everybody_sees_themself_and_managers_see_everybody() -> None:
    desk = a_desk()
    assert (await desk.directory.person(a_participant("per_1"), "per_1")).id == "per_1"
    assert (await desk.directory.person(MANAGER, "per_1")).id == "per_1"
    assert len((await desk.directory.everybody(MANAGER, {}, limit=2, cursor=None)).items) == 2


@pytest.mark.parametrize(
    ("who", "ref"), [(a_participant("per_2"), "per_1"), (MANAGER, "per_unknown"), (ELSEWHERE, "per_1")]
)
async def test_somebody_elses_record_does_not_exist(who: Principal, ref: str) -> None:
    with pytest.raises(UnknownPerson):
        await a_desk().directory.person(who, ref)


async def test_participants_do_not_list_people() -> None:
    with pytest.raises(Forbidden):
        await a_desk().directory.everybody(a_participant(), {}, limit=10, cursor=None)


# --- programmes -----------------------------------------------------------------------------------------------


async def test_a_programme_is_drafted_edited_published_and_cloned() -> None:
    desk = a_desk()
    drafted = await desk.programmes.draft(a_charter(), command(), None)
    edited = await desk.programmes.edit(drafted.id, {"title": "Digital for all"}, command())
    published = await desk.programmes.publish(drafted.id, command())
    copy = await desk.programmes.clone(drafted.id, "Second cohort", date(2026, 9, 1), command(), None)
    assert (edited.version, published.version, published.status) == (2, 3, ProgrammeStatus.PUBLISHED)
    assert (copy.cloned_from, copy.status, copy.charter.title) == (drafted.id, ProgrammeStatus.DRAFT, "Second cohort")
    assert [event.name for event in desk.stored_programmes.events] == ["programme_published"]


async def test_a_repeated_draft_is_one_programme() -> None:
    desk = a_desk()
    first = await desk.programmes.draft(a_charter(), command(key="k"), "k")
    again = await desk.programmes.draft(a_charter(), command(key="k"), "k")
    assert again == first
    assert len(desk.stored_programmes.states) == 1
    copy = await desk.programmes.clone(first.id, "Copy", TODAY, command(key="k"), "k")
    assert copy.id != first.id, "the key is the same, what is asked is not"


async def test_drafts_exist_for_managers_only() -> None:
    desk = a_desk()
    drafted = await desk.programmes.draft(a_charter(), command(), None)
    with pytest.raises(UnknownProgramme):
        await desk.programmes.get(a_participant(), drafted.id)
    assert (await desk.programmes.all(a_participant(), limit=10, cursor=None)).items == ()
    assert len((await desk.programmes.all(MANAGER, limit=10, cursor=None)).items) == 1
    await desk.programmes.publish(drafted.id, command())
    assert (await desk.programmes.get(a_participant(), drafted.id)).id == drafted.id
    assert len((await desk.programmes.all(a_participant(), limit=10, cursor=None)).items) == 1
    with pytest.raises(UnknownProgramme):
        await desk.programmes.get(ELSEWHERE, drafted.id)


async def test_participants_change_no_programme() -> None:
    desk, by = a_desk(), command(a_participant())
    programme = await desk.a_published_programme()
    for attempt in (
        desk.programmes.draft(a_charter(), by, None),
        desk.programmes.edit(programme.id, {"title": "Mine"}, by),
        desk.programmes.publish(programme.id, by),
        desk.programmes.clone(programme.id, "Mine", TODAY, by, None),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_a_programme_that_is_not_there_can_be_neither_edited_nor_published() -> None:
    desk = a_desk()
    with pytest.raises(UnknownProgramme):
        await desk.programmes.edit("prg_none", {}, command())
    with pytest.raises(UnknownProgramme):
        await desk.programmes.publish("prg_none", command())


# --- volunteering ---------------------------------------------------------------------------------------------


async def test_a_person_volunteers_for_themself() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    wish = a_wish(programme.id, charter_signed=True)
    volunteer, is_new = await desk.volunteers.volunteer(wish, command(a_participant("per_1")))
    assert is_new
    assert (volunteer.origin, volunteer.missing) == (Origin.SELF, ("training",))
    assert len(volunteer.profile.line_above) == 1
    again, is_new = await desk.volunteers.volunteer(wish, command(a_participant("per_1")))
    assert not is_new
    assert again == volunteer
    assert desk.told == [("volunteered", 1)]


async def test_one_person_may_take_both_roles() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    mentor = await desk.a_volunteer(programme, "per_1", Role.MENTOR)
    mentee = await desk.a_volunteer(programme, "per_1", Role.MENTEE)
    assert mentor.id != mentee.id


async def test_nobody_volunteers_somebody_else() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    with pytest.raises(UnknownPerson):
        await desk.volunteers.volunteer(a_wish(programme.id, "per_2"), command(a_participant("per_1")))
    with pytest.raises(UnknownPerson):
        await desk.volunteers.volunteer(a_wish(programme.id, "per_none"), command())


@pytest.mark.parametrize("by", [a_participant("per_boss"), MANAGER])
async def test_a_manager_nominates(by: Principal) -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    wish = a_wish(programme.id, nominated_by="per_boss")
    volunteer, _ = await desk.volunteers.volunteer(wish, command(by))
    assert (volunteer.origin, volunteer.nominated_by) == (Origin.NOMINATED, "per_boss")
    signed = await desk.volunteers.sign_charter(volunteer.id, command(a_participant("per_1")))
    assert signed.charter_signed_at == NOW


@pytest.mark.parametrize(
    ("by", "ref", "nominator", "refusal"),
    [
        (a_participant("per_2"), "per_1", "per_2", UnknownPerson),
        (a_participant("per_2"), "per_1", "per_boss", UnknownPerson),
        (MANAGER, "per_1", "per_none", UnknownPerson),
        (a_participant("per_1"), "per_1", "per_1", UnusableOffer),
        (a_participant("per_1"), "per_1", "per_2", UnknownPerson),
    ],
)
async def test_only_those_above_nominate(by: Principal, ref: str, nominator: str, refusal: type[Exception]) -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    with pytest.raises(refusal):
        await desk.volunteers.volunteer(a_wish(programme.id, ref, nominated_by=nominator), command(by))
    assert not desk.stored_volunteers.states


async def test_volunteering_needs_a_published_programme() -> None:
    desk = a_desk()
    drafted = await desk.programmes.draft(a_charter(), command(), None)
    with pytest.raises(ProgrammeNotPublished):
        await desk.volunteers.volunteer(a_wish(drafted.id), command())
    with pytest.raises(UnknownProgramme):
        await desk.volunteers.volunteer(a_wish("prg_none"), command())


async def test_codes_that_are_in_no_catalogue_are_refused() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    bad_skill = an_offer(skills_offered=(OfferedSkill(skill="flying", level=1),))
    with pytest.raises(UnknownSkill):
        await desk.volunteers.volunteer(a_wish(programme.id, offer=bad_skill), command())
    with pytest.raises(UnknownGoal):
        await desk.volunteers.volunteer(a_wish(programme.id, offer=an_offer(goals=("fame",))), command())
    volunteer = await desk.a_volunteer(programme, "per_1")
    with pytest.raises(UnknownSkill):
        await desk.volunteers.change_offer(volunteer.id, {"skills_offered": bad_skill.skills_offered}, command())


async def test_the_way_to_readiness_and_out_is_told_step_by_step() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    volunteer = await desk.a_volunteer(programme, "per_1")
    me = a_participant("per_1")
    await desk.volunteers.sign_charter(volunteer.id, command(me))
    ready = await desk.volunteers.record_training(volunteer.id, TRAINING, command())
    assert ready.status is Status.READY
    await desk.volunteers.change_offer(volunteer.id, {"capacity": 2}, command(me))
    left = await desk.volunteers.withdraw(volunteer.id, WithdrawalReason.NO_TIME, command(me))
    assert left.status is Status.WITHDRAWN
    with pytest.raises(HasWithdrawn):
        await desk.volunteers.change_offer(volunteer.id, {"capacity": 2}, command(me))
    assert desk.told == [
        ("volunteered", 1),
        ("volunteer_updated", 2),
        ("volunteer_updated", 3),
        ("volunteer_updated", 4),
        ("volunteer_withdrawn", 5),
    ]


async def test_trainings_are_recorded_by_programme_managers() -> None:
    desk = a_desk()
    volunteer = await desk.a_volunteer(await desk.a_published_programme(), "per_1")
    with pytest.raises(Forbidden):
        await desk.volunteers.record_training(volunteer.id, TRAINING, command(a_participant("per_1")))


@pytest.mark.parametrize("who", [a_participant("per_2"), ELSEWHERE])
async def test_somebody_elses_volunteering_does_not_exist(who: Principal) -> None:
    desk = a_desk()
    volunteer = await desk.a_volunteer(await desk.a_published_programme(), "per_1")
    for attempt in (
        desk.volunteers.get(who, volunteer.id),
        desk.volunteers.sign_charter(volunteer.id, command(who)),
        desk.volunteers.change_offer(volunteer.id, {"capacity": 2}, command(who)),
        desk.volunteers.withdraw(volunteer.id, WithdrawalReason.NO_TIME, command(who)),
    ):
        with pytest.raises(UnknownVolunteer):
            await attempt
    assert (await desk.volunteers.get(MANAGER, volunteer.id)).version == 1


async def test_participants_find_themselves_only() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    await desk.a_volunteer(programme, "per_1")
    await desk.a_volunteer(programme, "per_2")

    async def found(who: Principal, **where: str) -> list[str]:
        page = await desk.volunteers.all(who, where, limit=10, cursor=None)
        return [one.person_ref for one in page.items]

    assert await found(a_participant("per_1")) == ["per_1"]
    assert await found(a_participant("per_1"), person_ref="per_2") == []
    assert sorted(await found(MANAGER, role="mentor", status="waiting")) == ["per_1", "per_2"]
    assert await found(MANAGER, person_ref="per_2", programme_id=programme.id) == ["per_2"]


# --- what happens elsewhere -----------------------------------------------------------------------------------


def a_paired(mentor: str, mentee: str, version: int = 1) -> Paired:
    return Paired(
        version=version,
        occurred_at=NOW,
        pairing_id="pair_1",
        programme_id="prg_1",
        mentor=Side(volunteer_id=mentor, person_ref="per_1", time_zone="UTC"),
        mentee=Side(volunteer_id=mentee, person_ref="per_2", time_zone="UTC"),
        effective_on=TODAY,
        score=1,
    )


def an_unpaired(mentor: str, mentee: str) -> Unpaired:
    return Unpaired(
        version=2,
        occurred_at=NOW,
        pairing_id="pair_1",
        programme_id="prg_1",
        mentor_volunteer_id=mentor,
        mentee_volunteer_id=mentee,
        mentor_ref="per_1",
        mentee_ref="per_2",
        reason=UnpairReason.RE_MATCH,
    )


def delivered(event_id: str) -> Cause:
    return Cause(principal=Principal.service("enrollment", tenant=TENANT), event_id=event_id)


async def waiting(desk: Desk, programme_id: str) -> list[str]:
    page = await desk.volunteers.waiting_list(MANAGER, programme_id, limit=10, cursor=None)
    return sorted(one.person_ref for one in page.items)


async def test_pairings_take_people_off_the_waiting_list_and_back() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    mentor = await desk.a_volunteer(programme, "per_1")
    mentee = await desk.a_volunteer(programme, "per_2", Role.MENTEE)
    await desk.a_volunteer(programme, "per_3")
    assert await waiting(desk, programme.id) == ["per_1", "per_2", "per_3"]
    await desk.volunteers.note_paired(a_paired(mentor.id, mentee.id), delivered("m#1"))
    assert await waiting(desk, programme.id) == ["per_3"]
    await desk.volunteers.note_unpaired(an_unpaired(mentor.id, mentee.id), delivered("m#2"))
    assert await waiting(desk, programme.id) == ["per_1", "per_2", "per_3"]
    assert {name for name, _ in desk.told} == {"volunteered"}


async def test_the_end_of_a_pairing_may_arrive_before_its_beginning() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    mentor = await desk.a_volunteer(programme, "per_1")
    mentee = await desk.a_volunteer(programme, "per_2", Role.MENTEE)
    await desk.volunteers.note_unpaired(an_unpaired(mentor.id, mentee.id), delivered("m#2"))
    await desk.volunteers.note_paired(a_paired(mentor.id, mentee.id), delivered("m#1"))
    assert await waiting(desk, programme.id) == ["per_1", "per_2"]


async def test_a_redelivered_event_changes_nothing_and_completes_what_was_half_done() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    mentor = await desk.a_volunteer(programme, "per_1")
    mentee = await desk.a_volunteer(programme, "per_2", Role.MENTEE)
    event = a_paired(mentor.id, mentee.id)
    hidden = desk.stored_volunteers.states.pop(mentee.id)
    with pytest.raises(UnknownVolunteer):
        await desk.volunteers.note_paired(event, delivered("m#1"))
    desk.stored_volunteers.states[mentee.id] = hidden
    for _ in range(3):
        await desk.volunteers.note_paired(event, delivered("m#1"))
    assert [desk.stored_volunteers.states[one].version for one in (mentor.id, mentee.id)] == [2, 2]


async def test_the_waiting_list_is_for_managers_and_for_programmes_that_exist() -> None:
    desk = a_desk()
    with pytest.raises(Forbidden):
        await desk.volunteers.waiting_list(a_participant(), "prg_1", limit=10, cursor=None)
    with pytest.raises(UnknownProgramme):
        await desk.volunteers.waiting_list(MANAGER, "prg_none", limit=10, cursor=None)


async def test_a_charter_that_asks_less_makes_its_volunteers_ready() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    volunteer = await desk.a_volunteer(programme, "per_1", charter_signed=True)
    left = await desk.a_volunteer(programme, "per_2")
    await desk.volunteers.withdraw(left.id, WithdrawalReason.NO_TIME, command())
    await desk.programmes.edit(programme.id, {"policy": {"require_training": False}}, command())
    await desk.volunteers.judge_by_latest_charters()
    assert desk.stored_volunteers.states[volunteer.id].status is Status.WAITING, "it is not published yet"
    await desk.programmes.publish(programme.id, command())
    await desk.volunteers.judge_by_latest_charters()
    await desk.volunteers.judge_by_latest_charters()
    assert desk.stored_volunteers.states[volunteer.id].status is Status.READY
    *_, last = desk.stored_volunteers.events
    assert isinstance(last, VolunteerUpdated)
    assert last.readiness.ready
    assert last.version == 2
    assert desk.stored_programmes.states[programme.id].volunteers_checked


async def test_somebody_who_volunteers_while_a_charter_is_published_is_judged_by_the_new_one() -> None:
    desk = a_desk()
    programme = await desk.a_published_programme()
    find, asked = desk.stored_programmes.find, 0

    async def published_meanwhile(tenant: str, id: str) -> object:
        nonlocal asked
        asked += 1
        if asked == 2:
            await desk.programmes.edit(id, {"policy": {"require_training": False}}, command())
            await desk.programmes.publish(id, command())
        return await find(tenant, id)

    desk.stored_programmes.find = published_meanwhile  # type: ignore[method-assign, assignment]
    volunteer = await desk.a_volunteer(programme, "per_1", charter_signed=True)
    assert volunteer.status is Status.READY
    assert volunteer.requirements.training is MatchPolicy(require_training=False).require_training
