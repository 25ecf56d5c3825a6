from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from enrollment.domain.hr_file import Finding, UnknownField
from enrollment.domain.imports import (
    ImportInProgress,
    ImportKeyReused,
    ImportRefused,
    ImportState,
    OnError,
    UnknownImport,
)
from enrollment.domain.people import Person
from enrollment.use_cases import people_imports
from enrollment.use_cases.pile import BATCH, Pile
from shared.contracts import Forbidden, VolunteerUpdated

from ..builders import MANAGER, TENANT, a_file, a_participant, a_row, an_offer
from ..desk import Desk

ALSO_BAD = a_row(2, birth_year="soon")


async def refusals(desk: Desk, import_id: str) -> list[Finding]:
    report = await desk.imports.report(MANAGER, import_id)
    return [finding async for batch in desk.imports.refusals(report) for finding in batch]


async def test_people_arrive_with_random_references_and_their_managers() -> None:
    desk = Desk()
    report = await desk.import_file(a_file(a_row(2, manager_staff_number="00001"), a_row(1)))
    assert (report.state, report.rows, report.created, report.refused) == (ImportState.DONE, 2, 2, 0)
    assert (report.encoding, report.delimiter) == ("utf-8", ";")
    report_to, boss = desk.person("00002"), desk.person("00001")
    assert report_to.manager_ref == boss.id
    assert boss.id.startswith("per_")
    assert "00001" not in boss.id
    assert not desk.store.turns
    assert not desk.store.people


async def test_one_bad_row_refuses_the_whole_file_unless_asked_otherwise() -> None:
    desk = Desk()
    with pytest.raises(ImportRefused) as refused:
        await desk.import_file(a_file(a_row(1), ALSO_BAD))
    assert not desk.people.people
    report = refused.value.report
    assert (report.state, report.rows, report.refused, report.created) == (ImportState.REFUSED, 2, 1, 0)
    assert refused.value.extra["report"]["refusals"][0]["line"] == 3
    assert await refusals(desk, report.id) == list(report.refusals)


async def test_good_rows_are_kept_when_asked() -> None:
    desk = Desk()
    report = await desk.import_file(a_file(a_row(1), ALSO_BAD), on_error=OnError.SKIP)
    assert (report.created, report.refused, report.rows) == (1, 1, 2)
    assert desk.people.people.keys() == {desk.person("00001").id}
    assert [finding.line for finding in await refusals(desk, report.id)] == [3]


async def test_a_file_that_cannot_be_read_is_refused_even_when_bad_rows_are_skipped() -> None:
    desk = Desk()
    with pytest.raises(ImportRefused, match="NUL"):
        await desk.import_file(b"\x00" * 1000, on_error=OnError.SKIP)


async def test_a_dry_run_says_what_an_import_would_do_and_does_nothing() -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(1), a_row(2)))
    before = dict(desk.people.people)
    file = a_file(a_row(1), a_row(2, unit="Ventes"), a_row(3, manager_staff_number="00009"))
    report = await desk.import_file(file, dry_run=True)
    assert report.state is ImportState.CHECKED
    assert (report.created, report.updated, report.unchanged, report.warned) == (1, 1, 1, 1)
    assert desk.people.people == before
    assert not desk.store.people
    done = await desk.import_file(file)
    assert (done.created, done.updated, done.unchanged) == (report.created, report.updated, report.unchanged)


async def test_a_second_import_updates_and_keeps_the_references() -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(1), a_row(2)))
    before = desk.person("00001")
    report = await desk.import_file(a_file(a_row(1, grade="J2", hire_date="02/04/2021")))
    assert (report.created, report.updated, report.unchanged) == (0, 1, 0)
    after = desk.person("00001")
    assert (after.id, after.version, after.grade) == (before.id, 2, "J2")
    assert desk.person("00002").version == 1


async def test_columns_that_a_file_lacks_leave_people_as_they_are_and_empty_cells_clear() -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(1), a_row(2, manager_staff_number="00001")))
    header = ("staff_number", "first_name", "last_name", "email", "grade")
    await desk.import_file(a_file(a_row(2, grade="", email=""), header=header))
    person = desk.person("00002")
    assert (person.grade, person.email) == (None, None)
    assert (person.unit, person.languages, person.manager_ref) == ("Réseaux", ("fr", "en"), desk.person("00001").id)


