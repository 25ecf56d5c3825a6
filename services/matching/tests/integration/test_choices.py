"""A mentee chooses, on the real service."""

import pytest
from matching_builders import a_programme_published, a_volunteered
from matching_running import Eventually, Running, knows
from shared.contracts import MatchMode, MatchPolicy, Paired, Role

pytestmark = pytest.mark.integration


async def test_a_mentee_chooses_from_a_short_list_and_everybody_is_told(
    service: Running, eventually: Eventually
) -> None:
    charter = a_programme_published(policy=MatchPolicy(mode=MatchMode.CHOICE))
    await service.happens(charter, a_volunteered("m1"), a_volunteered("m2"), a_volunteered("e1", role=Role.MENTEE))
    await knows(service, eventually, 3)
    me = {"X-Telemachus-Subject": "person_e1", "X-Telemachus-Roles": "participant"}
    shown = await service.client.get("/v1/programmes/prog_1/shortlist", headers=me)
    assert [offer["mentor_volunteer_id"] for offer in shown.json()["mentors"]] == ["m1", "m2"]
    answers = [
        await service.client.post(
            "/v1/programmes/prog_1/choices",
            json={"mentor_volunteer_id": "m2"},
            headers=me | {"Idempotency-Key": "my-choice"},
        )
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    refused = await service.client.post("/v1/programmes/prog_1/choices", json={"mentor_volunteer_id": "m1"}, headers=me)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "you have a mentor already; a manager can end that pairing",
    )

    async def outbox() -> int:
        return int((await service.client.get("/status")).json()["outbox_pending"])

    await eventually(outbox, equals=0, timeout=30)
    (told,) = await service.told(Paired)
    assert (told.mentor.volunteer_id, told.mentee.volunteer_id, told.run_id) == ("m2", "e1", None)
