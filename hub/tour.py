"""The tour: the demo tells its own story, step by step, and fails if a step does not hold."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
from rich.console import Console

from hub.guide import DEADLINE_S, FILL_S, Guide, Unkept
from hub.play import on_stage
from hub.stage import Engine, Kind, Size
from hub.story import STORY, Step
from hub.telemetry import configure_logs
from hub.tryton.rpc import TrytonRefused


async def tour(state: Path, *, crm: Kind, erp: Kind, size: Size, log: Engine) -> int:
    """Run the story; answers the exit code."""
    configure_logs(is_quiet=True)
    console = Console()
    started = time.monotonic()
    async with (
        on_stage(state, crm=crm, erp=erp, size=size, log=log, port=0, console=console) as running,
        httpx.AsyncClient(base_url=running.url, timeout=DEADLINE_S, trust_env=False) as http,
    ):
        console.print(f"· up after {time.monotonic() - started:.1f} s at {running.url}")
        guide = Guide(play=running, http=http)
        for number, (title, step) in enumerate(STORY, start=1):
            if not await _tell(console, number, title, step, guide):
                return 1
    console.print("[bold green]Every step held.[/bold green]")
    return 0


async def _tell(console: Console, number: int, title: str, step: Step, guide: Guide) -> bool:
    begun = time.monotonic()
    try:
        async with asyncio.timeout(FILL_S + DEADLINE_S):
            outcome = await step(guide)
    except (Unkept, TrytonRefused, httpx.HTTPError, TimeoutError, KeyError) as error:
        why = str(error) or type(error).__name__
        console.print(f"{number}. [red]✗[/red] {title}: {why}", highlight=False)
        return False
    took = (time.monotonic() - begun) * 1000
    console.print(f"{number}. [green]✓[/green] {title}: {outcome} ({took:.0f} ms)", highlight=False)
    return True