async def test_somebody_with_a_missing_manager_is_imported_with_a_warning() -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(5)))
    report = await desk.import_file(
        a_file(
            a_row(1, manager_staff_number="00404"),
            a_row(2, manager_staff_number="00002"),
            a_row(3, manager_staff_number="00005"),
        )
    )
    assert (report.created, report.refused, report.warned) == (3, 0, 2)
    assert [(one.line, one.column, one.value_excerpt, one.code) for one in report.warnings] == [
        (2, "manager_staff_number", "00404", "unknown_manager"),
        (3, "manager_staff_number", "00002", "own_manager"),
    ]
    assert desk.person("00001").manager_ref is None
    assert desk.person("00002").manager_ref is None
    assert desk.person("00003").manager_ref == desk.person("00005").id


async def test_a_report_shows_a_thousand_refusals_and_the_list_holds_all() -> None:
    desk = Desk()
    with pytest.raises(ImportRefused) as refused:
        await desk.import_file(a_file(*(a_row(number, birth_year="x") for number in range(1500))))
    report = refused.value.report
    assert (len(report.refusals), report.refusals_truncated, report.refused) == (1000, True, 1500)
    assert len(await refusals(desk, report.id)) == 1500


async def test_the_same_key_is_the_same_import() -> None:
    desk = Desk()
    first = await desk.import_file(a_file(a_row(1)), key="k")
    again = await desk.import_file(a_file(a_row(1)), key="k")
    assert again == first
    with pytest.raises(ImportKeyReused):
        await desk.import_file(a_file(a_row(2)), key="k")
    assert (await desk.import_file(a_file(a_row(1)), key="k", dry_run=True)).id != first.id


async def test_a_refused_import_may_be_repeated_with_a_repaired_file_under_the_same_key() -> None:
    desk = Desk()
    with pytest.raises(ImportRefused) as refused:
        await desk.import_file(a_file(ALSO_BAD), key="k")
    report = await desk.import_file(a_file(a_row(2)), key="k")
    assert report.id == refused.value.report.id
    assert (report.state, report.created) == (ImportState.DONE, 1)
    assert await refusals(desk, report.id) == []


async def test_only_programme_managers_import_and_read_reports() -> None:
    desk = Desk()
    with pytest.raises(Forbidden):
        await desk.import_file(a_file(a_row(1)), by=a_participant())
    with pytest.raises(Forbidden):
        await desk.imports.report(a_participant(), "imp_1")
    with pytest.raises(UnknownImport):
        await desk.imports.report(MANAGER, "imp_1")


async def test_an_unknown_field_in_the_mapping_is_refused() -> None:
    with pytest.raises(UnknownField):
        await Desk().import_file(a_file(a_row(1)), mapping={"salary": "grade"})


async def test_one_import_at_a_time_changes_a_directory() -> None:
    desk = Desk()
    await desk.store.take_turn(TENANT, "imp_other", until=desk.clock.now() + people_imports.TURN)
    with pytest.raises(ImportInProgress, match="imp_other"):
        await desk.import_file(a_file(a_row(1)))
    assert (await desk.import_file(a_file(a_row(1)), dry_run=True)).created == 1


class Killed(BaseException):
    """The process died here."""


async def dying(*_arguments: Any, **_named: Any) -> None:
    raise Killed


@pytest.mark.parametrize("rows", [1, 2500])
async def test_a_process_that_dies_before_the_decision_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    desk = Desk()
    with monkeypatch.context() as death:
        death.setattr(desk.reports, "keep_newest", dying)
        with pytest.raises(Killed):
            await desk.import_file(a_file(*(a_row(number) for number in range(rows))))
    assert not desk.people.people
    desk.clock.advance(people_imports.TURN + timedelta(seconds=1))
    await desk.imports.finish_abandoned()
    assert not desk.people.people
    assert not desk.store.people
    assert not desk.store.turns


@pytest.mark.parametrize("survivor", ["the same request", "another process"])
async def test_a_process_that_dies_after_the_decision_is_finished_by(
    monkeypatch: pytest.MonkeyPatch, survivor: str
) -> None:
    desk = Desk()
    file = a_file(*(a_row(number) for number in range(2500)))
    save_all, saved = desk.people.save_all, 0

    async def half_way(people: Sequence[Person]) -> None:
        nonlocal saved
        saved += 1
        if saved == 2:
            raise Killed
        await save_all(people)

    with monkeypatch.context() as death:
        death.setattr(desk.people, "save_all", half_way)
        with pytest.raises(Killed):
            await desk.import_file(file, key="k")
    assert len(desk.people.people) == BATCH
    refs = {one.staff_number: one.id for one in desk.people.people.values()}
    if survivor == "the same request":
        assert (await desk.import_file(file, key="k")).created == 2500
    else:
        await desk.imports.finish_abandoned()
        assert len(desk.people.people) == BATCH, "the dead process may still be alive"
        desk.clock.advance(people_imports.TURN + timedelta(seconds=1))
        await desk.imports.finish_abandoned()
    assert len(desk.people.people) == 2500
    assert refs.items() <= {one.staff_number: one.id for one in desk.people.people.values()}.items()
    assert not desk.store.turns
    assert not desk.store.people
    assert {one.state for one in desk.reports.states.values()} == {ImportState.DONE}


