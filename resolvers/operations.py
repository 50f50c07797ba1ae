"""The hub's own state in the graph: what lags, what waits, what needs somebody.

Spans are whole milliseconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import strawberry

from resolvers.context import Info
from resolvers.dead_deliveries import list_dead_deliveries
from resolvers.dead_letters import By, Why, list_dead_letters
from resolvers.scalars import Long
from schema.system import System
from sync import extra, lag, parked_topics
from sync.signed import Signed


@strawberry.type(description="How current the capture of one system is.")
class CaptureLag:
    system: System = strawberry.field(description="The system.")
    behind_ms: Long = strawberry.field(description="Since it last had all its owner committed.")
    unseen_ms: Long = strawberry.field(description="Since it last said that it is alive.")
    held_bytes: Long | None = strawberry.field(description="WAL the owner keeps for it.")


@strawberry.type(description="The way of the last record of a table that was applied.")
class TableLag:
    topic: str = strawberry.field(description="`system.schema.table`.")
    capture_ms: Long = strawberry.field(description="From the owner's commit to the log.")
    queue_ms: Long = strawberry.field(description="From the log to the listener.")
    apply_ms: Long = strawberry.field(description="From the owner's commit to the projection.")


@strawberry.type(description="What waits in the log to be applied.")
class Waiting:
    topic: str = strawberry.field(description="`system.schema.table`.")
    records: Long = strawberry.field(description="How many.")
    since: datetime | None = strawberry.field(description="When the first of them came.")


@strawberry.type(description="Copies on their way to one system.")
class CopyLag:
    target: System = strawberry.field(description="The system.")
    pending: int = strawberry.field(description="Owed and not sent yet.")
    refused: int = strawberry.field(description="Refused by the system, for good.")
    oldest_ms: Long | None = strawberry.field(description="Since the commit of the oldest owed.")
    p95_ms: Long | None = strawberry.field(description="Commit to copy, of the last five minutes.")


@strawberry.type(description="A table whose rows lack what Concord reads: nothing of it is read.")
class ParkedTopic:
    topic: str = strawberry.field(description="`system.schema.table`.")
    reason: str = strawberry.field(description="What is missing.")
    parked_at: datetime = strawberry.field(description="Since when.")


@strawberry.type(description="A topic that is read again.")
class ResumedTopic:
    topic: str = strawberry.field(description="`system.schema.table`.")


@strawberry.type(description="A column of a captured table that no binding reads.")
class ExtraColumn:
    topic: str = strawberry.field(description="`system.schema.table`.")
    name: str = strawberry.field(description="The column.")
    is_kept: bool = strawberry.field(description="Whether its cells are kept, or its name alone.")
    since: datetime = strawberry.field(description="When it was first seen.")


@strawberry.type(description="How the hub itself is: what lags, what waits, what needs somebody.")
class Operations:
    @strawberry.field(description="Every capture.")
    async def captures(self, info: Info) -> list[CaptureLag]:
        found = await info.request.services.operations.lags.captures()
        return [_capture(one) for one in found]

    @strawberry.field(description="Every table of which something was applied.")
    async def tables(self, info: Info) -> list[TableLag]:
        found = await info.request.services.operations.lags.topics()
        return [_table(one) for one in found]

    @strawberry.field(description="What is in the log and not applied.")
    async def waiting(self, info: Info) -> list[Waiting]:
        found = await info.request.services.operations.backlog()
        return [Waiting(topic=o.topic, records=Long(o.records), since=o.oldest_at) for o in found]

    @strawberry.field(description="Every system that receives copies.")
    async def copies(self, info: Info) -> list[CopyLag]:
        found = await info.request.services.operations.lags.targets()
        return [_copy(one) for one in found]

    @strawberry.field(description="Topics that wait for somebody.")
    async def parked_topics(self, info: Info) -> list[ParkedTopic]:
        found = await info.request.services.operations.parked_topics.now()
        return [_parked(one) for one in found]

    dead_deliveries = strawberry.field(
        resolver=list_dead_deliveries, description="Copies refused for good, the oldest first."
    )

    @strawberry.field(description="Columns that no binding reads.")
    async def extra_columns(self, info: Info) -> list[ExtraColumn]:
        found = await info.request.services.operations.extra_columns.now()
        return [_extra(one) for one in found]

    dead_letters = strawberry.field(
        resolver=list_dead_letters, description="Dead letters, the oldest first."
    )


async def operations() -> Operations:
    return Operations()


async def resume_topic(
    info: Info,
    by: By,
    why: Why,
    topic: Annotated[str, strawberry.argument(description="A parked topic.")],
) -> ResumedTopic:
    await info.request.services.operations.parked_topics.resume(topic, Signed(by=by, why=why))
    return ResumedTopic(topic=topic)


def _capture(one: lag.CaptureLag) -> CaptureLag:
    return CaptureLag(
        system=System(one.system),
        behind_ms=_ms(one.behind),
        unseen_ms=_ms(one.unseen),
        held_bytes=None if one.held_bytes is None else Long(one.held_bytes),
    )


def _table(one: lag.TopicLag) -> TableLag:
    return TableLag(
        topic=one.topic,
        capture_ms=_ms(one.capture),
        queue_ms=_ms(one.queue),
        apply_ms=_ms(one.apply),
    )


def _copy(one: lag.TargetLag) -> CopyLag:
    return CopyLag(
        target=System(one.target),
        pending=one.pending,
        refused=one.dead,
        oldest_ms=None if one.oldest is None else _ms(one.oldest),
        p95_ms=None if one.p95 is None else _ms(one.p95),
    )


def _parked(one: parked_topics.ParkedTopic) -> ParkedTopic:
    return ParkedTopic(topic=one.position.topic, reason=one.reason, parked_at=one.parked_at)


def _extra(one: extra.ExtraColumn) -> ExtraColumn:
    return ExtraColumn(
        topic=f"{one.system}.{one.table}",
        name=one.name,
        is_kept=one.is_kept,
        since=one.seen_since,
    )


def _ms(span: timedelta) -> Long:
    return Long(round(span.total_seconds() * 1000))
