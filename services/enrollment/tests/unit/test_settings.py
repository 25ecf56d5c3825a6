import pytest
from enrollment.main import load_catalogue
from enrollment.settings import Settings
from pydantic import ValidationError


def test_a_cluster_refuses_to_start_without_its_own_reference_key() -> None:
    with pytest.raises(ValidationError, match="TELEMACHUS_REFERENCE_KEY"):
        Settings(profile="cluster")
    assert Settings(profile="cluster", reference_key="a long enough secret").has_own_reference_key


def test_a_reference_key_has_some_length() -> None:
    with pytest.raises(ValidationError):
        Settings(reference_key="short")


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMACHUS_REFERENCE_KEY", "from the environment")
    monkeypatch.setenv("TELEMACHUS_GRADE_BANDS", '{"A": 3}')
    settings = Settings()
    assert settings.reference_secret == b"from the environment"
    assert settings.grade_bands == {"A": 3}
    assert "environment" not in repr(settings)


def test_grades_rise_from_juniors_to_executives() -> None:
    bands = Settings().grade_bands
    assert bands["J1"] < bands["J3"] < bands["S1"] < bands["M1"] < bands["E3"] == 12


def test_the_catalogue_that_comes_along_is_loaded() -> None:
    assert "digcomp.5.4" in load_catalogue(Settings()).skills
