from dataclasses import replace
from datetime import date, timedelta

import pytest
from enrollment.domain.offers import NoSkillsOffered, NoSkillsWanted, Offer, UnusableOffer
from enrollment.domain.programmes import Requirements
from enrollment.domain.volunteers import (
    AlreadyVolunteered,
    Decision,
    HasWithdrawn,
    Origin,
    OwnSignatureNeeded,
    PairingSeen,
    Status,
    Training,
    UnusableTraining,
    Volunteer,
    change_offer,
    follow_directory,
    judge_by,
    note_pairing,
    record_training,
    sign_charter,
    volunteer,
    withdraw,
)
from shared.contracts import (
    OfferedSkill,
    Readiness,
    Refusal,
    Role,
    Volunteered,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WantedSkill,
    WeeklyWindow,
    WithdrawalReason,
)

from ..builders import NOW, TODAY, a_profile, a_volunteer, an_application, an_offer

LATER = NOW + timedelta(days=1)
TRAINING = Training(module="core", completed_on=TODAY)
NOTHING_ASKED = Requirements(version=2, charter=False, training=False)
SKILL = OfferedSkill(skill="inclusion", level=1)


def signed(present: Volunteer) -> Volunteer:
    return sign_charter(present, by="per_1", at=NOW)[0]


def trained(present: Volunteer) -> Volunteer:
    return record_training(present, TRAINING, at=NOW)[0]


def paired(present: Volunteer, pairing: str = "pair_1", version: int = 1, *, active: bool = True) -> Volunteer:
    return note_pairing(present, PairingSeen(pairing_id=pairing, version=version, active=active))[0]


def test_volunteering_tells_everything_a_reader_needs() -> None:
    taken_in, (event,) = volunteer(None, an_application(), at=NOW)
    assert event == Volunteered(
        version=1,
        occurred_at=NOW,
        volunteer_id="vol_1",
        person_ref="per_1",
        programme_id="prg_1",
        role=Role.MENTOR,
        skills_offered=(OfferedSkill(skill="generative_ai", level=4),),
        skills_wanted=(WantedSkill(skill="inclusion", level=1, priority=2),),
        availability=(WeeklyWindow(day=1, start="09:00", end="12:00"),),
        languages=("fr",),
        time_zone="Europe/Paris",
        unit="unit_a",
        line_self="line_a",
        age_band="1990-1994",
    )
    assert (taken_in.status, taken_in.missing) == (Status.WAITING, ("charter", "training"))


def test_the_same_application_again_changes_nothing() -> None:
    present = a_volunteer()
    again, events = volunteer(present, an_application(), at=LATER)
    assert again is present
    assert not events


def test_another_offer_by_somebody_who_takes_part_is_refused_rather_than_lost() -> None:
    with pytest.raises(AlreadyVolunteered, match="vol_1"):
        volunteer(a_volunteer(), an_application(offer=an_offer(capacity=2)), at=LATER)


def test_languages_and_time_zone_are_the_directorys_unless_given() -> None:
    own = a_volunteer(offer=an_offer(languages=("de",), time_zone="Europe/Berlin"))
    assert (own.languages, own.time_zone) == (("de",), "Europe/Berlin")
    moved, (event,) = follow_directory(a_volunteer(), a_profile(time_zone="Asia/Tokyo"), at=LATER)
    assert moved.time_zone == "Asia/Tokyo"
    assert isinstance(event, VolunteerUpdated)
    assert event.time_zone == "Asia/Tokyo"


@pytest.mark.parametrize(
    ("role", "offer", "field", "refusal"),
    [
        (Role.MENTOR, Offer(skills_wanted=(WantedSkill(skill="inclusion"),)), "skills_offered", NoSkillsOffered),
        (Role.MENTEE, Offer(skills_offered=(SKILL,)), "skills_wanted", NoSkillsWanted),
        (Role.MENTOR, Offer(skills_offered=(SKILL, SKILL)), "skills_offered.1.skill", UnusableOffer),
        (Role.MENTOR, an_offer(interests=("chess", "chess")), "interests.1", UnusableOffer),
        (Role.MENTOR, an_offer(goals=("inclusion", "inclusion")), "goals.1", UnusableOffer),
        (Role.MENTOR, an_offer(languages=("fr", "en", "en")), "languages.2", UnusableOffer),
        (
            Role.MENTOR,
            an_offer(
                availability=(
                    WeeklyWindow(day=1, start="09:00", end="12:00"),
                    WeeklyWindow(day=2, start="09:00", end="12:00"),
                    WeeklyWindow(day=1, start="11:59", end="13:00"),
                )
            ),
            "availability.2",
            UnusableOffer,
        ),
    ],
)
def test_an_offer_nobody_could_be_paired_by_is_refused_and_names_the_field(
    role: Role, offer: Offer, field: str, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal) as refused:
        volunteer(None, an_application(role=role, offer=offer), at=NOW)
    assert refused.value.field == field


