"""The figures of a play: what ``build/demo.json`` holds. Two plays on fresh data differ in the seconds only."""

from collections import Counter
from typing import Any

from .census import Census
from .meeting import Meetings
from .pairing import Match
from .platform import Json
from .scene import Scene


def figures(
    scene: Scene, *, report: Json, match: Match, meetings: Meetings, kpis: Json, at_risk: int
) -> dict[str, Any]:
    """What the life cycle came to, as the services tell it."""
    run = match.run
    return {
        "people_imported": report["created"],
        "rows_refused": report["refused"],
        "rows_refused_by_reason": dict(sorted(Counter(one["code"] for one in report["refusals"]).items())),
        "people_imported_with_a_warning": report["warned"],
        "volunteers": len(scene.volunteers),
        "volunteers_withdrawn": 1,
        "pairs": run["pairs"],
        "unmatched": run["unmatched_mentees"],
        "unmatched_mentors": run["unmatched_mentors"],
        "score": run["score"],
        "worst_score": run["worst_score"],
        "random_baseline_score": run["random_baseline_score"],
        "pairs_locked": sum(pair["locked"] for pair in match.pairs),
        "pairs_at_risk": at_risk,
        "pairs_re_matched": len(meetings.new_pairings),
        "sessions_scheduled": kpis["sessions_scheduled"],
        "pairs_given_other_hours": meetings.other_hours,
        "sessions_moved": meetings.moved,
        "sessions_completed": kpis["sessions_completed"],
        "sessions_missed": kpis["sessions_missed"],
        "sessions_cancelled": kpis["sessions_cancelled"],
        "feedback_requested": kpis["feedback_requested"],
        "feedback_submitted": kpis["feedback_submitted"],
        "participation": kpis["participation"],
        "satisfaction": kpis["satisfaction"],
        "quality": kpis["quality"],
        "trust": kpis["trust"],
        "skill_gain": kpis["skill_gain"],
        "goals_reached": kpis["goals_reached"],
    }


def delivery(census: Census, outbox_pending: int, prefix: str) -> dict[str, Any]:
    """What Kafka and the outboxes say about it."""
    return {
        "events_total": census.events_total,
        "events": {topic.removeprefix(prefix): count for topic, count in sorted(census.events.items())},
        "dead_letters": census.dead_letters_total,
        "outbox_pending": outbox_pending,
        "consumer_lag": census.lag_total,
    }
