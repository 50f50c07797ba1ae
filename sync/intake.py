"""The intake: changes in, exactly once.

One transaction per batch, in this order:
1. claim the log positions by compare-and-set; someone else moved them: stop, nothing happened
2. park what nobody could decode, with its bytes
3. read back the records that were touched
4. resolve references and link what systems call their records
5. merge each owner's part into the projection under the fence; owe deliveries for what changed
6. note what replicas now hold, and which of it is the echo of our own writes
7. append status transitions to the feed
8. commit; only then may the log be told

A crash anywhere leaves nothing behind but a redelivery, which changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog

from schema.position import LogPartition
from schema.system import System
from sync.apply.echo import note_replicas
from sync.apply.fold import Round, fold
from sync.apply.readback import read_back
from sync.apply.references import Missing, fill, remember, unresolved
from sync.apply.staging import staged_row
from sync.changes import Change, Incoming, Reject, Touched
from sync.clock import Clock
from sync.connectors.binding import Binding
from sync.connectors.codec import Ref, references
from sync.connectors.ports import Reads
from sync.feed import Transition, append_events
from sync.store.projection_tables import entity_name
from sync.store.projection_writes import Mode, merge, statements_for
from sync.xref import Link, Xref

log = structlog.get_logger(__name__)

_EPOCHS = "SELECT system, epoch FROM source_epoch"
_CLAIM = """
UPDATE consumer_offset o SET next_offset = c.next_offset, moved_at = now()
FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[])
  AS c (topic, partition, expected, next_offset)
WHERE (o.consumer, o.topic, o.partition, o.next_offset)
    = ($1, c.topic, c.partition, c.expected)
