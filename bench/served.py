"""The hub as processes of its own over a stage, and what an answer of it holds."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from hub.settings import Settings

ONE = ("paymentStatus", "manager")
"""Fields that hold one record each, which counts like an element of a `nodes` list."""


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[tuple[str, Process]]:
    """`concord serve` on the stage; capture and deliveries run beside it in another process."""
    port = 18000 + os.getpid() % 1000
    environment = {**os.environ, **environment_of(settings), "CONCORD_PORT": str(port)}
    roles = [await role(name, environment) for name in ("serve", "listen")]
    try:
        yield f"http://127.0.0.1:{port}", roles[0]
    finally:
        for process in roles:
            process.terminate()
            await process.wait()


async def role(name: str, environment: Mapping[str, str]) -> Process:
    """`concord NAME` in a process of its own, with these variables."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", name), env=environment, stdout=DEVNULL, stderr=DEVNULL
    )


def environment_of(settings: Settings) -> dict[str, str]:
    variables = {"CONCORD_DATABASE_URL": settings.database_url.get_secret_value()}
    for name in ("crm", "psa", "hr", "erp", "billing"):
        system = getattr(settings, name)
        prefix = f"CONCORD_{name.upper()}__"
        variables[f"{prefix}URL"] = system.url
        variables[f"{prefix}KEY"] = system.key.get_secret_value()
        variables[f"{prefix}CAPTURE_URL"] = system.capture_url.get_secret_value()
    if settings.log == "kafka":
        variables["CONCORD_LOG"] = settings.log
        variables["CONCORD_KAFKA__BOOTSTRAP_SERVERS"] = settings.kafka.bootstrap_servers
        variables["CONCORD_KAFKA__CONNECT_URL"] = settings.kafka.connect_url or ""
    return variables


def objects_in(value: Any) -> int:
    """Records in an answer: every element of a `nodes` list, and those of the fields in `ONE`."""
    if isinstance(value, list):
        return sum(objects_in(part) for part in value)
    if not isinstance(value, dict):
        return 0
    own = len(value.get("nodes") or ()) + sum(value.get(name) is not None for name in ONE)
    return own + sum(objects_in(part) for part in value.values())
