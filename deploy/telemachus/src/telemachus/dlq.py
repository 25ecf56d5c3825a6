"""``telemachus dlq``: what services could not apply, and what is done about it."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from .advice import REASONS, check, hint
from .dead_letters import read, settling
from .letters import PAGE, Address, Letter, picked, to_send_again, waiting
from .screen import Json, age, counting, print_json, print_table, say
from .settings import OperatorSettings, chosen
from .trouble import Trouble

app = typer.Typer(no_args_is_help=True, help=f"Dead letters: list, show, send again, discard. See {PAGE}.")

Addresses = Annotated[list[str] | None, typer.Argument(metavar="ADDRESS...", help="Such as matching/2/17.")]
ServiceOption = Annotated[
    str | None, typer.Option(help="Only this service.", autocompletion=lambda: list(chosen(None)))
]
Reason = Annotated[str | None, typer.Option(help="Only this reason.", autocompletion=lambda: list(REASONS))]
Type = Annotated[str | None, typer.Option("--type", help="Only events whose type contains this.")]


@app.command(name="list")
def list_(
    context: typer.Context,
    *,
    service: ServiceOption = None,
    reason: Reason = None,
    type_: Type = None,
    settled: Annotated[bool, typer.Option("--settled", help="Also what was re-driven or discarded.")] = False,
    as_json: Json = False,
) -> None:
    """Dead letters that wait for somebody, oldest first in each partition."""
    found = asyncio.run(read(_settings(context), chosen(service)))
    shown = _narrowed(found, reason, type_) if settled else waiting(found, reason=reason, type=type_)
    if as_json:
        print_json([_summary(letter) for letter in shown])
        return
    now = datetime.now(UTC)
    print_table(
        ("address", "state", "reason", "type", "event", "age", "re-driven", "message"),
        [
            (
                letter.address,
                letter.state.value,
                letter.reason,
                letter.type,
                letter.event_id,
                age(letter.at, now),
                letter.redrives,
                letter.header("dlq-error-message"),
            )
            for letter in shown
        ],
        empty="No dead letters." if settled else "No dead letters wait.",
    )


@app.command()
def show(context: typer.Context, *, address: str, as_json: Json = False) -> None:
    """One dead letter: why it is here, what to do, its headers and its value."""
    (letter,) = _at(_settings(context), [address])
    text, encoding = _readable(letter.value)
    if as_json:
        headers = [[name, None if raw is None else _readable(raw)[0]] for name, raw in letter.headers]
        print_json(_summary(letter) | {"headers": headers, "value": text, "value_encoding": encoding})
        return
    facts: dict[str, object] = {
        "state": letter.state.value,
        "reason": letter.reason,
        "message": letter.header("dlq-error-message"),
        "error": letter.header("dlq-error-class"),
        "what to do": hint(letter.reason),
        "event": f"{letter.type} {letter.event_id}".strip(),
        "origin": letter.origin,
        "since": letter.at.isoformat(),
        "re-driven": f"{letter.redrives} times before" if letter.redrives else "never before",
        "re-drive of": letter.header("dlq-redrive-of"),
    }
    settlements = [(one.outcome.value, f"{one.at.isoformat()} by {one.by} {one.why}") for one in letter.settlements]
    print_table((str(letter.address), ""), [*((k, v) for k, v in facts.items() if v), *settlements], empty="")
    say("")
    shown = [(name, "" if raw is None else _readable(raw)[0]) for name, raw in letter.headers]
    print_table(("header", "value"), shown, empty="It has no headers.")
    say("")
    say(f"value ({encoding}):" if letter.value else "It has no value.")
    say(text or "")


@app.command()
def redrive(
    context: typer.Context,
    *,
    addresses: Addresses = None,
    everything: Annotated[bool, typer.Option("--all", help="Every waiting letter that the filters leave.")] = False,
    service: ServiceOption = None,
    reason: Reason = None,
    type_: Type = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    value: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file with the repaired value, for one letter.")
    ] = None,
    header: Annotated[list[str] | None, typer.Option(help="NAME=VALUE: a repaired or missing header.")] = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Send a repair that this version cannot read.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also letters that were settled before.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    as_json: Json = False,
) -> None:
    """Send dead letters to their own service again, in their order. Sending one twice changes nothing."""
    settings = _settings(context)
    if everything == bool(addresses):
        raise Trouble("Say which dead letters.", "give their addresses, or --all with --reason, --type or --service.")
    if addresses:
        letters = _at(settings, addresses)
        _refuse_settled(letters, again=again)
    else:
        letters = waiting(asyncio.run(read(settings, chosen(service))), reason=reason, type=type_)[:limit]
    content = value.read_bytes() if value else None
    headers = _pairs(header or [])
    if (value or headers) and len(letters) != 1:
        raise Trouble(f"A repair fits one letter, not {len(letters)}.", "repair and re-drive them one by one.")
    for letter in letters:  # before anything is sent, so that nothing is half done for what could be known
        sent = to_send_again(letter, headers, value=letter.value if content is None else content)
        if (value or headers) and not unchecked:
            check(letter.value if content is None else content, tuple(sent))
    if not dry_run:
        asyncio.run(_redrive(settings, letters, content, headers))
    _tell("would be re-driven" if dry_run else "re-driven", letters, as_json=as_json)


@app.command()
def discard(
    context: typer.Context,
    *,
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Such as matching/2/17.")],
    why: Annotated[str, typer.Option(min=3, help="Why nothing will be done; kept beside the letter.")],
    as_json: Json = False,
) -> None:
    """Decide that nothing will be done about dead letters. They stay readable until they expire."""
    settings = _settings(context)
    letters = _at(settings, addresses)
    _refuse_settled(letters, again=False)
    asyncio.run(_discard(settings, letters, why))
    _tell("discarded", letters, as_json=as_json)


async def _redrive(
    settings: OperatorSettings, letters: Sequence[Letter], value: bytes | None, headers: dict[str, str]
) -> None:
    async with settling(settings, _services(letters)) as desk:
        with counting("re-driving", letters) as each:
            for letter in each:
                await desk.redrive(letter, value=value, headers=headers)


async def _discard(settings: OperatorSettings, letters: Sequence[Letter], why: str) -> None:
    async with settling(settings, _services(letters)) as desk:
        with counting("discarding", letters) as each:
            for letter in each:
                await desk.discard(letter, why)


def _settings(context: typer.Context) -> OperatorSettings:
    settings: OperatorSettings = context.obj()
    return settings


def _at(settings: OperatorSettings, texts: Sequence[str]) -> tuple[Letter, ...]:
    addresses = [Address.parse(text) for text in texts]
    services = sorted({name for address in addresses for name in chosen(address.service)})
    return picked(asyncio.run(read(settings, services)), addresses)


def _services(letters: Iterable[Letter]) -> list[str]:
    return sorted({letter.address.service for letter in letters})


def _narrowed(letters: Iterable[Letter], reason: str | None, type_: str | None) -> tuple[Letter, ...]:
    return tuple(
        letter for letter in letters if reason in {None, letter.reason} and (type_ is None or type_ in letter.type)
    )


def _refuse_settled(letters: Iterable[Letter], *, again: bool) -> None:
    for letter in letters:
        if letter.settlements and not again:
            last = letter.settlements[-1]
            raise Trouble(
                f"{letter.address} was {last.outcome.value} by {last.by} at {last.at.isoformat()}.",
                "nothing, or `dlq redrive --again`: a repeat of what was applied changes nothing.",
            )


def _pairs(texts: Sequence[str]) -> dict[str, str]:
    pairs = dict(text.split("=", maxsplit=1) for text in texts if "=" in text)
    if len(pairs) != len(texts) or any(not name or name.startswith("dlq-") for name in pairs):
        raise Trouble("--header takes NAME=VALUE, each name once, and no dlq- name.", "such as --header ce_id=a.1.")
    return pairs


def _tell(what: str, letters: Sequence[Letter], *, as_json: bool) -> None:
    if as_json:
        print_json({what.replace(" ", "_").replace("-", ""): [str(letter.address) for letter in letters]})
    else:
        say(f"{len(letters)} {what}.")


def _readable(raw: bytes | None) -> tuple[str | None, str]:
    """As text where it is UTF-8 without control characters, in hexadecimal otherwise."""
    if raw is None:
        return None, "none"
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw.hex(" "), "hex"
    return (text, "text") if all(one.isprintable() or one in "\n\r\t" for one in text) else (raw.hex(" "), "hex")


def _summary(letter: Letter) -> dict[str, Any]:
    return {
        "address": str(letter.address),
        "service": letter.address.service,
        "state": letter.state.value,
        "reason": letter.reason,
        "message": letter.header("dlq-error-message"),
        "hint": hint(letter.reason),
        "type": letter.type,
        "event_id": letter.event_id,
        "at": letter.at,
        "age_seconds": round((datetime.now(UTC) - letter.at).total_seconds(), 1),
        "redrives": letter.redrives,
        "origin": letter.origin,
        "redrive_of": letter.header("dlq-redrive-of") or None,
        "settlements": [
            {"outcome": one.outcome.value, "by": one.by, "why": one.why, "at": one.at} for one in letter.settlements
        ],
    }
