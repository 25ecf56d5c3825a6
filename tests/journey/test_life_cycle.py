"""The whole life cycle: what people do, what the services tell each other, and what can be seen at the end."""

import json
from datetime import datetime

import pytest
from demo.census import header, read
from local_stack import Stack

from .world import PREFIX, Ending, Journey, plain_json

pytestmark = pytest.mark.journey


def test_people_arrive_and_the_row_that_cannot_be_right_is_left_out(undisturbed: Ending) -> None:
    assert undisturbed.imported == (12, 1)


def test_everybody_who_was_paired_is_known_as_paired_to_enrollment(undisturbed: Ending) -> None:
    mentees = {person: state for person, state in undisturbed.volunteers.items() if person.startswith("E")}
    mentors = [status for person, (status, _) in undisturbed.volunteers.items() if person.startswith("J")]
    assert set(mentees.values()) == {("paired", 1)}
    assert sorted(mentors) == ["paired"] * 5 + ["ready", "withdrawn"]
    assert undisturbed.volunteers["J7"] == ("withdrawn", 0)


def test_one_pair_was_parted_without_blame_and_its_mentee_has_another_mentor(undisturbed: Ending) -> None:
    ended = [pairing for pairing in undisturbed.pairings if pairing[2] == "ended"]
    ((mentor, mentee, _, _, reason),) = ended
    (again,) = (pairing for pairing in undisturbed.pairings if pairing[1] == mentee and pairing[2] == "active")
    assert (mentee, reason) == ("E1", "re_match")
    assert again[0] != mentor
    assert len(undisturbed.pairings) == 6


def test_sessions_end_as_their_people_say(undisturbed: Ending) -> None:
    active = {(mentor, mentee) for mentor, mentee, status, *_ in undisturbed.pairings if status == "active"}
    endings = {
        (mentee, number): (status, answers)
        for mentor, mentee, number, status, _, answers in undisturbed.sessions
        if (mentor, mentee) in active
    }
    assert endings.pop(("E5", 1)) == ("missed", 0)
    assert endings.pop(("E3", 2)) == ("cancelled", 0)
    assert endings.pop(("E2", 1)) == ("completed", 1)
    assert set(endings.values()) == {("completed", 2)}
    assert len(endings) == 7


def test_what_a_parted_pair_had_planned_is_cancelled(undisturbed: Ending) -> None:
    parted = {(mentor, mentee) for mentor, mentee, status, *_ in undisturbed.pairings if status == "ended"}
    sessions = [one for one in undisturbed.sessions if (one[0], one[1]) in parted]
    assert [(number, status) for _, _, number, status, *_ in sessions] == [(1, "completed"), (2, "cancelled")]


def test_the_final_report_counts_what_happened(undisturbed: Ending) -> None:
    figures = undisturbed.figures
    assert figures["closed"]
    assert (figures["pairs"], figures["pairs_active"]) == (6, 5)
    assert (figures["sessions_completed"], figures["sessions_missed"], figures["sessions_cancelled"]) == (9, 1, 2)
    assert (figures["feedback_requested"], figures["feedback_submitted"]) == (18, 17)
    assert (figures["answers_published"], figures["answers_withheld"]) == (17, 0)
    assert figures["satisfaction"] == pytest.approx(4 - 2 / 17, abs=0.01)
    assert (figures["skill_gain"], figures["goals_reached"]) == (1.0, 1)


def test_every_step_is_told_by_an_event_on_its_own_topic(undisturbed: Ending) -> None:
    told = {topic.removeprefix(PREFIX): count for topic, count in undisturbed.events.items()}
    assert told == {
        "programme_published.v1": 1,
        "volunteered.v1": 12,
        "volunteer_updated.v1": 12,
        "volunteer_withdrawn.v1": 1,
        "paired.v1": 6,
        "unpaired.v1": 1,
        "session_scheduled.v1": 12,
        "session_rescheduled.v1": 1,
        "session_completed.v1": 9,
        "session_missed.v1": 1,
        "session_cancelled.v1": 2,
        "feedback_submitted.v1": 17,
        "pairing_at_risk.v1": 1,
        "goal_reached.v1": 1,
    }


async def test_a_plain_consumer_reads_cloudevents_headers_and_a_plain_json_value(
    in_peace_journey: Journey, stack: Stack
) -> None:
    records, _ = await read(stack.kafka_bootstrap, PREFIX)
    paired = [one for one in in_peace_journey.mine(records) if one.topic == f"{PREFIX}paired.v1"]
    for record in paired:
        value = plain_json(record)
        pairing = value["pairing_id"]
        assert record.key.decode() == pairing
        assert header(record, "content-type") == "application/json"
        assert header(record, "ce_specversion") == "1.0"
        assert header(record, "ce_source") == "/mentoring/matching"
        assert header(record, "ce_type") == "io.telemachus.mentoring.paired.v1"
        assert header(record, "ce_subject") == pairing
        assert header(record, "ce_partitionkey") == pairing
        assert header(record, "ce_id") == f"{pairing}.1"
        assert datetime.fromisoformat(header(record, "ce_time")).tzinfo is not None
        assert sum(term["points"] for term in value["terms"]) == value["score"]
    assert len(paired) == 6


async def test_no_event_carries_a_name_an_address_a_staff_number_or_a_rating(
    in_peace_journey: Journey, stack: Stack
) -> None:
    records, _ = await read(stack.kafka_bootstrap, PREFIX)
    for record in in_peace_journey.mine(records):
        text = json.dumps(plain_json(record))
        assert not any(f'"{secret}' in text for secret in ("Ada", "Bo", "E1@", "E1", "J1", "satisfaction", "trust"))
