from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest
from samples import Part, Sample
from shared.chassis.documents import StateCodec
from shared.contracts import Role


def test_every_kind_of_value_survives_the_way_to_a_document_and_back() -> None:
    codec = StateCodec(Sample)
    state = Sample(
        id="a",
        tenant="t",
        version=4,
        tags=frozenset({"b", "a"}),
        parts=(Part(role=Role.MENTEE, weight=1),),
        born=date(1960, 2, 29),
        seen_at=datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
        by_number={2: "two"},
    )
    document = codec.encode(state)
    assert document["tags"] == ["a", "b"]
    assert document["born"] == "1960-02-29"
    assert document["by_number"] == {"2": "two"}
    assert codec.decode({"_id": "a", "tenant": "t", "v": 4, **document}) == state


def test_a_field_that_older_documents_lack_takes_its_default() -> None:
    assert StateCodec(Sample).decode({"_id": "a", "tenant": "t", "v": 1}).count == 0


def test_a_state_without_identity_or_with_a_reserved_name_is_refused_when_it_is_built() -> None:
    @dataclass(frozen=True)
    class Anonymous:
        count: int

    @dataclass(frozen=True)
    class Greedy:
        id: str
        tenant: str
        version: int
        outbox: str

    with pytest.raises(TypeError, match="lacks id, tenant, version"):
        StateCodec(Anonymous)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="reserved names: outbox"):
        StateCodec(Greedy)
