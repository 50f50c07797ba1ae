"""The command line: one command per role, and the tools around them.

A listener that was killed should be back soon. So what only some commands need (the graph, the HTTP
server, the demo) is imported by those, and costs the others no start-up time.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvloop
from pydantic import ValidationError
from rich.console import Console

from cdc.log.tables import LOG_TABLES
from hub import debezium
from hub.deliveries import deliveries
from hub.dlq import dlq
from hub.doctor import examine
from hub.operate import epoch, status, topics
from hub.rebuild import rebuild
from hub.resnapshot import resnapshot
from hub.settings import Settings, setting_names
from hub.stage import DEFAULT_STATE, Engine, Kind, Size, forget_stage
from hub.telemetry import configure_logs
from hub.wiring import build_hub
from schema.errors import ConcordError
from schema.system import System
from sync.store.migrate import migrate
from sync.store.pool import connect

cli = typer.Typer(
    name="concord",
    help="One GraphQL graph over the systems a professional-services firm runs on.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
connectors = typer.Typer(name="debezium", help="Debezium's connectors.", no_args_is_help=True)
for further in (dlq, deliveries, topics, epoch, connectors):
    cli.add_typer(further)
log = structlog.get_logger(__name__)

PLAYED = "a stand-in, or a real Tryton."

LOOPBACK_ONLY = (
    "No authentication is configured, so Concord listens on loopback only: "
    "whoever could reach it could read and change everything. Set CONCORD_HOST=127.0.0.1."
)


def main() -> None:
    """Run a command; what the user can mend is one line, not a trace."""
    configure_logs()
    try:
        cli()
    except (ConcordError, RuntimeError) as error:
        typer.echo(f"concord: {error}", err=True)
        sys.exit(1)
    except ValidationError as error:
        typer.echo(_setting_trouble(error), err=True)
        sys.exit(2)


@cli.command()
def serve() -> None:
    """Answer GraphQL over HTTP."""
    _run(_serve(Settings.from_env(), all_roles=False))


@cli.command()
def listen() -> None:
    """Capture the owners' changes and keep the projection."""
    _run(_until_sigterm(_role(Settings.from_env(), "listen")))


@cli.command()
def deliver() -> None:
    """Send changed fields to the systems that hold copies."""
    _run(_until_sigterm(_role(Settings.from_env(), "deliver")))


@cli.command()
def run() -> None:
    """All roles in one process."""
    _run(_serve(Settings.from_env(), all_roles=True))


@cli.command(name="migrate")
def migrate_database() -> None:
    """Bring Concord's database to this version."""
    _run(_migrate(Settings.from_env()))


@cli.command()
def doctor() -> None:
    """Check that everything answers, and print what each connector can do."""
    is_well = asyncio.run(examine(Settings.from_env(), Console()))
    sys.exit(0 if is_well else 1)


for operating in (status, resnapshot, rebuild):
    cli.command()(operating)


@cli.command()
def owners() -> None:
    """Print who owns each field, and who holds a copy."""
    from hub import reference

    typer.echo(reference.ownership_page())


@cli.command()
def snapshots(
    check: Annotated[bool, typer.Option("--check", help="Only say what is out of date.")] = False,
) -> None:
    """Rewrite what derives from the canon: the SDL, the projection's DDL, the reference pages."""
    from hub import reference

    stale = reference.write_snapshots(Path.cwd(), check=check)
    for name in stale:
        typer.echo(f"{'out of date' if check else 'wrote'}: {name}")
    if check and stale:
        typer.echo("Run `make snapshots` and commit the result.", err=True)
        sys.exit(1)


@cli.command()
def demo(
    crm: Annotated[Kind, typer.Option(help=f"The CRM: {PLAYED}")] = Kind.STANDARD,
    erp: Annotated[Kind, typer.Option(help=f"The ERP: {PLAYED}")] = Kind.STANDARD,
    size: Annotated[Size, typer.Option(help="How large a firm is seeded.")] = Size.S,
    log: Annotated[
        Engine, typer.Option(help="The log: a table, or a real Kafka that Debezium fills.")
    ] = Engine.POSTGRES,
    story: Annotated[
        bool, typer.Option("--tour", help="Tell the story unattended and exit.")
    ] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Forget the demo's data.")] = False,
    state: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = DEFAULT_STATE,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the hub; 0 picks a free one.")
    ] = 8000,
) -> None:
    """The whole firm on this machine: five systems, the hub, GraphiQL."""
    from hub.play import play
    from hub.tour import tour

    if clean:
        forget_stage(state)
        typer.echo(f"Forgot the demo in {state}.")
    elif story:
        sys.exit(asyncio.run(tour(state, crm=crm, erp=erp, size=size, log=log)))
    else:
        _run(_until_sigterm(play(state, crm=crm, erp=erp, size=size, port=port, log=log)))


@connectors.command()
def config(system: Annotated[System, typer.Option(help="Whose connector.")]) -> None:
    """Print the connector we recommend for a system, as Kafka Connect takes it."""
    typer.echo(asyncio.run(debezium.print_config(Settings.from_env(), system)))


@connectors.command()
def prepare(system: Annotated[System, typer.Option(help="Whose database.")]) -> None:
    """Make the publication and the table of signals in a system's database."""
    asyncio.run(debezium.prepare(Settings.from_env(), system))
    typer.echo(f"{system.name}'s database is ready for its connector.")


@connectors.command()
def apply() -> None:
    """Prepare every system's database and put its connector into Kafka Connect."""
    for name in asyncio.run(debezium.apply(Settings.from_env())):
        typer.echo(f"applied: {name}")


async def _serve(settings: Settings, *, all_roles: bool) -> None:
    from hub.server import background, http_server, listen_at

    _require_loopback(settings.host)
    log.info("serve.loopback_only", host=settings.host, why=LOOPBACK_ONLY)
    with listen_at(settings.host, settings.port) as listening:
        async with build_hub(settings) as hub, background(hub, all_roles=all_roles):
            await http_server(hub).serve(sockets=[listening])


async def _role(settings: Settings, role: str) -> None:
    async with build_hub(settings) as hub:
        await (hub.listen() if role == "listen" else hub.deliver())


async def _until_sigterm(work: Coroutine[Any, Any, None]) -> None:
    """Cancel it then, so that it cleans up: the first process of a container has no other end.

    An HTTP server is not run like this: it stops at that signal by itself, when it has answered.
    """
    if (running := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    await work


async def _migrate(settings: Settings) -> None:
    pool = await connect(settings.database_url.get_secret_value())
    try:
        applied = await migrate(pool, LOG_TABLES)
    finally:
        await pool.close()
    typer.echo(f"Applied {', '.join(applied)}." if applied else "Nothing to apply.")


def _require_loopback(host: str) -> None:
    if host != "localhost" and not ip_address(host).is_loopback:
        raise RuntimeError(LOOPBACK_ONLY)


def _run(role: Coroutine[Any, Any, None]) -> None:
    try:
        uvloop.run(role)
    except (KeyboardInterrupt, asyncio.CancelledError):
        typer.echo("Stopped.", err=True)


def _setting_trouble(error: ValidationError) -> str:
    lines = ["concord: some settings are missing or wrong; see docs/reference/settings.md."]
    for detail in error.errors(include_url=False, include_input=False):
        lines += [f"  {name}: {detail['msg']}" for name in setting_names(detail["loc"])]
    return "\n".join(lines)
