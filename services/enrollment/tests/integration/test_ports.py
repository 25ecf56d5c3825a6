"""One suite for the ports in memory and on MongoDB: what makes the fast tests honest."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from enrollment import repository
from enrollment.domain.hr_file import Finding
from enrollment.domain.imports import ImportReport, ImportState, OnError
from enrollment.domain.people import Person
from enrollment.domain.programmes import Programme, draft, edit, publish
from enrollment.domain.volunteers import Volunteer
from enrollment.settings import Settings
from enrollment.use_cases import ImportStore, People, UncheckedProgrammes
from shared.chassis.aggregates import Aggregates
from shared.chassis.documents import Scalar
from shared.chassis.mongo import DuplicateKey
from shared.chassis.projections import Projections
from shared.chassis.service import Chassis
from shared.testing.memory import InMemoryAggregates, InMemoryProjections

from ..builders import CATALOGUE, NOW, TENANT, a_charter, a_person, a_volunteer
from ..desk import command
from ..fakes import InMemoryImportStore, InMemoryPeople, InMemoryUncheckedProgrammes

pytestmark = pytest.mark.integration


class Ports:
    people: People
    store: ImportStore
    unchecked: UncheckedProgrammes
    programmes: Aggregates[Programme]
    volunteers: Aggregates[Volunteer]
    reports: Projections[ImportReport]


class InMemory(Ports):
    def __init__(self) -> None:
        programmes = InMemoryAggregates(Programme)
        self.people = InMemoryPeople()
        self.store = InMemoryImportStore()
        self.programmes = programmes
        self.volunteers = InMemoryAggregates(Volunteer)
        self.reports = InMemoryProjections(ImportReport)
        self.unchecked = InMemoryUncheckedProgrammes(programmes)


class OnMongo(Ports):
    def __init__(self, chassis: Chassis) -> None:
        programmes = chassis.aggregates("programmes", Programme)
        volunteers = chassis.aggregates("volunteers", Volunteer)
        reports = chassis.projections("reports", ImportReport)
        people = repository.MongoPeople(chassis.collection("people"))
        parts = chassis.collection("parts")
        self.people = people
        self.store = repository.MongoImportStore(chassis.collection("turns"), parts, chassis.clock)
        self.programmes = programmes
        self.volunteers = volunteers
        self.reports = reports
        self.unchecked = repository.MongoUncheckedProgrammes(programmes.collection)
        self._collections = {
            "people": people.collection,
            "parts": parts,
            "reports": reports,
            "volunteers": volunteers,
            "programmes": programmes,
        }

    async def prepare(self) -> None:
        for _ in range(2):  # it must be repeatable
            await repository.ensure_indexes(**self._collections)  # type: ignore[arg-type] # each by its name


@pytest.fixture(params=["in memory", "on MongoDB"])
async def ports(request: pytest.FixtureRequest) -> AsyncIterator[Ports]:
    if request.param == "in memory":
        yield InMemory()
        return
    chassis = Chassis(request.getfixturevalue("port_settings"))
    on_mongo = OnMongo(chassis)
    await on_mongo.prepare()
    yield on_mongo
    chassis.mongo.close()


@pytest.fixture
def port_settings(mongo_uri: str, mongo_database: str) -> Settings:
    return Settings.model_validate({"mongo_uri": mongo_uri, "mongo_database_prefix": f"{mongo_database}_"})


FINDING = Finding(line=2, column="Nom", value_excerpt="é", code="c", message="m")


async def test_people_are_found_by_reference_by_number_and_by_field(ports: Ports) -> None:
    one, two = a_person("per_1", site="Paris"), a_person("per_2", birth_year=None, languages=())
    await ports.people.save_all([one, two])
    assert await ports.people.find(TENANT, "per_1") == one
    assert await ports.people.by_refs(TENANT, {"per_1", "per_2", "per_3"}) == {"per_1": one, "per_2": two}
    assert await ports.people.by_staff_numbers(TENANT, {"staff per_2"}) == {"staff per_2": two}
    assert await ports.people.by_refs(TENANT, set()) == {}
    assert await ports.people.refs_of(TENANT, {"staff per_1", "staff per_3"}) == {"staff per_1": "per_1"}
    assert await ports.people.refs_of("elsewhere", {"staff per_1"}) == {}
    assert (await ports.people.page(TENANT, {"site": "Paris"})).items == (one,)


async def test_people_come_in_pages_by_reference(ports: Ports) -> None:
    people = [a_person(f"per_{number}") for number in range(5)]
    await ports.people.save_all(people[::-1])
    first = await ports.people.page(TENANT, limit=3)
    rest = await ports.people.page(TENANT, limit=3, cursor=first.next_cursor)
    assert (*first.items, *rest.items) == tuple(people)
    assert rest.next_cursor is None


async def test_people_of_another_tenant_are_not_found(ports: Ports) -> None:
    await ports.people.save_all([a_person("per_1")])
    assert await ports.people.find("elsewhere", "per_1") is None
    assert await ports.people.by_refs("elsewhere", {"per_1"}) == {}
    assert await ports.people.by_staff_numbers("elsewhere", {"staff per_1"}) == {}
    assert (await ports.people.page("elsewhere")).items == ()


async def test_saving_again_changes_nothing_and_an_older_version_never_wins(ports: Ports) -> None:
    old = a_person("per_1")
    new = old.updated({"grade": "J2"})
    newer = new.updated({"grade": "J3"})
    for version in (old, newer, new, old, newer):
        await ports.people.save_all([version])
    assert await ports.people.find(TENANT, "per_1") == newer


async def test_a_directory_is_held_by_one_import_at_a_time(ports: Ports) -> None:
    until = NOW + timedelta(seconds=60)
    assert await ports.store.take_turn(TENANT, "imp_1", until=until) is None
    assert await ports.store.take_turn(TENANT, "imp_1", until=until) is None
    assert await ports.store.take_turn(TENANT, "imp_2", until=until) == "imp_1"
    assert await ports.store.take_turn("elsewhere", "imp_2", until=until) is None
    assert not await ports.store.prolong(TENANT, "imp_2", until=until)
    await ports.store.end_turn(TENANT, "imp_2")
    assert await ports.store.prolong(TENANT, "imp_1", until=until)
    await ports.store.end_turn(TENANT, "imp_1")
    assert not await ports.store.prolong(TENANT, "imp_1", until=until)
    assert await ports.store.take_turn(TENANT, "imp_2", until=until) is None


async def test_a_turn_that_ran_out_is_told_until_it_is_prolonged(ports: Ports) -> None:
    await ports.store.take_turn(TENANT, "imp_1", until=NOW)
    assert list(await ports.store.abandoned(NOW)) == []
    assert list(await ports.store.abandoned(NOW + timedelta(seconds=1))) == [(TENANT, "imp_1")]
    assert await ports.store.take_turn(TENANT, "imp_2", until=NOW) == "imp_1"
    await ports.store.prolong(TENANT, "imp_1", until=NOW + timedelta(seconds=2))
    assert list(await ports.store.abandoned(NOW + timedelta(seconds=1))) == []


async def test_what_is_kept_aside_comes_back_in_order_until_it_is_discarded(ports: Ports) -> None:
    people = [a_person(f"per_{number}") for number in range(3)]
    await ports.store.stage(TENANT, "imp_1", people[:2])
    await ports.store.stage(TENANT, "imp_1", [people[2].updated({"grade": "J2"})])
    await ports.store.stage(TENANT, "imp_2", people[:1])
    await ports.store.keep_refusals(TENANT, "imp_1", [FINDING])

    async def staged(import_id: str, tenant: str = TENANT) -> list[Person]:
        return [one async for batch in ports.store.staged(tenant, import_id) for one in batch]

    assert await staged("imp_1") == [*people[:2], people[2].updated({"grade": "J2"})]
    assert await staged("imp_1", "elsewhere") == []
    await ports.store.discard_staged(TENANT, "imp_1")
    assert await staged("imp_1") == []
    assert len(await staged("imp_2")) == 1
    assert [one async for batch in ports.store.refusals(TENANT, "imp_1") for one in batch] == [FINDING]
    await ports.store.discard_refusals(TENANT, "imp_1")
    assert [one async for batch in ports.store.refusals(TENANT, "imp_1") for one in batch] == []


async def test_a_report_comes_back_as_it_was(ports: Ports) -> None:
    report = ImportReport(
        id="imp_1",
        tenant=TENANT,
        version=1,
        created_at=NOW,
        state=ImportState.DONE,
        digest="d",
        dry_run=False,
        on_error=OnError.SKIP,
        refusals=(FINDING,),
    )
    await ports.reports.keep_newest(report)
    assert await ports.reports.find(TENANT, "imp_1") == report


async def test_a_volunteer_and_a_programme_come_back_as_they_were(ports: Ports) -> None:
    volunteer = a_volunteer(nominated_by="per_boss")
    stored = await ports.volunteers.change(volunteer.id, command(), lambda _: (volunteer, ()))
    assert stored == volunteer == await ports.volunteers.find(TENANT, volunteer.id)
    where: dict[str, Scalar] = {
        "programme_id": "prg_1",
        "role": "mentor",
        "status": "waiting",
        "live": True,
        "on_waiting_list": True,
    }
    assert (await ports.volunteers.page(TENANT, where)).items == (volunteer,)
    programme = draft("prg_1", TENANT, a_charter(), catalogue=CATALOGUE, at=NOW)
    await ports.programmes.change("prg_1", command(), lambda _: (programme, ()))
    assert await ports.programmes.find(TENANT, "prg_1") == programme
    assert (await ports.programmes.page(TENANT, {"is_published": True})).items == ()


async def test_a_publication_is_unchecked_until_its_volunteers_were_judged(ports: Ports) -> None:
    def decide(present: Programme | None) -> tuple[Programme, tuple[()]]:
        return draft("prg_1", TENANT, a_charter(), catalogue=CATALOGUE, at=NOW) if present is None else present, ()

    await ports.programmes.change("prg_1", command(), decide)
    assert list(await ports.unchecked.unchecked()) == []
    for title in ("One", "Two"):
        await ports.programmes.change(
            "prg_1",
            command(),
            lambda present, title=title: (  # type: ignore[misc] # mypy does not follow the default
                edit(present, a_charter(title=title), catalogue=CATALOGUE),
                (),
            ),
        )
        await ports.programmes.change("prg_1", command(), lambda present: publish(present, at=NOW))  # type: ignore[arg-type]
    assert list(await ports.unchecked.unchecked()) == [(TENANT, "prg_1")]


async def test_mongodb_holds_one_reference_per_staff_number(port_settings: Settings) -> None:
    chassis = Chassis(port_settings)
    await OnMongo(chassis).prepare()
    people = chassis.collection("people")
    await people.insert_one({"_id": "per_1", "tenant": TENANT, "staff_number": "1"})
    await people.insert_one({"_id": "per_2", "tenant": "elsewhere", "staff_number": "1"})
    with pytest.raises(DuplicateKey):
        await people.insert_one({"_id": "per_3", "tenant": TENANT, "staff_number": "1"})
    chassis.mongo.close()
