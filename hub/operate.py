"""Commands for whoever runs Concord: `status`, `topics resume`, `epoch bump`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from hub.running import Hub
from hub.settings import Settings
from hub.status import print_status
from hub.wiring import build_hub
from schema.system import System
from sync.epochs import bump_epoch
from sync.signed import Signed

T = TypeVar("T")
By = Annotated[str, typer.Option(help="Who does it.")]
Why = Annotated[str, typer.Option(help="Why; kept with it.")]

topics = typer.Typer(name="topics", help="Topics that are not read.", no_args_is_help=True)
epoch = typer.Typer(name="epoch", help="The histories of owners.", no_args_is_help=True)


def status() -> None:
    """What lags, what waits, and what needs somebody; exits 1 if something does."""

    async def tell(hub: Hub) -> bool:
        return await print_status(hub.services.operations, Console())

    if not with_hub(tell):
        sys.exit(1)


@topics.command()
def resume(topic: str, by: By, why: Why) -> None:
    """Read a parked topic again, from where it stopped."""
    with_hub(
        lambda hub: hub.services.operations.parked_topics.resume(topic, Signed(by=by, why=why))
    )
    typer.echo(f"{topic} is read again.")


@epoch.command()
def bump(system: Annotated[System, typer.Option()], by: By, why: Why) -> None:
    """Begin a new history of an owner: after a failover, a restore or a new slot."""
    number = with_hub(lambda hub: bump_epoch(hub.pool, system, Signed(by=by, why=why)))
    typer.echo(f"{system.name} is in epoch {number}.")


def with_hub(work: Callable[[Hub], Awaitable[T]]) -> T:
    """Do something with the parts of a hub of which no role runs."""

    async def run() -> T:
        async with build_hub(Settings.from_env()) as hub:
            return await work(hub)

    return asyncio.run(run())
