"""The log in a Postgres database: reading as a member of a consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import structlog

from cdc.log.headers import decode_headers
from cdc.log.membership import Membership
from cdc.log.outage import outage_of
from cdc.log.port import LogRecord
from cdc.log.tables import CHANNEL
from schema.errors import Unavailable
from schema.position import LogPartition, Position, Topic

_log = structlog.get_logger()

_SELECT_PARTITIONS = """
SELECT topic, partition FROM log_partition
WHERE topic = ANY($1)
    OR EXISTS (SELECT FROM unnest($2::text[]) AS prefix WHERE starts_with(topic, prefix))
ORDER BY topic, partition
"""

_SELECT_RECORDS = """
SELECT record.*
FROM unnest($1::text[], $2::integer[], $3::bigint[]) AS lane (topic, partition, next_offset)
CROSS JOIN LATERAL (
    SELECT topic, partition, "offset", key, value, headers, appended_at
    FROM log_record
    WHERE topic = lane.topic AND partition = lane.partition AND "offset" >= lane.next_offset
    ORDER BY "offset" LIMIT $4
) AS record
LIMIT $4
"""

_COMMIT = """
INSERT INTO log_group_offset (group_name, topic, partition, next_offset)
SELECT $1, topic, partition, next_offset
FROM unnest($2::text[], $3::integer[], $4::bigint[]) AS lane (topic, partition, next_offset)
ON CONFLICT (group_name, topic, partition)
DO UPDATE SET next_offset = excluded.next_offset, committed_at = now()
"""

_SETTLE_EVERY_S = 0.5

_SETTINGS = {
    # Whatever the statistics of a growing table say, the primary key's order is the only good plan.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "jit": "off",
    # A member that hangs, or whose machine is gone, loses its session and so its partitions.
    "idle_session_timeout": "60s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    # Nor is a process that hangs while it is answered idle: its answer waits in the sockets.
    "tcp_user_timeout": "20s",
    # A statement whose process was killed is given up, and its partitions are free.
    "client_connection_check_interval": "1s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """A connection that listens for appends, and the place in the group that lasts as long."""

    connection: asyncpg.Connection
    membership: Membership


class PostgresConsumer:
    """One member of `group`, reading `topics` and every topic that starts with one of `prefixes`.

    Topics may appear later. A poll that changes the assignment returns nothing, so that the caller
    can look at it and seek before the first record of a new partition comes. After `Unavailable`
    the assignment is empty; the next call joins again. One caller at a time.
    """

    def __init__(
        self,
        *,
        dsn: str,
        group: str,
        topics: tuple[Topic, ...] = (),
        prefixes: tuple[str, ...] = (),
    ) -> None:
        self._dsn = dsn
        self._group = group
        self._subscription = (topics, prefixes)
        self._session: _Session | None = None
        self._assigned: frozenset[LogPartition] = frozenset()
        self._next_offset: dict[LogPartition, int] = {}
        self._paused: set[LogPartition] = set()
        self._turn = 0
        self._appended = asyncio.Event()
        self._settle_at = 0.0

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        """See `Consumes.poll`. Partitions take turns in going first, so that none starves."""
        deadline = _now() + wait.total_seconds()
        with self._leaving_on_outage():
            session = await self._join()
            while True:
                self._appended.clear()
                if await self._settle(session):
                    return []
                records = await self._read(session.connection, limit)
                if records or _now() >= deadline:
                    return records
                await self._wait_for_append(min(deadline, self._settle_at))

    async def assignment(self) -> frozenset[LogPartition]:
        """The partitions this member reads now; joins the group if it has not yet."""
        with self._leaving_on_outage():
            await self._settle(await self._join())
        return self._assigned

    def seek(self, partition: LogPartition, offset: int) -> None:
        self._next_offset[partition] = offset

    def pause(self, partition: LogPartition) -> None:
        self._paused.add(partition)

    def resume(self, partition: LogPartition) -> None:
        self._paused.discard(partition)

    async def commit(self, offsets: Mapping[LogPartition, int]) -> None:
        """Tell how far the group is; `PostgresLog.trim` warns about what it deletes beyond."""
        with self._leaving_on_outage():
            session = await self._join()
            await session.connection.execute(
                _COMMIT, self._group, *_arrays(list(offsets)), list(offsets.values())
            )

    async def close(self) -> None:
        """Leave the group: the partitions are free at once. Closing twice is fine."""
        session, self._session = self._session, None
        self._assign(frozenset())
        if session is not None:
            await session.connection.close(timeout=5)

    async def _join(self) -> _Session:
        if self._session is None:
            connection = await asyncpg.connect(
                self._dsn,
                server_settings=_SETTINGS | {"application_name": f"concord {self._group}"},
            )
            membership = Membership(connection, self._group)
            try:
                await connection.add_listener(CHANNEL, lambda *_: self._appended.set())
                await membership.join()
            except BaseException:
                connection.terminate()
                raise
            self._session = _Session(connection=connection, membership=membership)
            self._settle_at = 0.0
        return self._session

    @contextmanager
    def _leaving_on_outage(self) -> Iterator[None]:
        try:
            with outage_of("the log"):
                yield
        except Unavailable:
            if self._session is not None:
                self._session.connection.terminate()
            self._session = None
            self._assign(frozenset())
            raise

    async def _settle(self, session: _Session) -> bool:
        """Agree with the group about who reads what, if it is time. True if our part changed."""
        if _now() < self._settle_at:
            return False
        rows = await session.connection.fetch(_SELECT_PARTITIONS, *self._subscription)
        known = [LogPartition(topic=row["topic"], partition=row["partition"]) for row in rows]
        settled = await session.membership.settle(known)
        self._settle_at = _now() + _SETTLE_EVERY_S
        return self._assign(settled)

    def _assign(self, settled: frozenset[LogPartition]) -> bool:
        if settled == self._assigned:
            return False
        for lost in self._assigned - settled:
            self._next_offset.pop(lost, None)
            self._paused.discard(lost)
        self._assigned = settled
        _log.info("log.assigned", group=self._group, partitions=len(settled))
        return True

    async def _read(self, connection: asyncpg.Connection, limit: int) -> list[LogRecord]:
        lanes = sorted(self._assigned - self._paused)
        if not lanes:
            return []
        self._turn = (self._turn + 1) % len(lanes)
        lanes = lanes[self._turn :] + lanes[: self._turn]
        starts = [self._next_offset.get(lane, 0) for lane in lanes]
        rows = await connection.fetch(_SELECT_RECORDS, *_arrays(lanes), starts, limit)
        read_until = {(topic, partition): offset for topic, partition, offset, *_ in rows}
        for (topic, partition), offset in read_until.items():
            self._next_offset[LogPartition(topic=topic, partition=partition)] = offset + 1
        return [_record(*row) for row in rows]

    async def _wait_for_append(self, until: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._appended.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _arrays(lanes: Sequence[LogPartition]) -> tuple[list[Topic], list[int]]:
    """The lanes as one array per column, the form that `unnest` takes."""
    return [lane.topic for lane in lanes], [lane.partition for lane in lanes]


def _record(
    topic: Topic,
    partition: int,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    headers: str | None,
    appended_at: datetime,
) -> LogRecord:
    return LogRecord(
        position=Position(topic=topic, partition=partition, offset=offset),
        key=key,
        value=value,
        headers=decode_headers(headers),
        appended_at=appended_at,
    )
