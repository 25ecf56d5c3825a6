"""Calendar entries (RFC 5545, RFC 5546): what a session looks like in Outlook, Google Calendar or any other.

Entries carry opaque references and no names. One UID for the life of a session; SEQUENCE grows with every move and
cancellation, so a calendar replaces its entry and never keeps two.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

from icalendar import Alarm, Calendar, Event, vCalAddress, vDuration, vText, vUri
from shared.contracts import Modality

from ..domain import objectives
from ..domain.sessions import SessionStatus, Side
from ..domain.zones import zone_named
from ..use_cases import CalendarItem

Language = Literal["en", "fr"]
MEDIA_TYPE = "text/calendar; charset=utf-8"
REMIND_BEFORE = timedelta(days=1)
REFRESH_EVERY = timedelta(hours=1)

_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "programme": "Reverse mentoring",
        "session": "Session {number} of {sessions}",
        "reminder": "Session tomorrow",
        "feed": "My mentoring sessions",
        "skill": "Skill: {skill}",
        objectives.KICKOFF: "Kick-off",
        objectives.CLOSING: "Closing",
        objectives.EXCHANGE: "Exchange",
    },
    "fr": {
        "programme": "Mentorat inversé",
        "session": "Séance {number} sur {sessions}",
        "reminder": "Séance demain",
        "feed": "Mes séances de mentorat",
        "skill": "Compétence : {skill}",
        objectives.KICKOFF: "Lancement",
        objectives.CLOSING: "Bilan",
        objectives.EXCHANGE: "Échange",
    },
}
_STATUS = {
    SessionStatus.PROPOSED: "TENTATIVE",
    SessionStatus.PLANNED: "TENTATIVE",
    SessionStatus.ACCEPTED: "CONFIRMED",
    SessionStatus.COMPLETED: "CONFIRMED",
    SessionStatus.MISSED: "CONFIRMED",
    SessionStatus.CANCELLED: "CANCELLED",
}


def objective_label(objective: str, language: Language) -> str:
    """An objective code in words. Codes of the customer's own are shown as they are, made readable."""
    words = _WORDS[language]
    if objective in {objectives.KICKOFF, objectives.CLOSING, objectives.EXCHANGE}:
        return words[objective]
    kind, separator, skill = objective.partition(":")
    if separator and kind == "skill":
        return words["skill"].format(skill=_readable(skill))
    return _readable(objective).capitalize()


def invitation(item: CalendarItem, language: Language) -> bytes:
    """One session as a scheduling message: a request, or the cancellation of it."""
    cancelled = item.session.status is SessionStatus.CANCELLED
    calendar = _calendar("CANCEL" if cancelled else "REQUEST")
    event = _event(item, language)
    for side in (item.session.mentor, item.session.mentee):
        event.add("attendee", _attendee(side, item), encode=False)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def feed(items: Sequence[CalendarItem], language: Language) -> bytes:
    """All sessions of a person, for a calendar that subscribes. Cancelled ones stay, marked so, that none lingers."""
    calendar = _calendar("PUBLISH")
    name = _WORDS[language]["feed"]
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", vDuration(REFRESH_EVERY), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH_EVERY))
    for item in items:
        calendar.add_component(_event(item, language))
    return bytes(calendar.to_ical())


def _calendar(method: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Telemachus//Scheduling//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    return calendar


def _event(item: CalendarItem, language: Language) -> Event:
    session, time = item.session, item.session.time
    event = Event()
    event.add("uid", f"{session.id}@telemachus.invalid")
    event.add("sequence", session.sequence)
    event.add("dtstamp", session.changed_at)
    event.add("last-modified", session.changed_at)
    event.add("dtstart", time.starts_at)
    event.add("dtend", time.ends_at)
    event.add("status", _STATUS[session.status])
    event.add("summary", _summary(item, language))
    event.add("description", _description(item, language))
    event.add("organizer", vCalAddress("mailto:scheduling@telemachus.invalid"), encode=False)
    link, place = item.plan.format.link, item.plan.format.place
    where = [part for part in (place, link) if part]
    if time.modality is Modality.REMOTE:
        where = [link] if link else []
    elif time.modality is Modality.IN_PERSON:
        where = [place] if place else []
    if where:
        event.add("location", " · ".join(map(_plain, where)))
    if link and time.modality is not Modality.IN_PERSON:
        event.add("url", vUri(link), encode=False)
    if session.is_open:
        event.add_component(_reminder(language))
    return event


def _reminder(language: Language) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", _WORDS[language]["reminder"])
    alarm.add("trigger", -REMIND_BEFORE)
    return alarm


def _attendee(side: Side, item: CalendarItem) -> vCalAddress:
    """A person as an opaque address under a domain that can never receive mail (RFC 2606)."""
    address = vCalAddress(f"mailto:{quote(side.person_ref, safe='')}@telemachus.invalid")
    accepted = side.person_ref in item.session.accepted_by
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("ACCEPTED" if accepted else "NEEDS-ACTION")
    address.params["RSVP"] = vText("FALSE")
    return address


def _summary(item: CalendarItem, language: Language) -> str:
    words = _WORDS[language]
    number = words["session"].format(
        number=item.session.number, sessions=max(item.plan.format.sessions, item.session.number)
    )
    title = _plain(item.programme or words["programme"])
    return f"{title} · {number} · {objective_label(item.session.objective, language)}"


def _description(item: CalendarItem, language: Language) -> str:
    """The objective, and the local time on both sides, since the two calendars may stand in two zones."""
    time = item.session.time
    zones = sorted({item.session.mentor.time_zone, item.session.mentee.time_zone})
    local = [f"{zone}: {_clock(time.starts_at, zone)} - {_clock(time.ends_at, zone)}" for zone in zones]
    return "\n".join([objective_label(item.session.objective, language), *local])


def _clock(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(zone_named(zone)):%Y-%m-%d %H:%M}"


def _readable(code: str) -> str:
    return " ".join(code.replace("_", " ").replace("-", " ").replace(".", " ").split())


def _plain(text: str) -> str:
    """One line without control characters, which RFC 5545 does not allow in text."""
    return " ".join("".join(" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in text).split())