def test_windows_that_only_touch_do_not_overlap() -> None:
    touching = (WeeklyWindow(day=1, start="09:00", end="12:00"), WeeklyWindow(day=1, start="12:00", end="24:00"))
    assert a_volunteer(offer=an_offer(availability=touching)).offer.availability == touching


@pytest.mark.parametrize(("known", "field"), [({"languages": ()}, "languages"), ({"time_zone": None}, "time_zone")])
def test_what_the_directory_does_not_know_must_be_given(known: dict[str, object], field: str) -> None:
    with pytest.raises(UnusableOffer) as refused:
        a_volunteer(profile=a_profile(**known))
    assert refused.value.field == field
    given = an_offer(languages=("fr",), time_zone="Europe/Paris")
    assert a_volunteer(profile=a_profile(**known), offer=given).live


def test_signature_and_training_make_ready_whatever_comes_first() -> None:
    one = trained(signed(a_volunteer()))
    other = signed(trained(a_volunteer()))
    assert one.status is other.status is Status.READY
    assert one.readiness == Readiness(charter_signed=True, training_completed=True, ready=True)
    assert one.version == 3


def test_each_step_to_readiness_is_told_once() -> None:
    present, (event,) = sign_charter(a_volunteer(), by="per_1", at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert (event.version, event.readiness.charter_signed, event.readiness.ready) == (2, True, False)
    assert sign_charter(present, by="per_1", at=LATER) == (present, ())


def test_a_programme_that_asks_nothing_makes_ready_at_once() -> None:
    _, (event,) = volunteer(None, an_application(requirements=NOTHING_ASKED), at=NOW)
    assert isinstance(event, Volunteered)
    assert event.readiness.ready


def test_the_same_training_is_recorded_once_and_another_one_is_kept_without_being_told() -> None:
    present = trained(a_volunteer())
    assert record_training(present, replace(TRAINING, completed_on=date(2025, 1, 1)), at=NOW) == (present, ())
    more, events = record_training(present, Training(module="listening", completed_on=TODAY), at=NOW)
    assert len(more.trainings) == 2
    assert not events, "readers are told what changed for them, and readiness did not"


@pytest.mark.parametrize("day", [date(1999, 12, 31), TODAY + timedelta(days=2), date.max])
def test_a_training_is_recorded_once_it_has_taken_place(day: date) -> None:
    with pytest.raises(UnusableTraining):
        record_training(a_volunteer(), Training(module="core", completed_on=day), at=NOW)


def test_trainings_are_limited() -> None:
    present = a_volunteer()
    for number in range(50):
        present, _ = record_training(present, Training(module=f"m{number}", completed_on=TODAY), at=NOW)
    with pytest.raises(UnusableTraining):
        record_training(present, Training(module="one_more", completed_on=TODAY), at=NOW)


def test_a_nomination_becomes_a_yes_by_the_persons_own_signature_only() -> None:
    nominated = trained(a_volunteer(nominated_by="per_boss", requirements=NOTHING_ASKED))
    assert nominated.origin is Origin.NOMINATED
    assert nominated.missing == ("charter",), "even where the programme asks for no charter"
    with pytest.raises(OwnSignatureNeeded):
        sign_charter(nominated, by="hr", at=NOW)
    assert sign_charter(nominated, by="per_1", at=NOW)[0].status is Status.READY


def test_nobody_signs_in_a_nomination() -> None:
    with pytest.raises(OwnSignatureNeeded):
        volunteer(None, an_application(nominated_by="per_boss", charter_signed=True), at=NOW)


def test_leaving_is_always_possible_and_told_once() -> None:
    for present in (a_volunteer(), trained(signed(a_volunteer())), paired(a_volunteer())):
        left, (event,) = withdraw(present, WithdrawalReason.NO_TIME, at=LATER)
        assert left.status is Status.WITHDRAWN
        assert not left.on_waiting_list
        assert event == VolunteerWithdrawn(
            version=present.version + 1,
            occurred_at=LATER,
            volunteer_id="vol_1",
            person_ref="per_1",
            programme_id="prg_1",
            role=Role.MENTOR,
            reason=WithdrawalReason.NO_TIME,
        )
        assert withdraw(left, WithdrawalReason.NOT_STATED, at=LATER) == (left, ())


def test_somebody_who_left_may_come_back_with_their_training_but_signs_again() -> None:
    left, _ = withdraw(trained(signed(a_volunteer())), WithdrawalReason.NO_TIME, at=NOW)
    back, (event,) = volunteer(left, an_application(offer=an_offer(capacity=3)), at=LATER)
    assert isinstance(event, Volunteered)
    assert (back.version, back.missing, back.offer.capacity) == (left.version + 1, ("charter",), 3)
    assert (back.volunteered_at, back.withdrawn_at, back.withdrawal_reason) == (LATER, None, None)


@pytest.mark.parametrize(
    "decide",
    [
        lambda left: change_offer(left, an_offer(), at=NOW),
        lambda left: sign_charter(left, by="per_1", at=NOW),
        lambda left: record_training(left, TRAINING, at=NOW),
    ],
)
def test_somebody_who_left_changes_nothing(decide: object) -> None:
    left, _ = withdraw(a_volunteer(), WithdrawalReason.NOT_STATED, at=NOW)
    with pytest.raises(HasWithdrawn):
        decide(left)  # type: ignore[operator] # one of the functions above
    unmoved: Decision = (left, ())
    assert judge_by(left, NOTHING_ASKED, at=NOW) == unmoved
    assert follow_directory(left, a_profile(unit="unit_b"), at=NOW) == unmoved


def test_a_changed_offer_is_told_and_an_unchanged_one_is_not() -> None:
    present = a_volunteer()
    changed, (event,) = change_offer(present, an_offer(capacity=2), at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert (event.capacity, event.version, changed.version) == (2, 2, 2)
    assert change_offer(changed, an_offer(capacity=2), at=LATER) == (changed, ())


def test_a_newer_charter_judges_anew_and_an_older_one_does_not() -> None:
    present = signed(a_volunteer())
    newer = Requirements(version=9, charter=True, training=False)
    ready, (event,) = judge_by(present, newer, at=LATER)
    assert ready.status is Status.READY
    assert isinstance(event, VolunteerUpdated)
    assert event.readiness.ready
    assert judge_by(ready, Requirements(version=3, charter=True, training=True), at=LATER) == (ready, ())


def test_a_newer_charter_with_the_same_verdict_is_noted_and_not_told() -> None:
    present = a_volunteer()
    noted, events = judge_by(present, Requirements(version=9, charter=True, training=True), at=LATER)
    assert noted.requirements.version == 9
    assert not events


def test_the_directory_is_followed_once() -> None:
    present = a_volunteer()
    moved, (event,) = follow_directory(present, a_profile(unit="unit_b", line_above=("line_b",)), at=LATER)
    assert isinstance(event, VolunteerUpdated)
    assert (event.unit, event.line_above) == ("unit_b", ("line_b",))
    assert follow_directory(moved, a_profile(unit="unit_b", line_above=("line_b",)), at=LATER) == (moved, ())


def test_the_last_known_language_and_zone_hold_when_the_directory_forgets_them() -> None:
    present = a_volunteer()
    assert follow_directory(present, a_profile(languages=(), time_zone=None), at=LATER) == (present, ())


def test_a_pairing_takes_somebody_off_the_waiting_list_and_its_end_puts_them_back() -> None:
    present = paired(trained(signed(a_volunteer())))
    assert (present.status, present.on_waiting_list, present.active_pairings) == (Status.PAIRED, False, ("pair_1",))
    free = paired(present, version=2, active=False)
    assert (free.status, free.on_waiting_list, free.active_pairings) == (Status.READY, True, ())


def test_news_of_a_pairing_may_come_in_any_order_and_twice() -> None:
    ended_first = paired(paired(a_volunteer(), version=2, active=False), version=1)
    assert ended_first.active_pairings == ()
    once = paired(a_volunteer())
    assert paired(once) is once


def test_a_mentor_with_two_mentees_stays_paired_until_both_pairings_end() -> None:
    present = paired(paired(a_volunteer(), "pair_1"), "pair_2")
    assert set(present.active_pairings) == {"pair_1", "pair_2"}
    assert paired(present, "pair_1", 2, active=False).status is Status.PAIRED


def test_pairings_are_nobodys_news_but_matchings() -> None:
    _, events = note_pairing(a_volunteer(), PairingSeen(pairing_id="pair_1", version=1, active=True))
    assert not events


def test_the_memory_of_ended_pairings_is_bounded_and_never_forgets_an_active_one() -> None:
    present = paired(a_volunteer(), "held")
    for number in range(300):
        present = paired(present, f"pair_{number}", 2, active=False)
    assert len(present.pairings) == 201
    assert present.active_pairings == ("held",)
