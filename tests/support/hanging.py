"""A delivery worker that hangs in its call past its lease, while another sends newer values."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from support.targets import QUICK, Desk, FakeTarget, drained, until

from sync.connectors import psa
from sync.delivery import Deliverer


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """A worker that hangs before its call with "Second", while another has sent "Third"."""

    desk: Desk
    target: FakeTarget
    other: Deliverer
    drain: asyncio.Task[int]

    async def wake(self) -> None:
        """Its call comes after all."""
        self.target.open.set()
        await self.drain

    @property
    def title(self) -> str:
        return str(self.target.only(psa.CLIENT)["title"])


async def hanging_worker(
    desk: Desk, target: FakeTarget, rename: Callable[[str], Awaitable[None]]
) -> Hanging:
    """The PSA holds the client; its owner renames it, and then again."""
    living = FakeTarget(target.system, psa.CLIENT)
    living.rows = target.rows
    other = Desk(desk.pool, living).deliverer()
    target.open.clear()
    target.begun.clear()
    await rename("Second")
    brief = replace(QUICK, lease=timedelta(milliseconds=50))
    drain = asyncio.create_task(desk.deliverer(brief).drain(target.system))
    await target.begun.wait()
    await rename("Third")
    hanging = Hanging(desk=desk, target=target, other=other, drain=drain)

    async def is_overtaken() -> bool:
        await drained(other, [target.system])
        return hanging.title == "Third"

    await until(is_overtaken)
    return hanging
