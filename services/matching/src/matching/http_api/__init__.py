"""In: HTTP -> use case. Paths are relative to ``/v1``."""

from fastapi import APIRouter

from ..use_cases import Matching
from . import choices, explanations, pairings, programmes, runs, studies


def router(matching: Matching) -> APIRouter:
    """The whole HTTP interface of the service."""
    whole = APIRouter()
    for part in (programmes, runs, explanations, studies, choices, pairings):
        whole.include_router(part.router(matching))
    return whole


__all__ = ["router"]
