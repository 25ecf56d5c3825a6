from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any

from demo.generate import employees
from demo.offers import Person, offer
from shared.contracts import Volunteered

SKILLS = tuple(f"skill.{number:02d}" for number in range(26))
GOALS = ("digital_skills", "inclusion", "intergenerational_communication")


@cache
def everybody() -> list[tuple[Person, dict[str, Any]]]:
    people = [
        Person(ref=f"p{number}", staff_number=one.staff_number, grade=one.grade, time_zone=one.site.time_zone)
        for number, one in enumerate(employees())
    ]
    return [(person, offer(person, SKILLS, GOALS)) for person in people]


def test_seniors_are_mentored_and_juniors_mentor() -> None:
    assert Counter(answer["role"] for _, answer in everybody()) == {"mentee": 500, "mentor": 600}
    assert all((answer["role"] == "mentor") == (person.grade[0] in "JS") for person, answer in everybody())


def test_every_offer_says_what_the_contract_of_volunteered_can_carry() -> None:
    for person, answer in everybody():
        Volunteered(
            version=1,
            occurred_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
            volunteer_id=f"v-{person.ref}",
            person_ref=person.ref,
            programme_id="programme",
            languages=("fr",),
            time_zone=person.time_zone,
            **answer,
        )


def test_mentors_teach_and_mentees_learn() -> None:
    for _, answer in everybody():
        taught, wanted = len(answer["skills_offered"]), len(answer["skills_wanted"])
        assert (taught >= 5) if answer["role"] == "mentor" else (wanted >= 3)


def test_nobody_wants_a_skill_that_they_offer() -> None:
    for _, answer in everybody():
        offered = {skill["skill"] for skill in answer["skills_offered"]}
        assert offered.isdisjoint(skill["skill"] for skill in answer["skills_wanted"])


def test_some_skills_are_far_more_wanted_than_others() -> None:
    wanted = Counter(skill["skill"] for _, answer in everybody() for skill in answer["skills_wanted"])
    most, *_, least = (count for _, count in wanted.most_common())
    assert most > 3 * least


def test_an_offer_depends_on_the_staff_number_and_not_on_the_reference_or_the_order_of_the_catalogue() -> None:
    person, answer = everybody()[77]
    same = Person(ref="another", staff_number=person.staff_number, grade=person.grade, time_zone=person.time_zone)
    assert offer(same, tuple(reversed(SKILLS)), tuple(reversed(GOALS))) == answer
