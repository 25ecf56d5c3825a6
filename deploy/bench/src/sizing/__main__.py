"""``python -m sizing``: what a company of a given size needs, from measured rates."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from .load import SERVICES, Company
from .spread import busiest_share, seconds_to_drain

CHECKOUT = Path(__file__).resolve().parents[4]
MEASURED = CHECKOUT / "build" / "bench" / "events.json"
PARTITIONS = (6, 12, 24, 48)
REPLICAS = (1, 2, 4, 8)


def main(  # noqa: PLR0917 typer turns each into an option
    people: Annotated[int, typer.Option(min=1, help="Employees.")] = 500_000,
    taking_part: Annotated[float, typer.Option(min=0.001, max=1, help="Share of them.")] = 0.1,
    weeks: Annotated[int, typer.Option(min=1, help="From the first session to the last.")] = 12,
    sessions: Annotated[int, typer.Option(min=1, help="Of each pair.")] = 6,
    busiest_hour: Annotated[float, typer.Option(min=0.001, max=1, help="Its share of a week's events.")] = 0.1,
    rates: Annotated[Path, typer.Option(help="What `make bench-events` measured.")] = MEASURED,
) -> None:
    """Say how much comes, how much of a replica that takes, and how long bursts last with more of them."""
    console = Console()
    company = Company(people=people, taking_part=taking_part, weeks=weeks, sessions=sessions, busiest_hour=busiest_hour)
    write, read = _rates(rates)
    events = sum(company.events().values())
    console.print(
        f"{company.volunteers:,} volunteers, {company.pairs:,} pairs, {events:,} events in {weeks} weeks. "
        f"One process writes {write:,.0f} or reads {read:,.0f} events a second here.",
        highlight=False,
        soft_wrap=True,
    )
    console.print(_services(company, write, read), _spread(company), _bursts(company, read), sep="\n\n")


def _rates(path: Path) -> tuple[float, float]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    except FileNotFoundError as error:
        raise typer.BadParameter(f"{path} is not there: run `make bench-events` first, or name another file") from error
    found = {row["scenario"]: row["rate"] for row in rows if row["kind"] == "throughput" and row.get("side") == "ours"}
    return found["write"], found["read"]


def _services(company: Company, write: float, read: float) -> Table:
    table = Table("service", "writes", "reads", "writes/s", "reads/s", "of one replica", title="The busiest hour")
    for service in SERVICES:
        work = company.work()[service]
        writes, reads = company.busiest_second(work.written), company.busiest_second(work.read)
        share = writes / write + reads / read
        table.add_row(service, f"{work.written:,}", f"{work.read:,}", f"{writes:.1f}", f"{reads:.1f}", f"{share:.1%}")
    return table


def _spread(company: Company) -> Table:
    """How many times as fast as one replica some are, by the number of partitions."""
    table = Table("partitions", *(f"{replicas} replicas" for replicas in REPLICAS[1:]), title="Times as fast as one")
    keys = min(company.pairs, 20_000)
    for partitions in PARTITIONS:
        table.add_row(
            str(partitions),
            *(
                "idle replicas" if replicas > partitions else f"{1 / busiest_share(keys, partitions, replicas):.2f}"
                for replicas in REPLICAS[1:]
            ),
        )
    return table


def _bursts(company: Company, read: float) -> Table:
    """All pairs are approved at once: three services read a `paired` event each."""
    table = Table("partitions", *(f"{replicas} replicas" for replicas in REPLICAS), title="Seconds to read all pairs")
    keys = min(company.pairs, 20_000)
    for partitions in PARTITIONS:
        shares = (busiest_share(keys, partitions, min(replicas, partitions)) for replicas in REPLICAS)
        table.add_row(str(partitions), *(f"{seconds_to_drain(company.pairs, read, share):.0f}" for share in shares))
    return table


if __name__ == "__main__":
    typer.run(main)