"""
_START = """
INSERT INTO consumer_offset (consumer, topic, partition, next_offset) VALUES ($1, $2, $3, 0)
ON CONFLICT (consumer, topic, partition) DO UPDATE SET moved_at = consumer_offset.moved_at
RETURNING next_offset
"""
_PARK = """
INSERT INTO reject (topic, partition, "offset", key, value, headers, reason, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (topic, partition, "offset") DO NOTHING
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The piece of one partition that a batch covers: [expected, next_offset)."""

    lane: LogPartition
    expected: int
    next_offset: int


class Superseded(Exception):
    """Another consumer has applied these positions; re-read the stored offsets."""


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
        self._pool = pool
        self._xref = xref
        self._connectors = connectors
        self._clock = clock
        self._consumer = consumer
        self._read_timeout = read_timeout

    async def start_of(self, lane: LogPartition) -> int:
        """The next offset to apply of a partition."""
        return int(await self._pool.fetchval(_START, self._consumer, lane.topic, lane.partition))

    async def apply(self, incoming: Sequence[Incoming], claims: Sequence[Claim]) -> None:
        """Apply a batch exactly once.

        Raises Superseded when another consumer was faster, Unavailable when a touched record
        cannot be read back now, asyncpg.DataError, OverflowError or UnicodeError when a value
        does not fit the projection.
        """
        changes = [c for c in incoming if isinstance(c, Change)]
        touched = [t for t in incoming if isinstance(t, Touched)]
        rejects = [r for r in incoming if isinstance(r, Reject)]
        async with self._all_or_nothing() as connection:
            await self._claim(connection, claims)
            await _park(connection, rejects)
            epochs = {r["system"]: r["epoch"] for r in await connection.fetch(_EPOCHS)}
            transitions = await self._apply_all(connection, _by_binding(changes), epochs, True)
            reread = await read_back(connection, self._connectors, touched, self._read_timeout)
            transitions += await self._apply_all(connection, _by_binding(reread), epochs, False)
            await fill(connection)
            await append_events(connection, transitions)
            await connection.execute("SELECT pg_notify('projection', '')")

    @asynccontextmanager
    async def _all_or_nothing(self) -> AsyncIterator[asyncpg.Connection]:
        """A transaction; what the cross-reference learned inside one that fails is unlearned."""
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                yield connection
        except BaseException:
            self._xref.forget()  # it may remember links that were taken back, and never make them
            raise

    async def settle(self) -> None:
        """Fill references that two concurrent batches could not see of each other."""
        async with self._pool.acquire() as connection, connection.transaction():
            await fill(connection)

    async def _claim(self, connection: asyncpg.Connection, claims: Sequence[Claim]) -> None:
        status = await connection.execute(
            _CLAIM,
            self._consumer,
            [c.lane.topic for c in claims],
            [c.lane.partition for c in claims],
            [c.expected for c in claims],
            [c.next_offset for c in claims],
        )
        if int(status.rpartition(" ")[2]) != len(claims):
            raise Superseded

    async def _apply_all(
        self,
        connection: asyncpg.Connection,
        by_binding: Mapping[Binding, list[Change]],
        epochs: Mapping[str, int],
        is_fenced: bool,
    ) -> list[Transition]:
        transitions: list[Transition] = []
        for binding, changes in by_binding.items():
            known = await self._identify(connection, binding, changes)
            ids = await self._resolve(connection, known)
            missing: list[Missing] = []
            for part in fold(known):
                if binding.owns:
                    mode = Mode(is_fenced=is_fenced, is_read=part.is_read)
                    epoch = epochs.get(binding.system.value, 1)
                    transitions += await _merge_round(connection, binding, part, ids, epoch, mode)
                    missing += _unresolved_of(binding, part, ids)
            await remember(
                connection, binding.entity, binding.system.value, {i for i, _ in known}, missing
            )
            await note_replicas(connection, binding, known, ids)
        return transitions

    async def _identify(
        self, connection: asyncpg.Connection, binding: Binding, changes: list[Change]
    ) -> list[tuple[str, Change]]:
        """Pair each change with its canonical id, linking keys that are new.

        A row that does not say which record it belongs to, and whose key nobody linked, is not
        ours to know yet: it is logged and left out.
        """
        own = {c.key: Ref(binding.entity, binding.system.value, c.key) for c in changes}
        renamed = await self._renamed(connection, binding, changes)
        ids = await self._xref.resolve(own.values(), connection)
        anchors = {
            c.key: Ref(binding.entity, binding.anchor.value, c.anchor_key)
            for c in changes
            if c.anchor_key and own[c.key] not in ids
        }
        anchored = await self._xref.resolve(anchors.values(), connection)
        for key, anchor_ref in anchors.items():
            ids[own[key]] = anchored[anchor_ref]
        ids |= renamed
        await self._xref.link([(ref, ids[ref]) for ref in own.values() if ref in ids], connection)
        strangers = [key for key, ref in own.items() if ref not in ids]
        if strangers:
            log.warning("change.unlinked", system=binding.system.name, keys=strangers[:5])
        return [(ids[own[c.key]], c) for c in changes if own[c.key] in ids]

    async def _renamed(
        self, connection: asyncpg.Connection, binding: Binding, changes: list[Change]
    ) -> dict[Ref, str]:
        """Records whose key changed keep the canonical id of their former key."""
        system = binding.system.value
        former = {
            Ref(binding.entity, system, c.key): Ref(binding.entity, system, c.former_key)
            for c in changes
            if c.former_key
        }
        ids = await self._xref.resolve(former.values(), connection)
        links: list[Link] = [(new, ids[old]) for new, old in former.items() if old in ids]
        await self._xref.link(links, connection)
        return dict(links)

    async def _resolve(
        self, connection: asyncpg.Connection, known: Iterable[tuple[str, Change]]
    ) -> dict[Ref, str]:
        refs: set[Ref] = set()
        for _, change in known:
            refs.update(references(change.binding.entity, change.values))
            refs.update(references(change.binding.entity, change.copies))
        return await self._xref.resolve(refs, connection) if refs else {}


async def _merge_round(
    connection: asyncpg.Connection,
    binding: Binding,
    part: Round,
    ids: Mapping[Ref, str],
    epoch: int,
    mode: Mode,
) -> list[Transition]:
    statements = statements_for(binding, part.fields, mode)
    rows = [
        staged_row(binding, part.fields, record_id, change, ids, epoch)
        for record_id, change in part.changes.items()
    ]
    found = await merge(connection, statements, rows)
    if found and found[0]["owed"]:
        await connection.execute("SELECT pg_notify('delivery', '')")
    return [
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


def _unresolved_of(binding: Binding, part: Round, ids: Mapping[Ref, str]) -> list[Missing]:
    return [
        missing
        for record_id, change in part.changes.items()
        for missing in unresolved(binding.entity, record_id, change.values, ids)
    ]


def _by_binding(changes: Iterable[Change]) -> dict[Binding, list[Change]]:
    grouped: dict[Binding, list[Change]] = defaultdict(list)
    for change in changes:
        grouped[change.binding].append(change)
    return grouped


async def _park(connection: asyncpg.Connection, rejects: Sequence[Reject]) -> None:
    for reject in rejects:
        log.warning("envelope.parked", position=str(reject.position), reason=reject.reason)
    await connection.executemany(
        _PARK,
        [
            (
                r.position.topic,
                r.position.partition,
                r.position.offset,
                r.key,
                r.value,
                {name: value.decode("latin-1") for name, value in r.headers.items()},
                r.reason,
                r.detail.replace("\0", ""),
            )
            for r in rejects
        ],
    )
