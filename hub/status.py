"""`concord status`: what lags, what waits, and what needs somebody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.table import Table

from sync.extra import by_table
from sync.operations import Operations
from sync.resnapshots import Resnapshot

_RECENT = timedelta(days=1)


async def print_status(operations: Operations, console: Console) -> bool:
    """Print it all; answers whether nothing needs somebody."""
    parked = await operations.parked_topics.now()
    letters = await operations.dead_letters.count()
    for one in parked:
        console.print(f"✗ {one.position.topic} is parked since {_moment(one.parked_at)}")
        console.print(f"  {one.reason}")
        console.print(f"  When it is mended: concord topics resume {one.position.topic}")
    for row in letters:
        counted = f"{row['letters']} {row['state']} ({row['class']}, {row['reason']})"
        console.print(f"✗ {row['topic']}: {counted} since {_moment(row['since'])}")
    if letters:
        console.print("  See them: concord dlq list")
    if dead := sum(one.dead for one in await operations.lags.targets()):
        console.print(f"• {dead} copies are refused for good. See them: concord deliveries list")
    for table, columns in by_table(await operations.extra_columns.now()).items():
        console.print(f"• {table} has columns that no binding reads: {columns}")
    for torn in await operations.lags.torn():
        told = f"{torn.times} times ({torn.why}), last {_moment(torn.last_at)}"
        console.print(f"• {torn.system}: transactions were seen in pieces {told}")
    if not parked and not letters:
        console.print("✓ No topic is parked and no dead letter is unsettled.")
    for again in await operations.resnapshots.unsettled(_RECENT):
        console.print(_described(again))
    console.print(
        await _captures(operations), await _topics(operations), await _targets(operations)
    )
    return not parked and not letters


def _described(again: Resnapshot) -> str:
    if again.failure is not None:
        return f"✗ {again.topic} was not read again: {again.failure}"
    return f"… {again.topic} is read again: {again.state}, {again.rows_read} rows"


async def _captures(operations: Operations) -> Table:
    table = Table("capture", "behind", "silent", "WAL held", title="Captures", title_justify="left")
    for one in await operations.lags.captures():
        held = "-" if one.held_bytes is None else f"{one.held_bytes / 1e6:,.1f} MB"
        table.add_row(one.system, _span(one.behind), _span(one.unseen), held)
    return table


async def _topics(operations: Operations) -> Table:
    table = Table(
        *("topic", "capture", "queue", "apply", "waiting", "since"),
        title="Tables: the last record's way, and what waits",
        title_justify="left",
    )
    waiting = {one.topic: one for one in await operations.backlog()}
    for one in await operations.lags.topics():
        backlog = waiting.get(one.topic)
        table.add_row(
            *(one.topic, _span(one.capture), _span(one.queue), _span(one.apply)),
            str(backlog.records) if backlog else "0",
            _moment(backlog.oldest_at) if backlog and backlog.oldest_at else "-",
        )
    return table


async def _targets(operations: Operations) -> Table:
    table = Table(
        *("target", "p95", "oldest owed", "pending", "dead"),
        title="Copies, from the owner's commit",
        title_justify="left",
    )
    for one in await operations.lags.targets():
        spans = (_span(one.p95), _span(one.oldest))
        table.add_row(one.target, *spans, str(one.pending), str(one.dead))
    return table


def _span(span: timedelta | None) -> str:
    return "-" if span is None else f"{span.total_seconds():,.2f} s"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
