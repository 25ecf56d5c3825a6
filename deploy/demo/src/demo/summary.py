"""The summary that is printed at the end, for people."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from .platform import Json
from .play import Outcome

EXAMPLES = 8


def show(console: Console, outcome: Outcome, figures: Mapping[str, Any], urls: Mapping[str, str]) -> None:
    """Print it."""
    console.rule("[bold]Digital for leaders: the programme in figures")
    console.print(_figures(figures))
    console.print(_refused(outcome.report))
    console.print(_example(console, outcome))
    console.print(_skills(outcome.kpis))
    console.rule("[bold]Where to look")
    for service, url in urls.items():
        console.print(f"  {service:<11} {url}/docs   {url}/status   {url}/asyncapi.json", highlight=False)


def _figures(figures: Mapping[str, Any]) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2))
    better = figures["score"] / max(1, figures["random_baseline_score"]) - 1
    rows = (
        ("People", f"{figures['people_imported']:,} imported, {figures['rows_refused']} rows refused"),
        (
            "Volunteers",
            f"{figures['volunteers']:,}, of whom {figures['volunteers_withdrawn']} withdrew",
        ),
        (
            "Pairs",
            f"{figures['pairs']:,}; {figures['unmatched']} mentees and {figures['unmatched_mentors']} mentors wait",
        ),
        (
            "Score",
            (
                f"{figures['score']:,} against {figures['random_baseline_score']:,} at random: {better:+.0%}; "
                f"worst-served pair {figures['worst_score']:,}"
            ),
        ),
        (
            "At risk",
            f"{figures['pairs_at_risk']} pairs, one matched anew into {figures['pairs_re_matched']}",
        ),
        (
            "Sessions",
            (
                f"{figures['sessions_completed']:,} held, {figures['sessions_moved']} moved, "
                f"{figures['sessions_missed']} missed, {figures['sessions_cancelled']} cancelled"
            ),
        ),
        (
            "Feedback",
            f"{figures['feedback_submitted']:,} of {figures['feedback_requested']:,} answered",
        ),
        (
            "Satisfaction",
            f"{figures['satisfaction']} of 5; quality {figures['quality']}, trust {figures['trust']}",
        ),
        ("Skills gained", f"{figures['skill_gain']} levels per rating; {figures['goals_reached']} goals reached"),
        (
            "Events",
            (
                f"{figures['events_total']:,} in {figures['seconds']:.0f} s, "
                f"{figures['events_total'] / figures['seconds']:.0f} a second"
            ),
        ),
        (
            "Left over",
            (
                f"{figures['dead_letters']} dead letters, {figures['outbox_pending']} events pending, "
                f"{figures['consumer_lag']} records unread"
            ),
        ),
        ("Ran on", f"{figures['broker']}, {figures['database']}"),
    )
    for name, value in rows:
        table.add_row(f"[bold]{name}", value)
    return table


def _refused(report: Json) -> Table:
    table = Table(title="Rows of the HR export that were refused", title_justify="left")
    for column in ("Line", "Column", "Value", "Why"):
        table.add_column(column)
    refusals = report["refusals"]
    for one in refusals[:EXAMPLES]:
        table.add_row(str(one["line"]), one["column"] or "", one["value_excerpt"], one["message"])
    rest = Counter(one["code"] for one in refusals[EXAMPLES:])
    if rest:
        table.add_row("...", "", "", ", ".join(f"{count} more: {code}" for code, count in sorted(rest.items())))
    return table


def _example(console: Console, outcome: Outcome) -> Table:
    """The best pair, with every point of its score."""
    best = max(outcome.match.pairs, key=lambda pair: (pair["score"], pair["mentee_volunteer_id"]))
    mentor, mentee = (outcome.scene.people[best[f"{side}_ref"]] for side in ("mentor", "mentee"))
    console.print(
        f"\n[italic]One pair explained: {mentor.grade} {mentor.staff_number} mentors", highlight=False, end=" "
    )
    console.print(f"[italic]{mentee.grade} {mentee.staff_number}", highlight=False)
    console.print(f"teaches {', '.join(best['shared_skills'])}; they speak {', '.join(best['shared_languages'])}")
    console.print(f"and have {best['shared_minutes_per_week']} minutes a week in common")
    table = Table()
    table.add_column("Term")
    table.add_column("Points", justify="right")
    for term in best["terms"]:
        table.add_row(term["term"].replace("_", " "), f"{term['points']:,}")
    table.add_row("[bold]score", f"[bold]{best['score']:,}")
    return table


def _skills(kpis: Json) -> Table:
    table = Table(title="Skills that mentees gained most", title_justify="left")
    table.add_column("Skill")
    table.add_column("Ratings", justify="right")
    table.add_column("Levels gained", justify="right")
    gains = sorted(kpis["skills"], key=lambda one: (-one["gain"], one["skill"]))
    for one in gains[:EXAMPLES]:
        table.add_row(one["skill"], str(one["ratings"]), f"{one['gain']:.2f}")
    return table
