"""`concord doctor`: whether everything answers, and what each connector can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from rich.console import Console
from rich.table import Table

from hub.checks import capture_troubles
from hub.debezium import compare
from hub.gaps import gap_of, gaps
from hub.log import troubles_in_kafka
from hub.registry import Connectors, connect_systems
from hub.settings import Settings
from schema.canon import ENTITIES
from schema.entity import anchor
from schema.errors import ConcordError
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.binding import Binding
from sync.connectors.ports import Reads, RowQuery
from sync.extra import ExtraColumns, by_table
from sync.lag import CaptureLag, Lags
from sync.outage import OUTAGE
from sync.store.pool import connect

_IS_MIGRATED = "SELECT to_regclass('extra_column') IS NOT NULL"
_SILENT = timedelta(minutes=2)
_BORNE = frozenset({"weak_identity"})
"""What some owners cannot mend: an index that identifies rows has no nullable column."""
LETTERS = "o owns · c holds copies · w writable · + creatable · a acts · t captured"
_WAL_LEVEL = "SELECT current_setting('wal_level')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at; `trouble` says what is wrong and what to do about it.

    What `is_borne` is worth knowing and keeps nothing from running.
    """

    subject: str
    trouble: str | None = None
    detail: str = ""
    is_borne: bool = False


async def examine(settings: Settings, console: Console) -> bool:
    """Print every finding, the matrix and its gaps; answers whether all is well."""
    pool = await connect(settings.database_url.get_secret_value(), size=2)
    try:
        connectors = connect_systems(settings, pool)
        try:
            findings = [finding async for finding in _findings(settings, pool, connectors)]
        finally:
            await connectors.close()
    finally:
        await pool.close()
    for finding in findings:
        _print(console, finding)
    console.print(matrix(connectors))
    console.print(gaps(connectors))
    troubles = sum(finding.trouble is not None and not finding.is_borne for finding in findings)
    console.print(f"✗ Not well: {troubles}, told above." if troubles else "✓ All is well.")
    return not troubles


async def _findings(
    settings: Settings, pool: asyncpg.Pool, connectors: Connectors
) -> AsyncIterator[Finding]:
    version = await pool.fetchval("SHOW server_version")
    yield Finding(subject="Concord's database", detail=f"PostgreSQL {version}")
    if settings.log == "kafka":
        for finding in await asyncio.to_thread(_kafka, settings, connectors):
            yield finding
    for finding in await _unbound(pool, connectors):
        yield finding
    for system, connector in connectors.reads.items():
        yield await _answers(system, connector)
        yield await _captured(settings, connectors, system)
    for trouble in await capture_troubles(settings, connectors):
        subject, is_borne = f"Capture: {trouble.name}", trouble.name in _BORNE
        yield Finding(subject=subject, trouble=trouble.text, is_borne=is_borne)
    if await pool.fetchval(_IS_MIGRATED):
        captured = {s.value for s in connectors.reads if settings.capture_url(s) is not None}
        for lag in await Lags(pool).captures():
            if lag.system in captured:
                yield _heard(lag)


def _heard(lag: CaptureLag) -> Finding:
    subject = f"The capture of {lag.system.upper()} is current"
    behind, unseen = (f"{span.total_seconds():.1f} s" for span in (lag.behind, lag.unseen))
    if lag.unseen > _SILENT:
        why = f"not heard of for {unseen}: is its capture running, and `concord listen`?"
        return Finding(subject=subject, trouble=why)
    return Finding(subject=subject, detail=f"behind by {behind}, heard of {unseen} ago")


async def _unbound(pool: asyncpg.Pool, connectors: Connectors) -> Sequence[Finding]:
    if not await pool.fetchval(_IS_MIGRATED):
        return [Finding(subject="Concord's database", detail="empty: `concord migrate` fills it")]
    columns = await ExtraColumns(pool, connectors.bindings).now()
    return [
        Finding(subject=f"{table} has columns that no binding reads", detail=told)
        for table, told in by_table(columns).items()
    ]


