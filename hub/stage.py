"""All the demo needs around the hub: a cluster, five seeded systems, and settings for them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from cdc.log.tables import LOG_TABLES
from hub.child import guarded
from hub.embedded import Cluster
from hub.kafka.stage import forget_kafka, over_kafka
from hub.settings import Settings
from hub.tryton.running import RunningTryton, start_trytons
from schema.errors import Invalid, Unavailable
from sync.store.migrate import migrate
from sync.store.pool import connect


class Kind(Enum):
    """What plays a system of the demo: a stand-in, or a real one."""

    STANDARD = "standard"
    TRYTON = "tryton"


class Size(Enum):
    """How large a firm the demo draws; see `hub.demo.drawing.size`."""

    S = "S"
    M = "M"
    L = "L"


class Engine(Enum):
    """What keeps the log of changes: a table of the hub's, or a real Kafka that Debezium fills."""

    POSTGRES = "postgres"
    KAFKA = "kafka"


Say = Callable[[str], None]
DEFAULT_STATE = Path(".concord/demo")
SYSTEMS = ("crm", "psa", "hr", "erp", "billing")
PATIENCE = {"read_timeout": 10, "write_timeout": 25}
"""Seconds for a real system, which works out one answer at a time, on a machine with much to do."""
KEPT_WAL = {Size.S: "2GB", Size.M: "32GB", Size.L: "-1"}
"""A first reading holds back the WAL written meanwhile, and here the hub writes to the same one."""
_STOP_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The firm's systems, running; `settings` tell the hub how to reach them.

    `tryton` are the systems that are not stand-ins, by name.
    """

    settings: Settings
    urls: Mapping[str, str]
    tryton: Mapping[str, RunningTryton]


@asynccontextmanager
async def set_stage(
    state: Path,
    *,
    crm: Kind = Kind.STANDARD,
    erp: Kind = Kind.STANDARD,
    size: Size = Size.S,
    log: Engine = Engine.POSTGRES,
    say: Say,
) -> AsyncIterator[Stage]:
    """Start what is not running and create what is not there, in `state`; stop it all at the end.

    A second start resumes with the data of the first of its kind and size. Raises Invalid for a
    large firm on a real system.
    """
    real = [name for name, kind in (("crm", crm), ("erp", erp)) if kind is Kind.TRYTON]
    suffix = suffix_of(real, size, log)
    async with AsyncExitStack() as stack:
        say("starting PostgreSQL")
        cluster = await asyncio.to_thread(
            Cluster.start, state / "postgres", kept_wal=KEPT_WAL[size]
        )
        stack.callback(cluster.stop)
        stood_in = [name for name in SYSTEMS if name not in real]
        dsns = await asyncio.to_thread(_databases, cluster, [*stood_in, "hub"], suffix)
        say("seeding the firm")
        await _migrate(dsns["hub"])
        await _seed([*stood_in, "hub"], dsns, size, *(["--home-currency"] if real else []))
        say("starting the systems")
        urls = await stack.enter_async_context(_stand_ins(stood_in, dsns))
        systems: dict[str, dict[str, Any]] = {
            name: {"url": urls[name], "key": f"demo-{name}", "capture_url": dsns[name]}
            for name in stood_in
        }
        tryton: dict[str, RunningTryton] = {}
        if real:
            databases = {name: name + suffix for name in real}
            tryton = await start_trytons(state, cluster, databases, say)
            stack.push_async_callback(tryton[real[0]].stop)
        systems |= {name: one.settings() for name, one in tryton.items()}
        urls = {**urls, **{name: one.url for name, one in tryton.items()}}
        patience = PATIENCE if real else {}
        settings = Settings.model_validate({"database_url": dsns["hub"], **patience, **systems})
        if log is Engine.KAFKA:
            settings = await stack.enter_async_context(over_kafka(state, suffix, settings, say))
        yield Stage(settings=settings, urls=urls, tryton=tryton)


def forget_stage(state: Path) -> None:
    """Delete the demo's data. Raises Invalid while a demo runs on it."""
    Cluster.forget(state / "postgres")
    forget_kafka(state)


def suffix_of(real: Sequence[str], size: Size, log: Engine = Engine.POSTGRES) -> str:
    """What tells the databases of one kind of demo from those of the others."""
    if real and size is not Size.S:
        options = " and ".join(f"--{name}" for name in real)
        raise Invalid(f"A firm of size {size.value} needs stand-ins; leave out {options}.")
    parts = [
        f"_tryton_{'_'.join(real)}" if real else "",
        "" if size is Size.S else f"_{size.value.lower()}",
        "" if log is Engine.POSTGRES else f"_{log.value}",
    ]
    return "".join(parts)


def _databases(cluster: Cluster, names: list[str], suffix: str) -> dict[str, str]:
    """A database for each system."""
    for name in names:
        if not cluster.exists(name + suffix):
            cluster.create_database(name + suffix)
    return {name: cluster.dsn(name + suffix) for name in names}


async def _migrate(dsn: str) -> None:
    """The hub's own tables, which the seed fills like those of any owner."""
    pool = await connect(dsn, size=2)
    try:
        await migrate(pool, LOG_TABLES)
    finally:
        await pool.close()


async def _seed(systems: list[str], dsns: Mapping[str, str], size: Size, *further: str) -> None:
    process = await _run(_demo("seed", systems, dsns, "--size", size.value, *further))
    await process.communicate()
    _require(process.returncode == 0, "The stand-in systems could not be seeded.")


@asynccontextmanager
async def _stand_ins(systems: list[str], dsns: Mapping[str, str]) -> AsyncIterator[dict[str, str]]:
    """The stand-ins' APIs in one child process; it tells their addresses when they answer."""
    process = await _run(guarded(_demo("serve", systems, dsns)))
    try:
        line = await process.stdout.readline() if process.stdout else b""
        _require(bool(line), "The stand-in systems did not start.")
        yield json.loads(line)
    finally:
        await _stop(process)


def _demo(command: str, systems: list[str], dsns: Mapping[str, str], *further: str) -> list[str]:
    options = [part for name in systems for part in (f"--{name}-dsn", dsns[name])]
    program = (sys.executable, "-m", "hub.demo", command)
    return [*program, "--only", ",".join(systems), *options, *further]


async def _run(command: list[str]) -> Process:
    """In a session of its own: Ctrl-C is for us, and we stop it in order."""
    return await asyncio.create_subprocess_exec(
        *command, stdin=PIPE, stdout=PIPE, start_new_session=True
    )


async def _stop(process: Process) -> None:
    try:
        await asyncio.wait_for(process.communicate(), _STOP_S)
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise Unavailable(f"{message} Its errors are above.")
