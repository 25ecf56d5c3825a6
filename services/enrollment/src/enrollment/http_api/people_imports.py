"""Importing people over HTTP: the CSV is the body, read as it comes and never held in memory as a whole."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from shared.chassis.http import Acting, IdempotencyKey
from shared.contracts import Invalid, UtcDatetime
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from ..domain.hr_file import Finding
from ..domain.imports import ImportReport, ImportState, OnError
from ..use_cases import ImportRequest, PeopleImports
from .inbound import PathId

_IN_MEMORY = 1 << 20
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_MAPPING: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])
_NOT_CSV = ("application/json", "multipart/", "application/x-www-form-urlencoded")


class UnusableMapping(Invalid):
    """The mapping is not a JSON object of field names to column names."""


class NotCsv(Invalid):
    """The body must be the CSV file itself."""


class FindingOut(BaseModel):
    """What is wrong with a row."""

    model_config = ConfigDict(from_attributes=True)

    line: int
    column: str | None
    value_excerpt: str
    code: str
    message: str


class ImportOut(BaseModel):
    """What an import did, or would do."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    version: int
    created_at: UtcDatetime
    state: ImportState
    dry_run: bool
    on_error: OnError
    encoding: str | None
    delimiter: str | None
    rows: int
    created: int
    updated: int
    unchanged: int
    refused: int
    refusals: list[FindingOut]
    refusals_truncated: bool
    warned: int
    warnings: list[FindingOut]
    warnings_truncated: bool


def router(imports: PeopleImports) -> APIRouter:
    """Imports and their reports."""
    routes = APIRouter(prefix="/people/imports", tags=["people"])

    @routes.post(
        "",
        status_code=HTTP_201_CREATED,
        response_model=ImportOut,
        openapi_extra={"requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def import_people(
        *,
        request: Request,
        acting: Acting,
        key: IdempotencyKey = None,
        on_error: OnError = OnError.REFUSE,
        dry_run: bool = False,
        mapping: Annotated[str | None, Query(max_length=4000, description="JSON: {field: column}.")] = None,
    ) -> JSONResponse:
        """Import the people of an HR export: 201 once stored, 200 for a dry run, 422 with the report if refused."""
        asked = ImportRequest(mapping=_mapping(mapping), on_error=on_error, dry_run=dry_run, key=key)
        _require_csv(request.headers)
        with SpooledTemporaryFile(max_size=_IN_MEMORY) as upload:
            digest = sha256()
            async for chunk in request.stream():
                digest.update(chunk)
                upload.write(chunk)
            report = await imports.run(acting, cast("BinaryIO", upload), digest.hexdigest(), asked)
        status = HTTP_200_OK if report.state is ImportState.CHECKED else HTTP_201_CREATED
        return JSONResponse(ImportOut.model_validate(report).model_dump(mode="json"), status)

    @routes.get("/{import_id}")
    async def get_import(acting: Acting, import_id: PathId) -> ImportOut:
        """The report of an import."""
        return ImportOut.model_validate(await imports.report(acting, import_id))

    @routes.get("/{import_id}/refusals.csv", response_class=StreamingResponse)
    async def get_refusals(acting: Acting, import_id: PathId) -> StreamingResponse:
        """Every refused row, as a file that a spreadsheet can open without running anything."""
        report = await imports.report(acting, import_id)
        return StreamingResponse(
            _csv(imports.refusals(report), report),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="refusals.csv"', "X-Content-Type-Options": "nosniff"},
        )

    return routes


async def _csv(batches: AsyncIterator[Sequence[Finding]], report: ImportReport) -> AsyncIterator[bytes]:
    """The delimiter is the one of the file, since that is what the reader's spreadsheet expects."""
    columns = ("line", "column", "code", "message", "value")
    yield "\N{ZERO WIDTH NO-BREAK SPACE}".encode()
    yield _lines([columns], report)
    async for batch in batches:
        rows = [(one.line, one.column or "", one.code, one.message, one.value_excerpt) for one in batch]
        yield _lines(rows, report)


def _lines(rows: Sequence[Sequence[Any]], report: ImportReport) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=report.delimiter or ";", lineterminator="\r\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    """A quote in front makes a spreadsheet show a formula instead of running it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA_STARTS) else cell


def _mapping(given: str | None) -> Mapping[str, str]:
    if given is None:
        return {}
    try:
        return _MAPPING.validate_json(given, strict=True)
    except ValidationError:
        raise UnusableMapping('a JSON object such as {"staff_number": "Matricule"}', field="mapping") from None


def _require_csv(headers: Mapping[str, str]) -> None:
    if headers.get("content-type", "").lower().startswith(_NOT_CSV):
        raise NotCsv("send the CSV file itself as the body, as text/csv", field="Content-Type")