def _kafka(settings: Settings, connectors: Connectors) -> Sequence[Finding]:
    try:
        troubles = troubles_in_kafka(settings, connectors)
    except ConcordError as error:
        return [Finding(subject="Kafka answers", trouble=error.message)]
    answers = Finding(subject="Kafka answers", detail=settings.kafka.bootstrap_servers)
    return [answers, *(Finding(subject=f"Kafka: {t.name}", trouble=t.text) for t in troubles)]


async def _answers(system: System, connector: Reads) -> Finding:
    subject = f"{system.name} answers"
    try:
        for binding in connector.bindings:
            await connector.fetch(RowQuery(binding=binding, limit=1))
    except ConcordError as error:
        return Finding(subject=subject, trouble=error.message)
    return Finding(subject=subject, detail=f"{len(connector.bindings)} types readable")


async def _captured(settings: Settings, connectors: Connectors, system: System) -> Finding:
    subject = f"{system.name} is captured"
    if (way := settings.way(system)) != "wal":
        return Finding(subject=subject, detail=f"by {way}, through its API")
    url = settings.capture_url(system)
    if url is None:
        return Finding(subject=subject, detail="not here: no CAPTURE_URL is set")
    if not settings.reads_wal:
        return await _captured_by_debezium(settings, connectors, system)
    try:
        connection = await asyncpg.connect(url.get_secret_value(), timeout=5)
    except (*OUTAGE, TimeoutError, asyncpg.PostgresError) as error:
        return Finding(subject=subject, trouble=f"its database cannot be reached: {error}")
    try:
        level = await connection.fetchval(_WAL_LEVEL)
    finally:
        await connection.close()
    if level != "logical":
        return Finding(subject=subject, trouble=f"wal_level is {level}: set it to logical")
    return Finding(subject=subject, detail="wal_level is logical")


async def _captured_by_debezium(
    settings: Settings, connectors: Connectors, system: System
) -> Finding:
    subject = f"{system.name} is captured by Debezium"
    try:
        trouble = await compare(settings, connectors, system)
    except ConcordError as error:
        trouble = error.message
    return Finding(subject=subject, trouble=trouble, detail="its connector is as recommended")


def matrix(connectors: Connectors) -> Table:
    """What each connector can do with each type: its capabilities, one letter each."""
    systems = list(connectors.reads)
    table = Table(title=f"{LETTERS} · - not held, though named", title_justify="left")
    table.add_column("Type")
    for system in systems:
        table.add_column(system.name)
    for entity in ENTITIES:
        cells = [_abilities(connectors, system, entity) for system in systems]
        table.add_row(entity.__name__, *cells)
    return table


def _abilities(connectors: Connectors, system: System, entity: type) -> str:
    bindings = connectors.reads[system].bindings
    if bound := [b for b in bindings if b.entity is entity]:
        return "".join(_letters(connectors, system, bound))
    return "-" if gap_of(system, entity, bindings) else ""


def _letters(connectors: Connectors, system: System, bound: Sequence[Binding]) -> Iterable[str]:
    for binding in bound:
        yield "o" if binding.owns else ""
        yield "c" if binding.copies else ""
        yield (
            "w" if system in connectors.writes and binding.places.keys() - binding.read_only else ""
        )
        yield "+" if binding.reference and anchor(binding.entity) is system else ""
        yield "a" if _acts(connectors, system, binding.entity) else ""
        yield "t" if binding.table or binding.touches else ""


def _acts(connectors: Connectors, system: System, entity: type) -> bool:
    lifecycle = LIFECYCLES.get(entity)
    asked = lifecycle.transitions if lifecycle else ()
    return system in connectors.acts and any(t.performer is system and not t.happens for t in asked)


def _print(console: Console, finding: Finding) -> None:
    bad = "[yellow]![/yellow]" if finding.is_borne else "[red]✗[/red]"
    mark = bad if finding.trouble else "[green]✓[/green]"
    console.print(f"{mark} {finding.subject}: {finding.trouble or finding.detail}", highlight=False)
