"""`concord deliveries`: copies that their target refuses, from the command line."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hub.operate import By, Why, with_hub
from schema.errors import Invalid
from sync.dead_deliveries import DeadDelivery
from sync.signed import Signed

deliveries = typer.Typer(
    name="deliveries",
    help="Dead deliveries: copies that their target refuses, until somebody settles them.",
    no_args_is_help=True,
)

Ids = Annotated[list[int] | None, typer.Argument(help="Deliveries by id.")]
Targets = Annotated[
    list[str] | None, typer.Option("--target", help="Only to this system; may be repeated.")
]
Target = Annotated[str | None, typer.Option(help="Only to this system: psa.")]


@deliveries.command(name="list")
def list_deliveries(
    targets: Targets = None,
    after: Annotated[int, typer.Option(help="Go on behind this id.")] = 0,
) -> None:
    """The dead deliveries, oldest first, fifty at a time."""
    found = with_hub(lambda hub: hub.services.operations.dead_deliveries.page(targets, after=after))
    Console().print(_table(found))


@deliveries.command()
def show(delivery: Annotated[int, typer.Argument(help="The delivery.")]) -> None:
    """One delivery with everything that is known of it."""
    found = with_hub(lambda hub: hub.services.operations.dead_deliveries.one(delivery))
    typer.echo(_described(found))


@deliveries.command()
def retry(by: By, why: Why, ids: Ids = None, target: Target = None) -> None:
    """Send deliveries again, by id or all to a target, with what the record is like by then."""
    if not ids and target is None:
        raise Invalid("Say which deliveries: by their ids, or all to a --target.")
    signed = Signed(by=by, why=why)
    count = with_hub(
        lambda hub: hub.services.operations.dead_deliveries.retry(ids or (), signed, target)
    )
    typer.echo(f"Owed again: {count}.")


@deliveries.command()
def discard(
    by: By, why: Why, ids: Annotated[list[int], typer.Argument(help="Deliveries by id.")]
) -> None:
    """Give deliveries up; their targets keep what they have."""
    signed = Signed(by=by, why=why)
    count = with_hub(lambda hub: hub.services.operations.dead_deliveries.discard(ids, signed))
    typer.echo(f"Given up: {count}.")


def _table(found: list[DeadDelivery]) -> Table:
    table = Table("id", "target", "record", "fields", "why", "dead since", "sent")
    for one in found:
        table.add_row(
            *(str(one.id), one.target, f"{one.entity} {one.record_id}", ", ".join(one.fields)),
            *(one.last_error or "-", f"{one.settled_at:%Y-%m-%d %H:%M}", str(one.attempts)),
        )
    return table


def _described(one: DeadDelivery) -> str:
    told = {
        "target": one.target,
        "record": f"{one.entity} {one.record_id}",
        "fields": ", ".join(one.fields),
        "cause": one.cause,
        "caused": one.caused_at.isoformat(),
        "dead since": one.settled_at.isoformat(),
        "sent": str(one.attempts),
        "why": one.last_error or "-",
    }
    return "\n".join(f"{name:12} {text}" for name, text in told.items())
