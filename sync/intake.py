"""The intake: changes in, exactly once.

One transaction per batch, in this order:
1. claim the log positions by compare-and-set; someone else moved them: stop, nothing happened
2. hold back what nobody could decode, and what must wait behind a dead letter of its key
3. read back the records that were touched; nobody's rows are locked while an owner is asked
4. find which records the changes belong to, link keys that are new, follow keys that change
5. merge each owner's part into the projection under the fence (in a replay, what it would refuse is
   left out beforehand); owe deliveries for what changed
6. note what replicas now hold, and which of it is the echo of our own writes
7. do the same with what was read back; append status transitions to the feed
8. park, with its bytes, what was held back and what belongs to no record
9. commit; only then may the log be told

A crash anywhere leaves nothing behind but a redelivery, which changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import asyncpg

from schema.entity import entity_name
from schema.position import LogPartition
from schema.system import System
from sync.apply.commits import UNTOLD, Commit, last_commits
from sync.apply.echo import note_replicas
from sync.apply.fold import Round, fold
from sync.apply.identify import Identified, Identities, references_in
from sync.apply.parking import hold_back, park, parked_of, supersede, unsettled_keys
from sync.apply.readback import read_back
from sync.apply.references import fill, fill_linked, missing_of, remember
from sync.apply.replays import Replays, standing
from sync.apply.staging import staged_rows
from sync.changes import Change, Incoming, Renamed, Touched
from sync.clock import Clock
from sync.connectors.binding import Binding
from sync.connectors.ports import Reads
from sync.connectors.refs import Ref
from sync.extra import note_columns
from sync.feed import Transition, append_events
from sync.parked_topics import ParkedTopics
from sync.store.owed import Owed
from sync.store.projection_writes import Extra, Mode, merge, statements_for
from sync.xref import Xref

_EPOCHS = "SELECT system, epoch FROM source_epoch"
_CLAIM = """
UPDATE consumer_offset o SET next_offset = c.next_offset, moved_at = now(),
    committed_at = coalesce(c.committed_at, o.committed_at),
    appended_at = CASE WHEN c.committed_at IS NULL THEN o.appended_at ELSE c.appended_at END
FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::timestamptz[])
  AS c (topic, partition, expected, next_offset, committed_at, appended_at)
WHERE (o.consumer, o.topic, o.partition, o.next_offset)
    = ($1, c.topic, c.partition, c.expected)
