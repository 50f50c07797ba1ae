"""The demo: the firm's systems and the hub over them, until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from hub.running import Hub
from hub.server import background, listen_at, serving
from hub.stage import Engine, Kind, Size, Stage, set_stage
from hub.telemetry import configure_logs
from hub.wiring import build_hub

FIRST_FILL_S = 6

QUERIES = (
    (
        "Projects over five systems",
        """  { projects(first: 3, filter: {status: [ACTIVE]}) { nodes {
      code health client { name paymentTermsDays } team(first: 3) { nodes { name role } }
      invoices(first: 2) { nodes { number status paymentStatus { status } } } } } }""",
    ),
    (
        "Who says so, and how fresh is it",
        "  { projects(first: 2) { nodes { code health _meta { owner source asOf lagMs } } } }",
    ),
    (
        "What can be asked while every owner is down",
        "  { invoices(last: 5, read: {mode: PROJECTED}) { nodes { status client { name } } } }",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """A running demo."""

    stage: Stage
    hub: Hub
    url: str


@asynccontextmanager
async def on_stage(
    state: Path,
    *,
    crm: Kind = Kind.STANDARD,
    erp: Kind = Kind.STANDARD,
    size: Size = Size.S,
    log: Engine = Engine.POSTGRES,
    port: int,
    console: Console,
) -> AsyncIterator[Play]:
    """The stage, the hub with all its roles, and the HTTP server, while the block runs."""

    def say(text: str) -> None:
        console.print(f"[dim]· {text}[/dim]", highlight=False)

    with listen_at("127.0.0.1", port) as listening:
        async with (
            set_stage(state, crm=crm, erp=erp, size=size, log=log, say=say) as stage,
            build_hub(stage.settings) as hub,
            background(hub),
            serving(hub, listening) as url,
        ):
            say("capturing what the systems hold")
            await _until_filled(hub)
            yield Play(stage=stage, hub=hub, url=url)


async def play(state: Path, *, crm: Kind, erp: Kind, size: Size, port: int, log: Engine) -> None:
    """Start everything, say where it is, and wait."""
    configure_logs(is_quiet=True)
    console = Console()
    started = time.monotonic()
    stage = on_stage(state, crm=crm, erp=erp, size=size, log=log, port=port, console=console)
    async with stage as running:
        _announce(console, running, time.monotonic() - started)
        await asyncio.Event().wait()


async def _until_filled(hub: Hub) -> None:
    """Until every type has arrived in the projection, or the first answer would be late."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FIRST_FILL_S):
            while not await hub.is_filled():  # noqa: ASYNC110  # commits of another session
                await asyncio.sleep(0.1)


def _announce(console: Console, running: Play, seconds: float) -> None:
    console.print(f"\n[bold]Concord is up[/bold] after {seconds:.1f} s. Ctrl-C stops everything.\n")
    console.print(f"  GraphiQL    {running.url}/graphql")
    for name, url in sorted(running.stage.urls.items()):
        console.print(f"  {name:<11} {url}")
    console.print("\nThree queries worth pasting:")
    for title, query in QUERIES:
        console.print(f"\n  [bold]# {title}[/bold]", highlight=False)
        console.print(query, highlight=False, markup=False, soft_wrap=True)
    console.print()
