"""A logical replication slot, read through SQL functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import asyncpg

from schema.errors import Invalid, Unavailable

# Idle advances cost a decoding each, so they wait until they let the owner delete something.
_WORTH_PASSING_OVER_BYTES = 1_000_000

_CLAIM = "SELECT pg_try_advisory_lock(hashtextextended('capture ' || $1, 0))"

_SELECT_SLOT = """
SELECT plugin, database = current_database() AS is_here, wal_status
FROM pg_replication_slots WHERE slot_name = $1
"""

_CREATE = """
SELECT (lsn - '0/0')::bigint FROM pg_create_logical_replication_slot($1, 'pgoutput', true)
"""
_KEEP = "SELECT pg_copy_logical_replication_slot($1, $2, false)"
_DROP = "SELECT pg_drop_replication_slot($1)"

# The setting is in megabytes; -1 means no limit.
_KEPT_BYTES = """
SELECT nullif(setting::bigint, -1) * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'
"""

_WAL_POSITION = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint"

# The limit is looked at after each commit, so transactions come whole.
_PEEK = """
SELECT (lsn - '0/0')::bigint, data
FROM pg_logical_slot_peek_binary_changes(
    $1, NULL, $2, 'proto_version', '1', 'publication_names', quote_ident($3)
)
"""

_HELD = """
SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), restart_lsn)::bigint
FROM pg_replication_slots WHERE slot_name = $1
"""

# Since PostgreSQL 16, and for superusers unless it is granted.
_MAY_MARK = """
SELECT coalesce(
    has_function_privilege(to_regprocedure('pg_log_standby_snapshot()')::oid, 'execute'), false
)
"""
_MARK = "SELECT pg_log_standby_snapshot()"
_LONG_BYTES = 32_000_000
_MARK_EVERY_BYTES = 8_000_000  # a mark is written itself, and a look goes over what is written

_ADVANCE = "SELECT pg_replication_slot_advance($1, '0/0'::pg_lsn + $2::bigint)"


class Slot:
    """The place of one capture in its owner's log.

    It is permanent only once the snapshot is complete: an interrupted snapshot leaves no slot, and
    so begins again.
    """

    def __init__(self, connection: asyncpg.Connection, *, name: str, publication: str) -> None:
        self._connection = connection
        self._name = name
        self._draft = f"{name}_snapshot"
        self._publication = publication
        self._passed_over = 0
        self._may_mark: bool | None = None
        self._marked_at = 0
        self._warnings: list[str] = []
        connection.add_log_listener(self._note)

    @property
    def start_over(self) -> str:
        """What to do when changes are lost, for an error's message."""
        return f"run SELECT pg_drop_replication_slot('{self._name}') and restart for a new snapshot"

    async def claim(self) -> None:
        """Be the only reader for as long as the connection lives."""
        if not await self._connection.fetchval(_CLAIM, self._name):
            raise Unavailable(f"another reader works on the slot {self._name}")

    async def exists(self) -> bool:
        """Whether the slot is there; raises `Invalid` if it cannot be read by us or any more."""
        row = await self._connection.fetchrow(_SELECT_SLOT, self._name)
        if row is None:
            return False
        if row["plugin"] != "pgoutput" or not row["is_here"]:
            raise Invalid(f"the slot {self._name} is used for something else: choose another name")
        if row["wal_status"] == "lost":
            raise Invalid(f"the slot {self._name} lost its place: {self.start_over}")
        return True

    async def create(self) -> int:
        """Mark the present as the start of the stream, for this session only; returns its LSN.

        Waits for the transactions that are open now.
        """
        with self._refusals():
            lsn: int = await self._connection.fetchval(_CREATE, self._draft)
        return lsn

    async def require_kept(self, lsn: int) -> None:
        """Raises `Invalid` when the server will not keep its log from `lsn` on until now.

        A snapshot that needs longer than that is cut off however often it is tried.
        """
        held = await self.wal_position() - lsn
        limit = await self._connection.fetchval(_KEPT_BYTES)
        if limit is not None and held > limit:
            raise Invalid(
                f"the owner's server wrote {held:,} bytes of WAL during the snapshot and keeps "
                f"only {limit:,}: raise max_slot_wal_keep_size there, or start when less is written"
            )

    async def keep(self) -> None:
        """Make what `create` marked permanent."""
        with self._refusals():
            await self._connection.execute(_KEEP, self._draft, self._name)
        await self._connection.execute(_DROP, self._draft)

    async def wal_position(self) -> int:
        """How far the owner's log reaches: cheap to ask, unlike `peek`."""
        position: int = await self._connection.fetchval(_WAL_POSITION)
        return position

    async def held_bytes(self) -> int | None:
        """How much of the owner's log cannot be deleted because of this slot."""
        held: int | None = await self._connection.fetchval(_HELD, self._name)
        return held

    async def peek(self, limit: int) -> Sequence[tuple[int, bytes]]:
        """The next transactions, each with all its messages, `limit` reached or not by the last.

        They stay in the slot until `advance`.
        """
        self._warnings.clear()
        with self._refusals():
            rows: list[tuple[int, bytes]] = await self._connection.fetch(
                _PEEK, self._name, limit, self._publication
            )
        # Since PostgreSQL 18 a missing publication is a warning, and its changes are skipped.
        if skipped := [text for text in self._warnings if "publication" in text]:
            raise Invalid(f"changes were skipped ({skipped[0]}): {self.start_over}")
        return rows

    async def advance(self, lsn: int) -> None:
        """Forget everything that was committed before `lsn`."""
        with self._refusals():
            await self._connection.execute(_ADVANCE, self._name, lsn)

    async def pass_over(self, lsn: int) -> None:
        """Forget other people's changes now and then, or the owner would keep them for ever."""
        if lsn - self._passed_over >= _WORTH_PASSING_OVER_BYTES:
            await self.advance(lsn)
            self._passed_over = lsn

    async def shorten(self, held: int) -> None:
        """Give the server a place to begin at, where each look decodes a long way to our own.

        It begins where it last noted which transactions are open, which it does by itself every
        fifteen seconds: much is written in that time when an owner, or its neighbour, is loaded.
        """
        if held < _LONG_BYTES:
            return
        if self._may_mark is None:
            self._may_mark = await self._connection.fetchval(_MAY_MARK)
        position = await self.wal_position()
        if self._may_mark and position - self._marked_at >= _MARK_EVERY_BYTES:
            await self._connection.execute(_MARK)
            self._marked_at = position

    def _note(self, _: object, message: asyncpg.PostgresLogMessage) -> None:
        if message.severity_en == "WARNING":
            self._warnings.append(message.message)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except asyncpg.ObjectInUseError as refusal:
            raise Unavailable(f"the slot {self._name} is in use: {refusal}") from refusal
        except asyncpg.UndefinedObjectError as refusal:
            raise Unavailable(f"the slot {self._name} is gone: {refusal}") from refusal
        except (
            asyncpg.ObjectNotInPrerequisiteStateError,
            asyncpg.ConfigurationLimitExceededError,
            asyncpg.InsufficientPrivilegeError,
        ) as refusal:
            raise Invalid(
                f"the owner's server refuses logical decoding ({refusal}): it needs wal_level = "
                "logical, a free replication slot, and a role with REPLICATION"
            ) from refusal
