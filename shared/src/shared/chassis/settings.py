"""What can be set from outside. The only module of the chassis that reads the environment."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.contracts import AccessRole

from . import failpoints as failpoint_list


class Profile(StrEnum):
    """``local`` is for one machine and loopback; ``cluster`` refuses what is only convenient."""

    LOCAL = "local"
    CLUSTER = "cluster"


class ServiceSettings(BaseSettings):
    """Settings that every service has. Each is read from ``TELEMACHUS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="TELEMACHUS_", frozen=True, extra="ignore")

    service_name: str
    profile: Profile = Profile.LOCAL

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["json", "console"] = "json"
    traces: Literal["off", "otlp", "console"] = "off"
    """Where OpenTelemetry spans go; ``otlp`` is configured by the standard OTEL_* variables (telemetry.py)."""
    default_roles: Annotated[frozenset[AccessRole] | None, NoDecode] = None
    """Roles of a request that names no principal. Only for the local profile; a cluster answers 401."""

    mongo_uri: SecretStr = SecretStr("mongodb://127.0.0.1:27017")
    mongo_database_prefix: str = ""
    """Put before the service's name to make the database's name."""
    mongo_timeout_ms: Annotated[int, Field(ge=100)] = 10_000
    mongo_selection_timeout_ms: Annotated[int, Field(ge=100)] = 3_000

    kafka_bootstrap: str = "127.0.0.1:9092"
    """``host:port``, several separated by commas."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca_file: str | None = None
    kafka_ssl_certificate_file: str | None = None
    kafka_ssl_key_file: str | None = None
    kafka_session_timeout_ms: Annotated[int, Field(ge=6_000, le=30_000)] = 15_000
    """For how long the partitions of a replica that was killed wait before another one gets them."""
    topic_prefix: str = "mentoring."
    """Put before every topic, dead-letter topic, re-drive topic and consumer group."""
    topic_names: dict[str, str] = {}
    """Names by the house rule of the customer's bus: event name (such as ``paired``) to full topic name."""
    consumer_workers: Annotated[int, Field(ge=1, le=32)] = 1
    """Consumers per topic in this process. Order per key holds; more than the partitions help nobody."""
    topic_partitions: Annotated[int, Field(ge=1)] = 6
    """Used only when topics are created from here; never grown afterwards, since that would break order."""
    topic_replication: Annotated[int, Field(ge=1)] = 1

    failpoints: str = ""
    """Places to die, for tests (docs/reliability/failpoints.md). Only for the local profile."""

    @field_validator("failpoints")
    @classmethod
    def _known_failpoints(cls, text: str) -> str:
        try:
            failpoint_list.parse(text)
        except failpoint_list.BadFailpoint as bad:
            raise ValueError(f"TELEMACHUS_FAILPOINTS: {bad}") from bad
        return text

    @model_validator(mode="before")
    @classmethod
    def _roles_from_a_comma_list(cls, values: dict[str, object]) -> dict[str, object]:
        roles = values.get("default_roles")
        if isinstance(roles, str):
            values["default_roles"] = frozenset(role.strip() for role in roles.split(",") if role.strip())
        return values

    @model_validator(mode="after")
    def _a_cluster_takes_no_shortcuts(self) -> Self:
        if self.profile is Profile.CLUSTER and self.default_roles:
            raise ValueError("TELEMACHUS_DEFAULT_ROLES is for the local profile only: it lets anybody in")
        if self.profile is Profile.CLUSTER and self.failpoints:
            raise ValueError("TELEMACHUS_FAILPOINTS is for the local profile only: it kills the service")
        return self

    @property
    def anonymous_roles(self) -> frozenset[AccessRole]:
        """Roles of a request without a principal; empty means 401."""
        if self.profile is Profile.CLUSTER:
            return frozenset()
        if self.default_roles is not None:
            return self.default_roles
        return frozenset({AccessRole.PROGRAMME_MANAGER, AccessRole.PROGRAMME_OFFICER})

    @property
    def mongo_database(self) -> str:
        """The database that this service owns."""
        return f"{self.mongo_database_prefix}{self.service_name}"
