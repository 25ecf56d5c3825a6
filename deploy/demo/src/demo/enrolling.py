"""Acts one to three: people arrive, a programme is published, volunteers answer and are made ready."""

from http import HTTPStatus
from typing import Any

from .chance import Chance
from .generate import HR_EXPORT
from .offers import Person, offer
from .platform import Json, Refused, each, until
from .scene import Scene

CHARTER: dict[str, Any] = {
    "title": "Digital for leaders",
    "starts_on": "2026-01-12",
    "ends_on": "2026-07-31",
    "languages": ["fr", "en"],
    "goals": [
        {"code": "digital_skills", "metric": "skill_gain", "target": 0.4, "due_on": "2026-07-31"},
        {"code": "intergenerational_communication", "metric": "satisfaction", "target": 4.0},
        {"code": "company_culture", "metric": "participation", "target": 0.95},
    ],
    "plan": {"sessions": 6, "cadence": "monthly", "minutes": 60, "modality": "remote"},
    "policy": {"age_gap_target": 20, "forbid_same_line": True},
    "anonymity_floor": 5,
}
"""Six monthly sessions of one hour, mentees about twenty years older, nobody paired within their own line."""
TRAINING = {"module": "reverse-mentoring-basics", "completed_on": "2025-12-15"}
SENIOR_SHARE = 500 / 1100


async def import_people(scene: Scene) -> Json:
    """Import the HR export, leaving out what cannot be accepted; return the report."""
    with scene.stages.stage("Importing the HR export"):
        report = await scene.platform.post(
            "enrollment", "/people/imports", HR_EXPORT.read_bytes(), key="import", on_error="skip"
        )
        found = await scene.platform.every("enrollment", "/people")
    scene.people = {one.ref: one for one in map(Person.read, found)}
    return report


async def publish(scene: Scene) -> None:
    """Publish the programme."""
    with scene.stages.stage(f"Publishing “{CHARTER['title']}”"):
        programme = await scene.platform.post("enrollment", "/programmes", CHARTER, key="programme")
        scene.programme_id = programme["id"]
        scene.goals = tuple(goal["code"] for goal in CHARTER["goals"])
        await scene.platform.post("enrollment", f"/programmes/{programme['id']}/publish", key="publish")


async def call_for_volunteers(scene: Scene, how_many: int) -> None:
    """People volunteer, sign the charter and are trained; then one of them withdraws."""
    catalogue = await scene.platform.every("enrollment", "/skills", lang="en")
    skills = sorted(skill["code"] for skill in catalogue)
    called = _called(list(scene.people.values()), how_many)

    async def volunteer(person: Person) -> None:
        body = offer(person, skills, scene.goals) | {
            "programme_id": scene.programme_id,
            "person_ref": person.ref,
            "charter_signed": True,
        }
        number, manager = person.staff_number, scene.platform
        themself = manager.acting_as(person.ref)
        made = await themself.post("enrollment", "/volunteers", body, key=f"volunteer-{number}")
        scene.volunteers[made["id"]] = person
        path = f"/volunteers/{made['id']}/training"
        await manager.post("enrollment", path, TRAINING, key=f"training-{number}")

    with scene.stages.stage("Volunteers answer, sign and are trained", len(called)) as done:
        await each(called, volunteer, done=done)
    await _one_withdraws(scene)


async def _one_withdraws(scene: Scene) -> None:
    mentors = [volunteer for volunteer, person in scene.volunteers.items() if person.role == "mentor"]
    leaves = min(mentors, key=lambda one: Chance("leaves").share(scene.volunteers[one].staff_number))
    with scene.stages.stage("One volunteer withdraws; matching follows"):
        body = {"reason": "no_time"}
        await scene.platform.post("enrollment", f"/volunteers/{leaves}/withdraw", body, key="withdraw")
        staying = scene.volunteers.keys() - {leaves}

        async def known_to_matching() -> bool | None:
            programme = f"/programmes/{scene.programme_id}"
            try:
                pool = await scene.platform.get("matching", f"{programme}/pool")
            except Refused as refused:
                if refused.status != HTTPStatus.NOT_FOUND:
                    raise
                return None
            if pool["mentors_ready"] + pool["mentees_ready"] != len(staying):
                return None
            candidates = await scene.platform.every("matching", f"{programme}/candidates")
            return {one["id"] for one in candidates if one["ready"]} == staying or None

        await until(f"{len(staying)} ready volunteers in the pool of matching", known_to_matching)


def _called(people: list[Person], how_many: int) -> list[Person]:
    """So many people, seniors and juniors in the proportion of the company, always the same ones."""
    seniors = round(how_many * SENIOR_SHARE)

    def first(role: str, count: int) -> list[Person]:
        some = Chance("called").some(role, sorted(one.staff_number for one in people if one.role == role), count)
        chosen = set(some)
        return [one for one in people if one.staff_number in chosen]

    called = first("mentee", seniors) + first("mentor", how_many - seniors)
    return sorted(called, key=lambda one: one.staff_number)