"""
_START = """
INSERT INTO consumer_offset (consumer, topic, partition, next_offset)
SELECT $1, lane.topic, lane.partition, 0
FROM unnest($2::text[], $3::int[]) AS lane (topic, partition)
ORDER BY lane.topic, lane.partition
ON CONFLICT (consumer, topic, partition) DO UPDATE SET moved_at = consumer_offset.moved_at
RETURNING topic, partition, next_offset
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The piece of one partition that a batch covers: [expected, next_offset)."""

    lane: LogPartition
    expected: int
    next_offset: int


class Superseded(Exception):
    """Another consumer was faster: it has applied these positions, or a key change that outlives
    what was read here. Nothing was applied; read again from the stored offsets."""


class Intake:
    """The only writer of the projection's owner parts."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        xref: Xref,
        connectors: Mapping[System, Reads],
        clock: Clock,
        *,
        consumer: str = "intake",
        read_timeout: timedelta = timedelta(seconds=10),
    ) -> None:
        self.parked_topics = ParkedTopics(pool)
        self._pool = pool
        self._xref = xref
        self._connectors = connectors
        self._owed = Owed(b for connector in connectors.values() for b in connector.bindings)
        self._replays = Replays()
        self._clock = clock
        self._consumer = consumer
        self._read_timeout = read_timeout

    async def starts_of(self, lanes: Collection[LogPartition]) -> dict[LogPartition, int]:
        """The next offset to apply of each partition."""
        topics, partitions = [lane.topic for lane in lanes], [lane.partition for lane in lanes]
        rows = await self._pool.fetch(_START, self._consumer, topics, partitions)
        return {LogPartition(topic=topic, partition=p): start for topic, p, start in rows}

    async def start_of(self, lane: LogPartition) -> int:
        """The next offset to apply of one partition."""
        return (await self.starts_of([lane]))[lane]

    async def apply(self, incoming: Sequence[Incoming], claims: Sequence[Claim]) -> None:
        """Apply a batch exactly once.

        Raises Superseded when another consumer was faster, Unavailable when a touched record
        cannot be read back now, asyncpg.DataError, OverflowError or UnicodeError when a value
        does not fit the projection.
        """
        lanes = [claim.lane for claim in claims]
        async with self._pool.acquire() as connection:
            async with connection.transaction():
                await self._claim(connection, claims, last_commits(incoming, lanes))
                epochs = dict(await connection.fetch(_EPOCHS))
                unsettled = await unsettled_keys(connection, lanes)
                free, parked = hold_back(incoming, unsettled.held)
                identities = await self.take(connection, free, epochs)
                strangers = identities.rejects
                await supersede(connection, unsettled.business, free, strangers)
                await park(connection, [*parked, *map(parked_of, strangers)], epochs)
                await connection.execute("SELECT pg_notify('projection', '')")
            identities.share()

    async def rehearse(self, incoming: Sequence[Incoming]) -> None:
        """Apply and take it back again. Raises what applying would."""
        async with self._pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await self.take(connection, incoming, dict(await connection.fetch(_EPOCHS)))
            finally:
                await transaction.rollback()

    async def take(
        self,
        connection: asyncpg.Connection,
        incoming: Sequence[Incoming],
        epochs: Mapping[str, int],
        *,
        is_fenced: bool = True,
    ) -> Identities:
        """Apply within the caller's transaction; what belongs to no record is in the answer.

        Unfenced are only changes of rows that the caller has locked. Raises Superseded when a
        read of these was overtaken by a key change, so that all of it must be taken again.
        """
        known = await self._xref.current(connection)
        identities = Identities(connection, known, epochs)
        batch = _Batch(
            connection=connection,
            identities=identities,
            epochs=epochs,
            owed=self._owed,
            replays=self._replays,
        )
        changes = [c for c in incoming if type(c) is Change or type(c) is Renamed]
        touched = [t for t in incoming if type(t) is Touched]
        reread = await read_back(connection, self._connectors, touched, self._read_timeout)
        await batch.apply(changes, is_fenced=is_fenced)
        await batch.apply(reread, is_fenced=False)
        await fill_linked(connection, identities.linked, self._owed)
        if await identities.is_overtaken():
            raise Superseded
        await append_events(connection, batch.transitions)
        return identities

    async def take_read(self, connection: asyncpg.Connection, read: Sequence[Change]) -> None:
        """Apply what was just read at its owner, within the caller's transaction."""
        await self.take(connection, read, dict(await connection.fetch(_EPOCHS)), is_fenced=False)
        await connection.execute("SELECT pg_notify('projection', '')")

    async def settle(self) -> None:
        """Fill references to what others have linked: other batches, and writes to replicas."""
        async with self._pool.acquire() as connection, connection.transaction():
            await fill(connection, self._owed)

    async def _claim(
        self,
        connection: asyncpg.Connection,
        claims: Sequence[Claim],
        commits: Mapping[LogPartition, Commit],
    ) -> None:
        told = [commits.get(claim.lane, UNTOLD) for claim in claims]
        status = await connection.execute(
            _CLAIM,
            self._consumer,
            [c.lane.topic for c in claims],
            [c.lane.partition for c in claims],
            [c.expected for c in claims],
            [c.next_offset for c in claims],
            [one.committed_at for one in told],
            [one.appended_at for one in told],
        )
        if int(status.rpartition(" ")[2]) != len(claims):
            raise Superseded


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What one transaction does with its changes."""

    connection: asyncpg.Connection
    identities: Identities
    epochs: Mapping[str, int]
    owed: Owed
    replays: Replays
    transitions: list[Transition] = field(default_factory=list)

    async def apply(self, changes: Iterable[Change | Renamed], *, is_fenced: bool) -> None:
        for binding, own in _by_binding(changes).items():
            known = await self.identities.identify(binding, own)
            news = await self._news(binding, known) if is_fenced else known
            refs = references_in(
                binding, (one.values for _, one in news), (one.copies for _, one in known)
            )
            ids = await self.identities.resolve(refs)
            if binding.owns:
                await self._merge(binding, news, ids, refs - ids.keys(), is_fenced)
            await note_replicas(self.connection, binding, known, ids)

    async def _merge(
        self,
        binding: Binding,
        known: Identified,
        ids: Mapping[Ref, str],
        lost: Collection[Ref],
        is_fenced: bool,
    ) -> None:
        of = binding.entity, binding.system.value
        for part in fold(known):
            extra = await self._extra_of(binding, part)
            mode = Mode(is_fenced=is_fenced, is_read=part.is_read, extra=extra)
            taken = await self._merge_round(binding, part, ids, mode)
            missing = missing_of(taken, lost) if lost else []
            await remember(self.connection, *of, taken, part.fields, missing)

    async def _extra_of(self, binding: Binding, part: Round) -> Extra:
        """What a round tells of columns that no binding reads; their names are noted."""
        if part.has_extra:
            told = (change.extra for change in part.changes.values())
            await note_columns(self.connection, binding, told)
            if binding.keeps_extra:
                return Extra.SOME if part.is_partial else Extra.ALL
        return Extra.UNTOLD if part.is_partial else Extra.NONE

    async def _merge_round(
        self, binding: Binding, part: Round, ids: Mapping[Ref, str], mode: Mode
    ) -> Mapping[str, Change]:
        """Answers the changes that were let in."""
        statements = statements_for(binding, part.fields, mode, self.owed)
        epoch, staged = self._epoch_of(binding), mode.extra.is_staged
        rows = staged_rows(binding, part.fields, part.changes, ids, epoch, has_extra=staged)
        found = await merge(self.connection, statements, rows)
        self.replays.saw(binding, staged=len(rows), taken=found[0]["taken"])
        if found[0]["owed"]:
            await self.connection.execute("SELECT pg_notify('delivery', '')")
        self.transitions += [
            Transition(
                entity=entity_name(binding.entity),
                record_id=row["id"],
                before=row["before"],
                after=row["after"],
                subject=row["subject"],
                at=row["at"],
            )
            for row in found
            if row["id"] is not None
        ]
        if found[0]["taken"] == len(rows):
            return part.changes
        return await standing(self.connection, binding, part.changes)

    async def _news(self, binding: Binding, known: Identified) -> Identified:
        epoch = self._epoch_of(binding)
        return await self.replays.news(self.connection, binding, known, epoch)

    def _epoch_of(self, binding: Binding) -> int:
        return self.epochs.get(binding.system.value, 1)


def _by_binding(changes: Iterable[Change | Renamed]) -> dict[Binding, list[Change | Renamed]]:
    grouped: dict[Binding, list[Change | Renamed]] = defaultdict(list)
    for change in changes:
        grouped[change.binding].append(change)
    return grouped
