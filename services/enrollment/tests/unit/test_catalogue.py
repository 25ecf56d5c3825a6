import pytest
from enrollment.domain.catalogue import BrokenCatalogue, Catalogue, UnknownGoal, UnknownMetric, UnknownSkill

from ..builders import CATALOGUE


def test_the_21_competences_of_digcomp_stand_in_their_five_areas() -> None:
    digcomp = [skill for skill in CATALOGUE.skills.values() if skill.code.startswith("digcomp.")]
    per_area = [sum(skill.area == f"digcomp.{area}" for skill in digcomp) for area in range(1, 6)]
    assert per_area == [3, 6, 4, 4, 4]
    assert all(skill.code.startswith(f"{skill.area}.") for skill in digcomp)


def test_the_topics_of_reverse_mentoring_are_skills_too() -> None:
    assert {"social_networks", "generative_ai", "sustainability", "inclusion"} <= CATALOGUE.skills.keys()


def test_the_goals_of_the_requirements_are_there() -> None:
    assert CATALOGUE.goals.keys() == {
        "specific_skills",
        "active_listening",
        "inclusion",
        "digital_skills",
        "company_culture",
        "intergenerational_communication",
    }


def test_every_entry_has_its_own_name_in_both_languages() -> None:
    for kind in (CATALOGUE.skills, CATALOGUE.goals, CATALOGUE.metrics, CATALOGUE.areas):
        for lang in ("en", "fr"):
            names = [entry.name(lang) for entry in kind.values()]
            assert len(set(names)) == len(names)
    assert all(skill.area in CATALOGUE.areas for skill in CATALOGUE.skills.values())
    assert [step.code for step in CATALOGUE.levels] == ["0", "1", "2", "3", "4", "5"]
    assert CATALOGUE.version


OWN = """
version = "acme-1"
[[areas]]
code = "acme"
en = "Acme"
fr = "Acme"
[[skills]]
code = "acme.welding"
area = "acme"
en = "Welding"
fr = "Soudure"
[[goals]]
code = "know_the_shop_floor"
en = "Know the shop floor"
fr = "Connaître l'atelier"
"""


def test_an_organisation_adds_its_own_entries() -> None:
    extended = CATALOGUE.extended_by(Catalogue.parse(OWN))
    extended.require_skills(["acme.welding", "digcomp.1.1"], field="skills_offered")
    extended.require_goal("know_the_shop_floor", field="goals.0")
    assert extended.version == "1+acme-1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = ", "TOML"),
        ('[[skills]]\ncode = "A B"\nen = "x"\nfr = "x"', "'A B' is not a code"),
        ('[[skills]]\nen = "x"\nfr = "x"', "None is not a code"),
        ('[[skills]]\ncode = "a"\nen = "x"', "a has no name in fr"),
        ('[[goals]]\ncode = "a"\nen = "x"\nfr = "x"\n[[goals]]\ncode = "a"\nen = "x"\nfr = "x"', "a stands twice"),
        ('[[skills]]\ncode = "inclusion"\nen = "x"\nfr = "x"', "inclusion is already"),
        ('[[skills]]\ncode = "a"\narea = "nowhere"\nen = "x"\nfr = "x"', "unknown area nowhere"),
    ],
)
def test_a_broken_catalogue_says_where(text: str, message: str) -> None:
    with pytest.raises(BrokenCatalogue, match=message):
        CATALOGUE.extended_by(Catalogue.parse(text))


def test_an_unknown_skill_is_refused_with_its_place() -> None:
    with pytest.raises(UnknownSkill) as refused:
        CATALOGUE.require_skills(["inclusion", "flying"], field="skills_offered")
    assert refused.value.field == "skills_offered.1.skill"


def test_unknown_goals_and_metrics_are_refused() -> None:
    with pytest.raises(UnknownGoal):
        CATALOGUE.require_goal("world_peace", field="goals.0.code")
    with pytest.raises(UnknownMetric, match="satisfaction"):
        CATALOGUE.require_metric("mood", field="goals.0.metric")
