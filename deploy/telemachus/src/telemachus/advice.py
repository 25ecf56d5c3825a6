"""What to do about a dead letter, by its reason, and whether a repaired value would be understood."""

from shared.contracts import EVENTS
from shared.contracts.cloud_events import Undecodable, event_type, from_record

from .letters import Headers
from .trouble import Trouble

_BY_REASON = {
    "invalid_json": "the value is no JSON: repair it (`dlq redrive ADDRESS --value FILE`), or discard it.",
    "schema": "the value breaks the event's schema where the message says: repair it with --value FILE, or discard it.",
    "tombstone": "there is no value, so nothing to apply: discard it, and ask its sender why tombstones are sent.",
    "oversized": "no event is this large: discard it and tell its sender.",
    "not_a_cloud_event": "CloudEvents headers are missing: add them with --header NAME=VALUE, or discard it.",
    "unknown_type": "the service reads no such event: upgrade it and re-drive, or find who writes to a wrong topic.",
    "unknown_version": "a newer major version than the service reads: upgrade the service, then re-drive.",
    "refused": "the service refuses it, see the message: re-drive after a repair of value or rules, else discard.",
    "not_yet_known": "it refers to something whose own event had not arrived: once that is there, re-drive.",
    "exception": "a bug: find the error and the event's id in the service's log, repair, deploy, re-drive.",
    "redriven_too_often": "it came back too often: find out why, discard it, and have the fact published anew.",
    "foreign": "no Telemachus service put this here: look at who may write to this topic.",
}

REASONS = tuple(reason for reason in _BY_REASON if reason != "foreign")


def hint(reason: str) -> str:
    """The next step for a letter with this reason."""
    return _BY_REASON.get(reason, "this reason is newer than this command line: upgrade it.")


def check(value: bytes | None, headers: Headers) -> None:
    """Whether a service of this version could read the record.

    Raises:
        Trouble: With the reason it would be dead-lettered for again.
    """
    try:
        from_record(value, headers, {event_type(event): event for event in EVENTS})
    except Undecodable as error:
        raise Trouble(
            f"The repaired record would be refused again: {error.reason}: {error}.",
            "repair it further; --unchecked sends it all the same, for services newer than this command line.",
        ) from error
