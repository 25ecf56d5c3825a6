"""Calendar entries, read back by an independent reader."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from icalendar import Calendar
from scheduling.domain import booking, conduct
from scheduling.domain.plans import Plan
from scheduling.domain.sessions import Session
from scheduling.http_api import ics
from scheduling.use_cases import CalendarItem
from scheduling_builders import MONDAY, a_plan, a_session
from shared.contracts import CancelReason, Modality


def item(
    session: Session | None = None, *, plan: Plan | None = None, programme: str | None = "Digital for leaders"
) -> CalendarItem:
    return CalendarItem(session=session or a_session(), plan=plan or a_plan(), programme=programme)


def moved(session: Session, by: timedelta = timedelta(days=1)) -> Session:
    proposed, _ = booking.move(
        session,
        replace(session.time, starts_at=session.time.starts_at + by),
        asked_by=None,
        sides=(session.mentor, session.mentee),
        layout=1,
        now=MONDAY,
    )
    assert proposed.proposal is not None
    return booking.confirm(proposed, proposed.proposal.holder, now=MONDAY)[0]


def entry(content: bytes) -> tuple[Any, dict[str, Any]]:
    calendar = Calendar.from_ical(content)
    (event,) = calendar.walk("VEVENT")
    return calendar, {name: event.decoded(name) for name in event if name != "ATTENDEE"} | {"event": event}


def test_an_invitation_says_when_and_what_for() -> None:
    calendar, event = entry(ics.invitation(item(), "en"))
    assert calendar["METHOD"] == "REQUEST"
    assert calendar["VERSION"] == "2.0"
    assert event["DTSTART"] == datetime(2026, 2, 9, 8, 0, tzinfo=UTC)
    assert event["DTEND"] == datetime(2026, 2, 9, 9, 0, tzinfo=UTC)
    assert event["SUMMARY"] == "Digital for leaders · Session 1 of 6 · Kick-off"
    assert event["STATUS"] == "TENTATIVE"
    assert event["SEQUENCE"] == 0
    assert event["DTSTAMP"] == MONDAY
    assert "Europe/Paris: 2026-02-09 09:00 - 2026-02-09 10:00" in event["DESCRIPTION"]
    assert "Asia/Kolkata: 2026-02-09 13:30 - 2026-02-09 14:30" in event["DESCRIPTION"]


def test_the_words_are_french_where_asked() -> None:
    _, event = entry(ics.invitation(item(programme=None), "fr"))
    assert event["SUMMARY"] == "Mentorat inversé · Séance 1 sur 6 · Lancement"


def test_moves_and_cancellation_keep_the_uid_and_raise_the_sequence() -> None:
    session = a_session()
    versions = [session, moved(session), moved(moved(session))]
    versions.append(conduct.cancel(versions[-1], CancelReason.OTHER, now=MONDAY)[0])
    read = [entry(ics.invitation(item(version), "en")) for version in versions]
    assert len({event["UID"] for _, event in read}) == 1
    assert [event["SEQUENCE"] for _, event in read] == [0, 1, 2, 3]
    assert [calendar["METHOD"] for calendar, _ in read] == ["REQUEST", "REQUEST", "REQUEST", "CANCEL"]
    assert read[-1][1]["STATUS"] == "CANCELLED"


def test_people_are_opaque_references_at_an_address_that_receives_nothing() -> None:
    accepted, _ = conduct.accept(a_session(), "mentor_1", now=MONDAY)
    _, event = entry(ics.invitation(item(accepted), "en"))
    attendees = event["event"]["ATTENDEE"]
    assert [str(one) for one in attendees] == [
        "mailto:mentor_1@telemachus.invalid",
        "mailto:mentee_1@telemachus.invalid",
    ]
    assert [one.params["PARTSTAT"] for one in attendees] == ["ACCEPTED", "NEEDS-ACTION"]
    both, _ = conduct.accept(accepted, "mentee_1", now=MONDAY)
    assert entry(ics.invitation(item(both), "en"))[1]["STATUS"] == "CONFIRMED"


def test_a_reference_with_signs_of_the_format_stays_inside_its_field() -> None:
    session = a_session()
    odd = replace(session, mentor=replace(session.mentor, person_ref="a:b;c@d"))
    _, event = entry(ics.invitation(item(odd), "en"))
    assert str(event["event"]["ATTENDEE"][0]) == "mailto:a%3Ab%3Bc%40d@telemachus.invalid"


@pytest.mark.parametrize(
    ("modality", "location", "url"),
    [
        (Modality.REMOTE, "https://meet.example/pair", "https://meet.example/pair"),
        (Modality.IN_PERSON, "Building B, room 4", None),
        (Modality.HYBRID, "Building B, room 4 · https://meet.example/pair", "https://meet.example/pair"),
    ],
)
def test_the_place_depends_on_how_the_session_is_held(modality: Modality, location: str, url: str | None) -> None:
    plan = a_plan()
    plan = replace(plan, format=replace(plan.format, place="Building B, room 4", link="https://meet.example/pair"))
    session = a_session()
    assert session.booking is not None
    session = replace(session, booking=replace(session.booking, time=replace(session.time, modality=modality)))
    event = entry(ics.invitation(item(session, plan=plan), "en"))[1]["event"]
    assert event.get("LOCATION") == location
    assert event.get("URL") == url


def test_an_open_session_reminds_the_day_before_and_a_closed_one_does_not() -> None:
    open_one = Calendar.from_ical(ics.invitation(item(), "en")).walk("VALARM")
    assert [alarm.decoded("TRIGGER") for alarm in open_one] == [timedelta(days=-1)]
    cancelled, _ = conduct.cancel(a_session(), CancelReason.OTHER, now=MONDAY)
    assert Calendar.from_ical(ics.invitation(item(cancelled), "en")).walk("VALARM") == []


@pytest.mark.parametrize(
    "title",
    [
        'Numérique, IA; et plus: \\ "quotes" ' + "é" * 150,
        "two\r\nEND:VEVENT\r\nBEGIN:VEVENT\nlines",
        "null\x00 and bell\x07",
        "日本語" * 60,
        "a",
    ],
)
def test_any_title_stays_inside_its_line(title: str) -> None:
    content = ics.invitation(item(programme=title), "fr")
    lines = content.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert not re.search(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", content)
    assert b"\n" not in content.replace(b"\r\n", b"")
    _, event = entry(content)
    summary = event["SUMMARY"]
    assert "".join(summary.split()).startswith("".join(letter for letter in title if letter > " ").replace(" ", ""))


def test_a_feed_is_one_calendar_of_all_sessions() -> None:
    sessions = [a_session(number=1), conduct.cancel(a_session(number=2), CancelReason.OTHER, now=MONDAY)[0]]
    calendar: Any = Calendar.from_ical(ics.feed([item(session) for session in sessions], "en"))
    assert calendar["METHOD"] == "PUBLISH"
    events = calendar.walk("VEVENT")
    assert [event["STATUS"] for event in events] == ["TENTATIVE", "CANCELLED"]
    assert all("ATTENDEE" not in event for event in events)  # RFC 5546: a published calendar invites nobody
    assert calendar["REFRESH-INTERVAL"].dt == timedelta(hours=1)


def test_an_empty_feed_is_a_calendar_too() -> None:
    assert Calendar.from_ical(ics.feed([], "en")).walk("VEVENT") == []


@pytest.mark.parametrize(
    ("objective", "english", "french"),
    [
        ("kickoff", "Kick-off", "Lancement"),
        ("closing", "Closing", "Bilan"),
        ("exchange", "Exchange", "Échange"),
        ("skill:generative-ai", "Skill: generative ai", "Compétence : generative ai"),
        ("team_rituals", "Team rituals", "Team rituals"),
    ],
)
def test_objectives_have_words(objective: str, english: str, french: str) -> None:
    assert (ics.objective_label(objective, "en"), ics.objective_label(objective, "fr")) == (english, french)
