import json
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from chaos import report
from chaos.__main__ import main
from chaos.checker.evidence import Rest
from chaos.checker.verdict import Verdict, judge
from chaos.driver import Notes
from chaos.nemesis import Blow
from chaos.outage import Answers, Outage, Phase
from chaos.run import Outcome, Wishes
from chaos.schedule import Kind, Orders
from histories import all_is_well
from typer import Typer
from typer.testing import CliRunner

PROMISED = {
    "commands_acknowledged",
    "events",
    "effects",
    "lost",
    "duplicated",
    "disordered",
    "dead_letters",
    "outbox_pending",
    "consumer_lag",
    "kills",
    "freezes",
    "broker_restarts",
    "database_restarts",
    "seconds_to_quiet",
    "seed",
}


def an_outcome(verdict: Verdict | None = None) -> Outcome:
    orders = Orders(seed=11, kills=2, freezes=1, broker_restarts=1, storms=3, replicas=2)
    return Outcome(
        wishes=Wishes(volunteers=60, orders=orders, data=Path("/tmp/nowhere")),
        verdict=verdict or judge(all_is_well()),
        blows=[Blow(2.0, 4.0, "kill matching for 0.1 s: matching-2")],
        counts=Counter({Kind.KILL: 2}),
        notes=Notes(pairs=1),
        kinds=Counter(volunteer=2),
        refusals=Counter({"person-already-booked": 1}),
        seconds_driven=12.0,
        seconds_to_quiet=3.0,
        broker="Apache Kafka",
        database="MongoDB",
    )


def test_the_figures_hold_everything_that_is_promised(tmp_path: Path) -> None:
    report.write(report.figures(an_outcome()), tmp_path / "build" / "chaos.json")
    told = json.loads((tmp_path / "build" / "chaos.json").read_text())
    assert told.keys() >= PROMISED
    assert told["holds"]
    assert told["faults"] == {}


def test_what_is_lost_is_told_by_id() -> None:
    outcome = an_outcome(judge(replace(all_is_well(), rest=Rest(lag={"chaos.feedback.paired": 1}))))
    assert report.figures(outcome)["faults"] == {"consumer_lag": ["chaos.feedback.paired"]}
    assert "did NOT hold" in report.page(outcome)
    assert "- consumer_lag: chaos.feedback.paired" in report.page(outcome)


def test_the_page_says_what_was_done_and_how_to_replay_it() -> None:
    page = report.page(an_outcome())
    assert "The promise held" in page
    assert "| 2 | kill matching for 0.1 s: matching-2 | 4 |" in page
    assert report.command(an_outcome().wishes) in page


def test_the_command_that_replays_a_run_is_understood() -> None:
    arguments = shlex.split(report.command(an_outcome().wishes))[2].removeprefix("CHAOS_ARGS=")
    app = Typer(add_completion=False)
    app.command()(main)
    help_text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    assert all(word in help_text for word in arguments.split() if word.startswith("--"))


@pytest.mark.parametrize("option", ["--outage redis", "--volunteers 3", "--replicas 0"])
def test_an_unusable_option_is_refused_before_anything_starts(option: str) -> None:
    app = Typer(add_completion=False)
    app.command()(main)
    assert CliRunner().invoke(app, option.split()).exit_code == 2


def test_answers_are_counted_by_phase() -> None:
    answers = Answers()
    answers.note(200, 0.010)
    answers.phase = Phase.DURING
    for status in (200, 422, 503, 0):
        answers.note(status, 0.100)
    assert [answers.errors(phase) for phase in Phase] == [0, 2, 0]
    assert [answers.percentile(phase, 0.99) for phase in Phase] == [10.0, 100.0, 0.0]


def test_no_volunteer_is_changed_more_often_than_an_outbox_bears() -> None:
    outage = Outage(component="kafka", seconds=600, rate=200, data=Path("/tmp/nowhere"))
    assert outage.commands / outage.volunteers <= 200
