"""The checker can fail: whatever is spoilt in a good history, it names it."""

from dataclasses import replace

import pytest
from chaos.checker.evidence import Command, Evidence, Rest
from chaos.checker.verdict import judge
from histories import (
    MENTEE,
    MENTOR,
    PAIRING,
    PROGRAMME,
    REQUEST,
    SESSION,
    a_command,
    a_record,
    all_is_well,
    changed,
    missing,
    without,
)


def kinds(evidence: Evidence) -> set[str]:
    return {kind for kind, found in judge(evidence).faults.items() if found}


def test_a_good_history_holds() -> None:
    verdict = judge(all_is_well())
    assert verdict.holds, verdict.faults
    assert (verdict.commands_acknowledged, verdict.events, verdict.effects) == (7, 9, 19)


@pytest.mark.parametrize("id", [record.id for record in all_is_well().records])
def test_an_event_that_is_missing_is_lost(id: str) -> None:
    assert any(f"event {id} " in line for line in judge(without(all_is_well(), id)).faults["lost"])


def test_an_acknowledged_command_without_its_event_is_lost() -> None:
    evidence = all_is_well()
    lost_ack = a_command("complete", "session_completed", "ses_2")
    verdict = judge(replace(evidence, commands=[*evidence.commands, lost_ack]))
    assert verdict.faults["lost"] == ["session_completed of ses_2: 1 commands were acknowledged, 0 events are there"]


def test_of_two_acknowledged_changes_neither_may_be_missing() -> None:
    evidence = all_is_well()
    twice = [*evidence.commands, a_command("change", "volunteer_updated", MENTOR)]
    assert kinds(replace(evidence, commands=twice)) == {"lost"}


@pytest.mark.parametrize(
    ("collection", "id"),
    [
        ("matching.programmes", PROGRAMME),
        ("matching.candidates", MENTEE),
        ("scheduling.volunteers", MENTOR),
        ("scheduling.plans", PAIRING),
        ("scheduling.sessions", SESSION),
        ("feedback.programmes", PROGRAMME),
        ("feedback.journeys", PAIRING),
        ("feedback.responses", REQUEST),
        ("matching.pairings", PAIRING),
        ("enrollment.volunteers", MENTEE),
    ],
)
def test_a_document_that_a_reader_should_have_is_missed(collection: str, id: str) -> None:
    assert "lost" in kinds(missing(all_is_well(), collection, id))


def test_a_copy_older_than_its_newest_event_is_lost() -> None:
    found = judge(changed(all_is_well(), "matching.candidates", MENTOR, v=2)).faults["lost"]
    assert "effect of volunteer_updated vol_mentor.3 at matching.candidates" in found


@pytest.mark.parametrize(
    ("status", "at_risk", "right"),
    [("active", True, True), ("active", False, False), ("ended", False, True), ("ended", True, False)],
)
def test_a_pairing_stays_at_risk_as_long_as_it_lasts(status: str, at_risk: bool, right: bool) -> None:
    evidence = changed(all_is_well(), "matching.pairings", PAIRING, status=status, at_risk=at_risk)
    signal = a_record("pairing_at_risk", f"{PAIRING}.1", "feedback", pairing_id=PAIRING)
    lost = judge(replace(evidence, records=[*evidence.records, signal])).faults["lost"]
    assert ("effect of pairing_at_risk pair_1.1 at matching.pairings" in lost) is not right


def test_an_entry_that_stands_twice_in_the_log_is_a_doubled_effect() -> None:
    evidence = all_is_well()
    log = evidence.documents["feedback.journeys"][PAIRING]["log"]
    assert judge(changed(evidence, "feedback.journeys", PAIRING, log=[*log, log[0]])).faults["duplicated"] == [
        "effect of paired pair_1.1 at feedback.journeys, 2 times"
    ]


def test_a_pairing_that_a_volunteer_has_noted_twice_is_a_doubled_effect() -> None:
    seen = {"pairing_id": PAIRING, "version": 2, "active": True}
    assert kinds(changed(all_is_well(), "enrollment.volunteers", MENTOR, pairings=[seen, seen])) == {"duplicated"}


def test_two_requests_about_one_session_are_a_doubled_effect() -> None:
    assert kinds(changed(all_is_well(), "feedback.responses", "fb_2", seq=0, session_id=SESSION)) == {"duplicated"}


def test_an_answer_counted_twice_is_a_doubled_effect() -> None:
    answer = {"request_id": REQUEST, "answers": 1}
    assert kinds(changed(all_is_well(), "matching.pairings", PAIRING, answers=[answer, answer])) == {"duplicated"}


def test_a_command_applied_twice_by_one_document_is_named() -> None:
    cmds = [{"k": "a"}, {"k": "a"}]
    found = judge(changed(all_is_well(), "enrollment.volunteers", MENTOR, cmds=cmds)).faults["duplicated"]
    assert found == ["command a in enrollment.volunteers vol_mentor"]


def test_two_sessions_of_the_same_number_are_named() -> None:
    other = {"seq": 0, "pairing_id": PAIRING, "number": 1, "announced": True, "status": "planned"}
    assert kinds(changed(all_is_well(), "scheduling.sessions", "ses_9", **other)) == {"duplicated"}


