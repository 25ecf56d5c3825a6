"""Simulations and studies of sensitivity: ask, look, take as a table, cancel. Nothing of them is published."""

from typing import Annotated, Self

from fastapi import APIRouter, Path, Request, Response, status
from pydantic import ConfigDict, Field, field_validator, model_validator
from shared.chassis.http import Acting, Body, Cursor, IdempotencyKey, Limit, PageOut
from shared.contracts import MatchMode, MatchPolicy, MatchWeights, Objective, Ref

from ..domain.refusals import UnusablePeople
from ..domain.study import PolicyAsked, StudyKind
from ..use_cases import Matching
from .inputs import LARGEST_SEED, REF, ProgrammeId
from .simulation_table import table
from .studied import SensitivityOut, SimulationOut, StudyOut, UploadOut

StudyId = Annotated[str, Path(pattern=REF)]
MOST_POLICIES = 6
_CSV = {"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}}


class WeightsIn(MatchWeights, Body):
    """The most points that each soft term may give."""

    model_config = ConfigDict(extra="forbid")


class PolicyIn(MatchPolicy, Body):
    """Rules and weights. What is left out stays as the published policy has it, or as the defaults have it."""

    model_config = ConfigDict(extra="forbid")

    weights: WeightsIn = WeightsIn()

    @field_validator("*", mode="after")
    @classmethod
    def _of_a_known_code(cls, value: object) -> object:
        for code in value if isinstance(value, tuple) else (value,):
            if isinstance(code, Objective | MatchMode) and code == "unknown":
                raise ValueError(f"must be one of: {', '.join(one for one in type(code) if one != 'unknown')}")
        return value


class NamedPolicyIn(Body):
    """One policy: ``changes`` against the published one, or a whole ``policy``. Neither: the published one itself."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    changes: PolicyIn | None = None
    policy: PolicyIn | None = None

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.changes is not None and self.policy is not None:
            raise ValueError("give changes or a whole policy, not both")
        return self

    def asked(self) -> PolicyAsked:
        """What the use case takes."""
        given = self.changes or self.policy
        changes = {} if given is None else given.model_dump(exclude_unset=True)
        return PolicyAsked(name=self.name, changes=changes, whole=self.policy is not None)


class SimulationIn(Body):
    """Asks what policies would give. Figures compare each policy with the first."""

    policies: Annotated[tuple[NamedPolicyIn, ...], Field(min_length=1, max_length=MOST_POLICIES)]
    upload_id: Ref | None = None
    """Of uploaded people; the programme's pool where it is not given."""
    assume_ready: bool = False
    """As if everybody had done what the programme asks before pairing."""
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    """Of the random baseline."""


class SensitivityIn(Body):
    """Asks how much hangs on each weight."""

    percent: Annotated[int, Field(ge=1, le=100)] = 20
    """By how much each weight is made lighter, and heavier."""


def router(matching: Matching) -> APIRouter:
    """``/simulation-people``, ``/simulations`` and ``/sensitivities``."""
    routes = APIRouter(tags=["studies"])

    @routes.post("/simulation-people", status_code=status.HTTP_201_CREATED, openapi_extra=_CSV)
    async def upload_people(request: Request, principal: Acting, key: IdempotencyKey = None) -> UploadOut:  # noqa: ARG001 - the edge replays the answer
        """Upload people for one simulation, as a CSV file. Their rows are deleted once it has ended."""
        if not request.headers.get("content-type", "text/csv").startswith(("text/", "application/octet-stream")):
            raise UnusablePeople("send the CSV file itself as the body, as text/csv")
        return UploadOut.model_validate(await matching.studies.upload(principal, await request.body()))

    @routes.post("/programmes/{programme_id}/simulations", status_code=status.HTTP_202_ACCEPTED)
    async def simulate(
        principal: Acting, programme_id: ProgrammeId, wanted: SimulationIn, key: IdempotencyKey = None
    ) -> SimulationOut:
        """Queue a simulation; look at it until its status is ``done``."""
        study = await matching.studies.simulate(
            principal,
            programme_id,
            [policy.asked() for policy in wanted.policies],
            upload_id=wanted.upload_id,
            seed=wanted.seed,
            assume_ready=wanted.assume_ready,
            key=key,
        )
        return SimulationOut.of(study)

    @routes.get("/programmes/{programme_id}/simulations")
    async def list_simulations(
        principal: Acting, programme_id: ProgrammeId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[StudyOut]:
        """The simulations of a programme, without their outcomes."""
        page = await matching.studies.page(principal, StudyKind.SIMULATION, programme_id, limit=limit, cursor=cursor)
        return PageOut(items=[StudyOut.of(study) for study in page.items], next_cursor=page.next_cursor)

    @routes.get("/simulations/{study_id}")
    async def get_simulation(principal: Acting, study_id: StudyId) -> SimulationOut:
        """A simulation, with its policies side by side once it is done."""
        return SimulationOut.of(await matching.studies.get(principal, StudyKind.SIMULATION, study_id))

    @routes.get("/simulations/{study_id}/table.csv", response_class=Response)
    async def get_table(principal: Acting, study_id: StudyId) -> Response:
        """The same figures as a table: a row per measure, a column per policy. Empty until it is done."""
        study = await matching.studies.get(principal, StudyKind.SIMULATION, study_id)
        return Response(
            table(study.outcomes),
            media_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": 'attachment; filename="simulation.csv"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    @routes.post("/simulations/{study_id}/cancel")
    async def cancel_simulation(principal: Acting, study_id: StudyId) -> SimulationOut:
        """Stop a simulation, and forget the people who were uploaded for it."""
        return SimulationOut.of(await matching.studies.cancel(principal, StudyKind.SIMULATION, study_id))

    routes.include_router(_sensitivities(matching))
    return routes


def _sensitivities(matching: Matching) -> APIRouter:
    routes = APIRouter()

    @routes.post("/programmes/{programme_id}/sensitivities", status_code=status.HTTP_202_ACCEPTED)
    async def study_weights(
        principal: Acting, programme_id: ProgrammeId, wanted: SensitivityIn | None = None, key: IdempotencyKey = None
    ) -> SensitivityOut:
        """Queue a study of how much hangs on each weight; look at it until its status is ``done``."""
        percent = (wanted or SensitivityIn()).percent
        return SensitivityOut.of(
            await matching.studies.study_weights(principal, programme_id, percent=percent, key=key)
        )

    @routes.get("/programmes/{programme_id}/sensitivities")
    async def list_sensitivities(
        principal: Acting, programme_id: ProgrammeId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[StudyOut]:
        """The studies of a programme's weights, without what they found."""
        page = await matching.studies.page(principal, StudyKind.SENSITIVITY, programme_id, limit=limit, cursor=cursor)
        return PageOut(items=[StudyOut.of(study) for study in page.items], next_cursor=page.next_cursor)

    @routes.get("/sensitivities/{study_id}")
    async def get_sensitivity(principal: Acting, study_id: StudyId) -> SensitivityOut:
        """What hangs on each weight, once it is done."""
        return SensitivityOut.of(await matching.studies.get(principal, StudyKind.SENSITIVITY, study_id))

    @routes.post("/sensitivities/{study_id}/cancel")
    async def cancel_sensitivity(principal: Acting, study_id: StudyId) -> SensitivityOut:
        """Stop it."""
        return SensitivityOut.of(await matching.studies.cancel(principal, StudyKind.SENSITIVITY, study_id))

    return routes
