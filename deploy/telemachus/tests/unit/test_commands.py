"""The command line where it asks nobody."""

from pathlib import Path

import pytest
import yaml
from commands import Commands
from shared.chassis.topics import SERVICES
from telemachus.settings import OperatorSettings
from telemachus.trouble import Exit

ALONE = Commands({"TELEMACHUS_TOPIC_REPLICATION": "3", "TELEMACHUS_TOPIC_NAMES": '{"paired": "Corp.HR_pairs"}'})


async def test_the_manifest_names_every_topic_as_strimzi_wants_it() -> None:
    result = await ALONE.run("topics", "manifest", "--cluster", "bus")
    resources = {each["spec"]["topicName"]: each for each in yaml.safe_load_all(result.stdout)}
    published = resources["mentoring.programme_published.v1"]
    assert published["kind"] == "KafkaTopic"
    assert published["metadata"] == {
        "name": "mentoring.programme-published.v1",
        "labels": {"strimzi.io/cluster": "bus", "app.kubernetes.io/part-of": "telemachus"},
    }
    assert (published["spec"]["partitions"], published["spec"]["replicas"]) == (6, 3)
    assert published["spec"]["config"]["min.insync.replicas"] == 2
    assert resources["Corp.HR_pairs"]["metadata"]["name"] == "corp.hr-pairs"
    assert all(f"mentoring.{service}.dlq" in resources for service in SERVICES)
    assert await ALONE.json("topics", "manifest", "--cluster", "bus") == list(resources.values())


@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (["dlq", "redrive"], "give their addresses"),
        (["dlq", "redrive", "matching/0/0", "--all"], "give their addresses"),
        (["dlq", "list", "--service", "billing"], "use one of enrollment, matching"),
        (["dlq", "discard", "matching-0-0", "--why", "because"], "addresses look like"),
    ],
)
async def test_a_command_that_makes_no_sense_is_refused_before_anything_is_asked(
    arguments: list[str], next_step: str
) -> None:
    trouble = await ALONE.refused(*arguments)
    assert trouble.code is Exit.USAGE
    assert next_step in trouble.next_step


@pytest.mark.parametrize(
    ("name", "text"),
    [("TELEMACHUS_KAFKA_SECURITY_PROTOCOL", "PLAIN"), ("TELEMACHUS_SERVICE_URLS", "http://matching")],
)
async def test_a_setting_that_cannot_be_understood_is_named(name: str, text: str) -> None:
    trouble = await Commands({name: text}).refused("topics", "manifest")
    assert trouble.code is Exit.USAGE
    assert name.removeprefix("TELEMACHUS_").lower() in trouble.what.lower()


async def test_without_a_local_stack_it_says_how_to_start_one(tmp_path: Path) -> None:
    trouble = await Commands({"TELEMACHUS_DATA": str(tmp_path)}).refused("--local", "topics", "check")
    assert "make up" in trouble.next_step


async def test_completion_knows_the_services() -> None:
    result = await Commands(
        {
            "_TELEMACHUS_COMPLETE": "complete_bash",
            "COMP_WORDS": "telemachus dlq list --service ",
            "COMP_CWORD": "4",
        }
    ).run()
    assert result.stdout.split() == list(SERVICES)


async def test_wrong_options_exit_with_the_code_for_wrong_usage() -> None:
    assert (await ALONE.run("dlq", "lisst")).exit_code == Exit.USAGE


def test_a_service_is_looked_at_with_its_own_database() -> None:
    assert OperatorSettings(mongo_database_prefix="x_").of("matching").mongo_database == "x_matching"
