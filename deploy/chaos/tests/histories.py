"""A small history in which everything is right, for tests to spoil."""

from dataclasses import replace
from typing import Any

from chaos.checker.evidence import Command, Evidence, Record

MENTOR, MENTEE, PAIRING = "vol_mentor", "vol_mentee", "pair_1"
SESSION, REQUEST, PROGRAMME = "ses_1", "fb_1", "prg_1"


def a_record(event: str, id: str, source: str, *, offset: int = 0, version: int | None = None, **data: Any) -> Record:
    """One record; its version is its number unless it is given."""
    number = int(id.rpartition(".")[2])
    told = {"version": version or number} | data
    return Record(event=event, id=id, source=source, partition=0, offset=offset, digest=b"same", data=told)


def all_is_well() -> Evidence:
    """One pair, one session, one answer."""
    sides = {"mentor": {"volunteer_id": MENTOR}, "mentee": {"volunteer_id": MENTEE}}
    of_pair = {"pairing_id": PAIRING}
    meeting = of_pair | {
        "mentor_ref": "per_mentor",
        "mentee_ref": "per_mentee",
        "starts_at": "2026-03-02T09:00:00Z",
        "minutes": 60,
    }
    records = [
        a_record("programme_published", f"{PROGRAMME}.1", "enrollment"),
        a_record("volunteered", f"{MENTOR}.1", "enrollment", offset=0, capacity=1),
        a_record("volunteered", f"{MENTEE}.1", "enrollment", offset=1, capacity=1),
        a_record("volunteer_updated", f"{MENTOR}.2", "enrollment", offset=0, capacity=1),
        a_record("volunteer_updated", f"{MENTOR}.3", "enrollment", offset=1, capacity=1),
        a_record("paired", f"{PAIRING}.1", "matching", version=2, **sides),
        a_record("session_scheduled", f"{SESSION}.1", "scheduling", **meeting),
        a_record("session_completed", f"{SESSION}.2", "scheduling", **meeting),
        a_record("feedback_submitted", f"{REQUEST}.1", "feedback", answers=1, session_id=SESSION, **of_pair),
    ]
    seen = {"pairing_id": PAIRING, "version": 2, "active": True}
    log = [
        {"event": event, "of": of, "version": version}
        for event, of, version in (
            ("paired", PAIRING, 2),
            ("session_scheduled", SESSION, 1),
            ("session_completed", SESSION, 2),
            ("feedback_submitted", REQUEST, 1),
        )
    ]
    session = {"seq": 2, "pairing_id": PAIRING, "number": 1, "announced": True, "status": "completed", "answers": 1}
    return Evidence(
        commands=[
            a_command("publish", "programme_published", PROGRAMME),
            a_command("volunteer", "volunteered", MENTOR),
            a_command("volunteer", "volunteered", MENTEE),
            a_command("train", "volunteer_updated", MENTOR),
            a_command("change", "volunteer_updated", MENTOR),
            a_command("complete", "session_completed", SESSION),
            a_command("answer", "feedback_submitted", REQUEST),
        ],
        records=records,
        documents={
            "enrollment.programmes": {PROGRAMME: {"seq": 1}},
            "enrollment.volunteers": {
                MENTOR: {"seq": 3, "pairings": [seen], "cmds": [{"k": "a"}, {"k": "b"}]},
                MENTEE: {"seq": 1, "pairings": [seen]},
            },
            "matching.programmes": {PROGRAMME: {"v": 1}},
            "matching.candidates": {MENTOR: {"v": 3}, MENTEE: {"v": 1}},
            "matching.pairings": {PAIRING: {"seq": 1, "answers": [{"request_id": REQUEST, "answers": 1}]}},
            "scheduling.programmes": {PROGRAMME: {"v": 1}},
            "scheduling.volunteers": {MENTOR: {"v": 3}},
            "scheduling.plans": {PAIRING: {"seq": 0, "status": "active"}},
            "scheduling.sessions": {SESSION: session},
            "feedback.programmes": {PROGRAMME: {"v": 1}},
            "feedback.journeys": {PAIRING: {"seq": 0, "log": log}},
            "feedback.responses": {REQUEST: {"seq": 1, "session_id": SESSION, "answers": 1}},
        },
        active_pairings={PAIRING: (MENTOR, MENTEE)},
    )


def a_command(kind: str, event: str, subject: str, outcome: str = "acknowledged") -> Command:
    """A command that owes one event."""
    return Command(outcome=outcome, kind=kind, key=f"{kind}-{subject}", owes=((event, subject, True),))


def without(evidence: Evidence, id: str) -> Evidence:
    """The same without one event."""
    return replace(evidence, records=[record for record in evidence.records if record.id != id])


def changed(evidence: Evidence, collection: str, id: str, **fields: Any) -> Evidence:
    """The same with one document changed."""
    documents = {name: dict(found) for name, found in evidence.documents.items()}
    documents[collection][id] = documents[collection].get(id, {}) | fields
    return replace(evidence, documents=documents)


def missing(evidence: Evidence, collection: str, id: str) -> Evidence:
    """The same without one document."""
    documents = {name: dict(found) for name, found in evidence.documents.items()}
    del documents[collection][id]
    return replace(evidence, documents=documents)
