"""``telemachus topics``: what the services need of the bus against what is there."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer
import yaml
from shared.chassis.topics import DAY_MS, TopicNeed, create_needed, needs

from .bus import Topic, connected, told
from .screen import Json, print_json, print_table, say
from .settings import OperatorSettings
from .trouble import Exit

app = typer.Typer(no_args_is_help=True, help="Topics: compare with what services need, create, print as manifests.")

FOR_EVER = -1
MUST_GROW_NEVER = "recreate it while it is empty, or live with it: more partitions later would break the order per key."


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One way in which a topic is not as it should be."""

    topic: str
    what: str
    next_step: str


def faults(wanted: Sequence[TopicNeed], there: Mapping[str, Topic]) -> tuple[Fault, ...]:
    """What is missing or less than needed. More than needed is fine."""
    found: list[Fault] = []
    for need in wanted:
        topic = there.get(need.name)
        if topic is None:
            found.append(Fault(topic=need.name, what="is missing", next_step="`telemachus topics create`"))
        else:
            found += [Fault(topic=need.name, what=what, next_step=step) for what, step in _shortfalls(need, topic)]
    return tuple(found)


def _shortfalls(need: TopicNeed, topic: Topic) -> list[tuple[str, str]]:
    short = []
    retention = int(topic.configs.get("retention.ms") or FOR_EVER)
    in_sync = int(topic.configs.get("min.insync.replicas") or 1)
    policy = topic.configs.get("cleanup.policy") or "delete"
    if topic.partitions < need.partitions:
        short.append((f"has {topic.partitions} partitions of {need.partitions}", MUST_GROW_NEVER))
    if topic.replication < need.replication:
        short.append((f"has {topic.replication} replicas of {need.replication}", "reassign its partitions"))
    if in_sync < need.min_insync:
        short.append((f"min.insync.replicas is {in_sync}, not {need.min_insync}", "alter its configuration"))
    if 0 <= retention < need.retention_ms:
        days = need.retention_ms // DAY_MS
        short.append(
            (f"keeps records {retention / DAY_MS:.1f} days of {days}", f"set retention.ms={need.retention_ms}")
        )
    if policy != "delete":
        short.append((f"cleanup.policy is {policy}", "set cleanup.policy=delete: compaction drops events of one key"))
    if topic.leaderless:
        short.append((f"{topic.leaderless} partitions have no leader", "bring its brokers back"))
    elif topic.in_sync < in_sync:
        short.append((f"only {topic.in_sync} replicas are in sync", "bring its brokers back: it takes no records"))
    return short


async def compared(settings: OperatorSettings) -> tuple[tuple[TopicNeed, ...], dict[str, Topic], tuple[Fault, ...]]:
    """What is needed, what is there, what is wrong. Raises: Trouble, when Kafka does not answer."""
    wanted = needs(settings)
    async with connected(settings) as bus:
        there = await bus.topics([need.name for need in wanted])
    return wanted, there, faults(wanted, there)


@app.command()
def check(context: typer.Context, *, as_json: Json = False) -> None:
    """Compare the bus with what the services need. Exit code 1 when something is missing or too little."""
    wanted, there, wrong = asyncio.run(compared(context.obj()))
    if as_json:
        print_json({"needed": len(wanted), "there": sorted(there), "faults": [asdict(fault) for fault in wrong]})
    else:
        print_table(
            ("topic", "is wrong", "what to do"),
            [(fault.topic, fault.what, fault.next_step) for fault in wrong],
            empty=f"All {len(wanted)} topics are as they should be.",
        )
    raise typer.Exit(Exit.WRONG if wrong else Exit.FINE)


@app.command()
def create(context: typer.Context, *, as_json: Json = False) -> None:
    """Create the topics that are missing; those that exist are left as they are."""
    settings: OperatorSettings = context.obj()
    with told(settings, "creating topics"):
        created = asyncio.run(create_needed(settings))
    if as_json:
        print_json({"created": sorted(created)})
    else:
        say("\n".join([*sorted(created), f"{len(created)} topics created."]))


@app.command()
def manifest(
    context: typer.Context,
    *,
    cluster: Annotated[str, typer.Option(help="Strimzi's name of the Kafka cluster.")] = "kafka",
    api_version: Annotated[str, typer.Option(help="Older operators want kafka.strimzi.io/v1beta2.")] = (
        "kafka.strimzi.io/v1"
    ),
    as_json: Json = False,
) -> None:
    """Print what the services need as KafkaTopic resources of Strimzi. Asks no broker."""
    resources = [_resource(need, cluster, api_version) for need in needs(context.obj())]
    if as_json:
        print_json(resources)
    else:
        typer.echo(yaml.safe_dump_all(resources, sort_keys=False, explicit_start=True), nl=False)


def _resource(need: TopicNeed, cluster: str, api_version: str) -> dict[str, Any]:
    """A resource's name allows no underscore and no capital, so the topic's own stands in the specification."""
    return {
        "apiVersion": api_version,
        "kind": "KafkaTopic",
        "metadata": {
            "name": need.name.lower().replace("_", "-"),
            "labels": {"strimzi.io/cluster": cluster, "app.kubernetes.io/part-of": "telemachus"},
        },
        "spec": {
            "topicName": need.name,
            "partitions": need.partitions,
            "replicas": need.replication,
            "config": {name: int(text) if text.isdigit() else text for name, text in need.configs.items()},
        },
    }
