"""What can be set from outside; the only module here that reads the environment."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from shared.chassis.settings import Profile, ServiceSettings

_LOCAL_KEY = "telemachus-local-reference-key"


def _grades() -> dict[str, int]:
    """Juniors, seniors in their craft, managers, executives: three steps each."""
    return {f"{letter}{step}": 3 * rank + step for rank, letter in enumerate("JSME") for step in (1, 2, 3)}


class Settings(ServiceSettings):
    """Settings of the enrollment service. Each is read from ``TELEMACHUS_<NAME>``."""

    service_name: str = "enrollment"

    reference_key: Annotated[SecretStr, Field(min_length=16)] | None = None
    """Secret of the opaque references of units, sites and reporting lines. A new one makes new references."""
    grade_bands: dict[str, Annotated[int, Field(ge=0, le=20)]] = Field(default_factory=_grades)
    """Each grade of the HR system with its coarse seniority; a grade that is not listed tells nothing."""
    catalogue: Path | None = None
    """A TOML file with the organisation's own skills, goals and measures, added to the ones that come along."""

    @model_validator(mode="after")
    def _a_cluster_has_its_own_key(self) -> Self:
        if self.profile is Profile.CLUSTER and self.reference_key is None:
            raise ValueError("TELEMACHUS_REFERENCE_KEY must be set: with a known key anybody can try out unit names")
        return self

    @property
    def has_own_reference_key(self) -> bool:
        """False on a developer's machine, where everybody knows the key."""
        return self.reference_key is not None

    @property
    def reference_secret(self) -> bytes:
        """The key of the references."""
        return (self.reference_key.get_secret_value() if self.reference_key else _LOCAL_KEY).encode()
