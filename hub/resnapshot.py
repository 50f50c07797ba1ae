"""`concord resnapshot`: a table, or a range of its keys, is read again at its owner."""

from __future__ import annotations

from typing import Annotated

import typer

from cdc.capture.api_rows import collections_of
from hub.operate import By, Why, with_hub
from hub.registry import captured_tables
from hub.running import Hub
from schema.errors import Invalid
from schema.system import System
from sync.resnapshots import KeyRange
from sync.signed import Signed


def resnapshot(
    system: Annotated[System, typer.Option(help="Whose tables.")],
    by: By,
    why: Why,
    table: Annotated[str | None, typer.Option(help="Only this table: time_entries.")] = None,
    low: Annotated[str | None, typer.Option("--from", help="From this key on.")] = None,
    high: Annotated[str | None, typer.Option("--to", help="Up to this key.")] = None,
) -> None:
    """Read tables again while changes go on; what is gone at the owner is then deleted here."""
    keys = KeyRange(low=low, high=high)
    if table is None and not keys.is_everything:
        raise Invalid("A range of keys is one table's: name it with --table.")

    async def ask(hub: Hub) -> list[str]:
        is_asked = hub.settings.way(system) != "wal"
        if not is_asked and hub.settings.capture_url(system) is None:
            raise Invalid(f"{system.name} is not captured: set CONCORD_{system.name}__CAPTURE_URL.")
        tables = tables_of(hub, system, table)
        await hub.services.operations.resnapshots.ask(
            system.value, tables, keys, Signed(by=by, why=why)
        )
        return tables

    for name in with_hub(ask):
        typer.echo(
            f"{system.value}.{name} will be read again; `concord status` says how far it is."
        )


def tables_of(hub: Hub, system: System, wanted: str | None) -> list[str]:
    """The captured tables of a system, or the one that is meant; of an API, what it lists."""
    bindings = hub.connectors.reads[system].bindings
    if hub.settings.way(system) == "wal":
        tables = [str(table) for table in captured_tables(bindings)]
    else:
        tables = [collection.table for collection in collections_of(bindings)]
    found = [t for t in tables if wanted is None or wanted in (t, t.partition(".")[2])]
    if not found:
        raise Invalid(f"{system.name} has no captured table {wanted}; it has {', '.join(tables)}.")
    return found
