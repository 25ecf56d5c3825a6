import json

import pytest
from shared.chassis.logging import configure, follow, follow_nothing, followed, get_logger, trace_id_of
from shared.chassis.problems import name_of
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import SERVICES, TopicNames
from shared.contracts import EVENTS, NotFound, Paired

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_topics_groups_and_dead_letters_follow_the_prefix() -> None:
    names = TopicNames("acme.hr.", {})
    assert names.event(Paired) == "acme.hr.paired.v1"
    assert names.dead_letter("matching") == "acme.hr.matching.dlq"
    assert names.retry("matching") == "acme.hr.matching.retry"
    assert names.group("matching", "paired") == "acme.hr.matching.paired"


def test_house_rules_may_rename_any_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMACHUS_TOPIC_NAMES", '{"paired": "prod.hr.mentoring.pairing.1", "matching.dlq": "dead"}')
    names = TopicNames.of(ServiceSettings(service_name="matching"))
    assert names.event(Paired) == "prod.hr.mentoring.pairing.1"
    assert names.dead_letter("matching") == "dead"


def test_the_catalogue_names_every_topic_once() -> None:
    catalogue = TopicNames("m.", {}).catalogue()
    assert len(catalogue) == len(set(catalogue)) == len(EVENTS) + 2 * len(SERVICES)


def test_what_goes_out_stays_in_the_trace_with_a_span_of_its_own() -> None:
    follow(correlation_id="corr", traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    correlation, traceparent = followed()
    assert correlation == "corr"
    assert trace_id_of(traceparent) == TRACE
    assert traceparent != followed()[1]
    follow_nothing()


@pytest.mark.parametrize("broken", [None, "", "00-xyz", f"00-{TRACE}", f"00-{TRACE[:-1]}!-b7ad6b7169203331-01"])
def test_a_broken_trace_starts_a_new_one(broken: str | None) -> None:
    assert trace_id_of(broken) is None
    follow(correlation_id=None, traceparent=broken)
    assert trace_id_of(followed()[1]) is not None
    follow_nothing()


def test_a_log_line_is_one_json_object_that_names_service_and_correlation(capsys: pytest.CaptureFixture[str]) -> None:
    configure(ServiceSettings(service_name="matching"))
    follow(correlation_id="corr", traceparent=None, event_id="pair_1.1")
    get_logger("test").warning("something", reason="none")
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["service"], line["correlation_id"], line["event_id"]) == ("matching", "corr", "pair_1.1")
    assert {"trace_id", "timestamp", "level"} <= line.keys()
    follow_nothing()


def test_a_refusals_name_becomes_its_problems_type() -> None:
    assert name_of(NotFound) == "not-found"
