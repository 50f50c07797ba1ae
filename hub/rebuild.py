"""`concord rebuild`: the whole projection anew from the log, and swapped in if it is the same."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cdc.rebuild import Rebuild, Rebuilt
from hub.operate import with_hub
from hub.running import GROUP, Hub
from hub.spelling import reader_of
from sync.store.comparison import Compared, Difference

Accepted = Annotated[
    bool, typer.Option("--accept-differences", help="Swap even if records differ: they are healed.")
]


def rebuild(accept_differences: Accepted = False) -> None:
    """Replay the log into a second projection, compare it, and put it in the live one's place.

    The hub serves and listens meanwhile. Nothing is delivered and no subscriber hears of it. Exits
    1 when records differ and that is not accepted; then nothing has changed.
    """

    async def work(hub: Hub) -> Rebuilt:
        await hub.log.verify()
        rebuilding = Rebuild(
            dsn=hub.settings.database_url.get_secret_value(),
            connectors=hub.connectors.reads,
            firsts=hub.log.firsts,
            reader=hub.log.reader,
            envelopes=reader_of(hub.settings, hub.connectors.bindings),
            consumer=GROUP,
        )
        return await rebuilding.run(accepts_differences=accept_differences)

    rebuilt = with_hub(work)
    for line in described(rebuilt):
        typer.echo(line)
    if not rebuilt.is_swapped:
        typer.echo("Nothing was changed. `--accept-differences` takes the rebuilt one.", err=True)
        sys.exit(1)


def described(rebuilt: Rebuilt) -> list[str]:
    """What is the same, what is not, and what was done about it."""
    lines = [line for table in rebuilt.tables for line in _table(table)]
    records = sum(table.there for table in rebuilt.tables)
    if rebuilt.is_swapped:
        lines.append(f"The rebuilt projection is live: {records} records.")
    return lines


def _table(table: Compared) -> list[str]:
    if not table.different:
        return [f"✓ {table.table}: {table.there} records"]
    counts = f"{table.here} live, {table.there} rebuilt"
    head = f"✗ {table.table}: {table.different} records differ ({counts})"
    return [head, *(f"  {_difference(one)}" for one in table.examples)]


def _difference(one: Difference) -> str:
    if one.is_here and one.is_there:
        return f"{one.id}: {', '.join(one.columns)}"
    return f"{one.id}: only {'live' if one.is_here else 'rebuilt'}"