async def test_an_import_that_fails_before_the_decision_frees_the_directory_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()

    async def away(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as fault:
        fault.setattr(desk.store, "stage", away)
        with pytest.raises(ConnectionError):
            await desk.import_file(a_file(a_row(1)))
    assert not desk.store.turns
    assert (await desk.import_file(a_file(a_row(1)))).created == 1


async def test_an_import_that_lost_its_turn_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    staged = desk.store.stage

    async def slow(tenant: str, import_id: str, people: Sequence[Person]) -> None:
        await staged(tenant, import_id, people)
        desk.clock.advance(people_imports.TURN + timedelta(seconds=1))
        await desk.imports.finish_abandoned()  # another process takes this one for dead

    monkeypatch.setattr(desk.store, "stage", slow)
    with pytest.raises(ImportInProgress):
        await desk.import_file(a_file(a_row(1)))
    assert not desk.people.people
    assert not desk.store.people


async def test_volunteers_follow_what_an_import_changed_and_only_they_tell_of_it() -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(1, manager_staff_number="00003"), a_row(2), a_row(3)))
    programme = await desk.a_published_programme()
    concerned = await desk.a_volunteer(programme, desk.person("00001").id)
    untouched = await desk.a_volunteer(programme, desk.person("00002").id)
    await desk.import_file(a_file(a_row(1, manager_staff_number="00003"), a_row(2), a_row(3, email="x@example.org")))
    assert len(desk.told) == 2, "an e-mail address is nobody's business"
    await desk.import_file(a_file(a_row(1, unit="Ventes", manager_staff_number="00003"), a_row(2), a_row(3)))
    *_, last = desk.stored_volunteers.events
    assert isinstance(last, VolunteerUpdated)
    assert last.volunteer_id == concerned.id
    assert len(desk.told) == 3
    assert desk.stored_volunteers.states[untouched.id].version == 1


async def test_a_new_manager_far_above_reaches_the_volunteers_below() -> None:
    desk = Desk()
    chain = [a_row(number, manager_staff_number=f"{number + 1:05d}" if number < 5 else "") for number in range(1, 6)]
    await desk.import_file(a_file(*chain, a_row(9)))
    programme = await desk.a_published_programme()
    volunteer = await desk.a_volunteer(programme, desk.person("00001").id)
    assert len(volunteer.profile.line_above) == 4
    header = ("staff_number", "first_name", "last_name", "email", "manager_staff_number")
    await desk.import_file(a_file(a_row(3, manager_staff_number="00009"), header=header))
    assert len(desk.stored_volunteers.states[volunteer.id].profile.line_above) == 3


async def test_volunteers_follow_also_when_the_importing_process_died_before_they_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(1)))
    volunteer = await desk.a_volunteer(await desk.a_published_programme(), desk.person("00001").id, offer=an_offer())
    with monkeypatch.context() as death:
        death.setattr(desk.stored_volunteers, "change", dying)
        with pytest.raises(Killed):
            await desk.import_file(a_file(a_row(1, unit="Ventes")))
    desk.clock.advance(people_imports.TURN + timedelta(seconds=1))
    await desk.imports.finish_abandoned()
    assert desk.stored_volunteers.states[volunteer.id].version == 2


async def test_people_of_another_tenant_are_neither_seen_nor_touched() -> None:
    desk = Desk()
    await desk.import_file(a_file(a_row(1)))
    other = type(MANAGER)(tenant="elsewhere", subject="hr", roles=MANAGER.roles)
    await desk.import_file(a_file(a_row(1, unit="Ventes"), a_row(2, manager_staff_number="00001")), by=other)
    mine = await desk.people.by_staff_numbers(TENANT, {"00001", "00002"})
    theirs = await desk.people.by_staff_numbers("elsewhere", {"00001", "00002"})
    assert (len(mine), len(theirs)) == (1, 2)
    assert mine["00001"].unit == "Réseaux"
    assert theirs["00002"].manager_ref == theirs["00001"].id != mine["00001"].id


def test_a_pile_is_read_in_order_and_as_often_as_needed() -> None:
    with Pile() as pile:
        for number in range(1234):
            pile.add({"number": number, "text": "é\n" * 500})
        for _ in range(2):
            batches = list(pile.batches(500))
            assert [len(batch) for batch in batches] == [500, 500, 234]
            assert [one["number"] for batch in batches for one in batch] == list(range(1234))
        assert len(pile) == 1234