def test_more_events_than_commands_are_a_doubled_effect() -> None:
    evidence = all_is_well()
    assert kinds(replace(evidence, commands=evidence.commands[:-2])) == {"duplicated"}


def test_an_unanswered_command_may_have_happened_or_not() -> None:
    evidence = all_is_well()
    *others, answer = evidence.commands
    unanswered = replace(answer, outcome="unknown")
    assert judge(replace(evidence, commands=[*others, unanswered])).holds
    assert judge(replace(evidence, commands=[*evidence.commands, unanswered])).holds


def test_a_volunteer_whose_command_was_never_answered_is_explained() -> None:
    evidence = all_is_well()
    commands = [one for one in evidence.commands if one.key != f"volunteer-{MENTEE}"]
    assert kinds(replace(evidence, commands=commands)) == {"duplicated"}
    unknown = Command(outcome="unknown", kind="volunteer", key="volunteer-?")
    assert judge(replace(evidence, commands=[*commands, unknown])).holds


def test_sending_again_changes_nothing() -> None:
    evidence = all_is_well()
    again = [replace(record, offset=record.offset + 100) for record in evidence.records]
    verdict = judge(replace(evidence, records=[*evidence.records, *again]))
    assert verdict.holds
    assert (verdict.events, verdict.records) == (9, 18)


def test_sending_again_with_other_bytes_is_noticed() -> None:
    evidence = all_is_well()
    other = replace(evidence.records[0], offset=100, digest=b"other")
    assert kinds(replace(evidence, records=[*evidence.records, other])) == {"duplicated"}


def test_first_occurrences_in_the_wrong_order_are_noticed() -> None:
    evidence = all_is_well()
    swapped = {f"{MENTOR}.2": 1, f"{MENTOR}.3": 0}
    records = [replace(one, offset=swapped.get(one.id, one.offset)) for one in evidence.records]
    assert judge(replace(evidence, records=records)).faults["disordered"] == [
        "volunteer_updated: vol_mentor.3 stands before vol_mentor.2"
    ]


def test_a_late_zombie_sends_in_no_order_and_does_no_harm() -> None:
    evidence = all_is_well()
    zombie = [replace(one, offset=50) for one in evidence.records if one.id == f"{MENTOR}.2"]
    assert judge(replace(evidence, records=[*evidence.records, *zombie])).holds


def test_an_aggregate_on_two_partitions_has_no_order() -> None:
    evidence = all_is_well()
    records = [replace(one, partition=1 if one.id == f"{MENTOR}.3" else 0) for one in evidence.records]
    assert kinds(replace(evidence, records=records)) == {"disordered"}


def test_an_event_that_no_document_knows_is_a_ghost() -> None:
    evidence = all_is_well()
    ghost = a_record("volunteer_withdrawn", f"{MENTEE}.2", "enrollment")
    assert "ghosts" in kinds(replace(evidence, records=[*evidence.records, ghost]))


@pytest.mark.parametrize(
    ("rest", "kind"),
    [
        (Rest(outbox={"matching.pairings": 2}), "outbox_pending"),
        (Rest(lag={"chaos.feedback.paired": 2}), "consumer_lag"),
        (Rest(unfinished={"scheduling.sessions": 2}), "unfinished"),
    ],
)
def test_whatever_is_left_on_its_way_is_counted(rest: Rest, kind: str) -> None:
    verdict = judge(replace(all_is_well(), rest=rest))
    assert not verdict.holds
    assert verdict.figures[kind] == 2
    assert not rest.is_quiet


def test_a_dead_letter_is_one_too_many() -> None:
    assert kinds(replace(all_is_well(), dead_letters=["chaos.matching.dlq: why"])) == {"dead_letters"}


def test_somebody_with_more_pairings_than_places_is_double_booked() -> None:
    evidence = all_is_well()
    sides = {"mentor": {"volunteer_id": MENTOR}, "mentee": {"volunteer_id": "vol_other"}}
    second = a_record("paired", "pair_2.1", "matching", version=2, **sides)
    booked = replace(
        evidence,
        records=[*evidence.records, second],
        active_pairings={**evidence.active_pairings, "pair_2": (MENTOR, "vol_other")},
    )
    assert judge(booked).faults["double_booked"] == [
        "vol_mentor has 2 pairings by the events, and offered 1",
        "vol_mentor has 2 pairings by the API, and offered 1",
    ]


def test_a_pairing_that_only_the_api_knows_is_named() -> None:
    evidence = replace(all_is_well(), active_pairings={})
    assert judge(evidence).faults["double_booked"] == ["pair_1 is active by the events alone"]


def test_two_sessions_of_one_person_at_the_same_time_are_named() -> None:
    evidence = all_is_well()
    meeting = {"pairing_id": PAIRING, "mentor_ref": "per_mentor", "mentee_ref": "per_mentee", "minutes": 60}
    overlapping = [
        a_record("session_scheduled", f"ses_{place}.1", "scheduling", starts_at=f"2026-03-02T{hour}:00Z", **meeting)
        for place, hour in ((8, "09:00"), (9, "09:30"))
    ]
    found = judge(replace(evidence, records=[*evidence.records, *overlapping])).faults["double_booked"]
    assert found[0] == "per_mentor has ses_8 and ses_9 at the same time"
