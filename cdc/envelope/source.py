"""The `source` block: which table, and where in the history of its source a change stands.

Each connector counts in its own terms. What comes out is one number that rises with the changes
of a key, within a source epoch: an LSN, a binlog place, an oplog time, a version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from schema.errors import Poison


class Source(msgspec.Struct, gc=False):
    """What is read of the block; which members there are depends on the connector."""

    name: str
    connector: str
    ts_ms: int
    db: str | None = None
    schema: str | None = None
    table: str | None = None
    collection: str | None = None
    snapshot: str | bool | None = None
    lsn: int | None = None
    origin: str | None = None
    file: str | None = None
    pos: int | None = None
    row: int | None = None
    ord: int | None = None
    revision: int | None = None


class Family(NamedTuple):
    """What differs between connectors."""

    table: Callable[[Source], str]
    position: Callable[[Source], int | None]
    has_documents: bool = False


def family_of(source: Source) -> Family:
    """Raises Poison for a connector whose positions nobody can compare."""
    family = FAMILIES.get(source.connector)
    if family is None:
        raise Poison("unknown_connector", f"connector {source.connector!r:.40} is not read.")
    return family


def is_read(source: Source) -> bool:
    """Whether a snapshot read it; the documentation shows booleans, the wire has words."""
    return source.snapshot not in (None, False, "false")


def _postgres_table(source: Source) -> str:
    return f"{source.schema}.{source.table}"


def _lsn(source: Source) -> int | None:
    return source.lsn


def _mysql_table(source: Source) -> str:
    return f"{source.db}.{source.table}"


def _binlog_place(source: Source) -> int | None:
    """File, offset and row in one number: 20, 32 and 11 bits."""
    if source.file is None or source.pos is None:
        return None
    number = source.file.rpartition(".")[2]
    if not number.isascii() or not number.isdigit():
        raise Poison("bad_position", f"binlog file {source.file!r:.80} has no number.")
    return int(number) << 43 | source.pos << 11 | min(source.row or 0, 2047)


def _mongo_table(source: Source) -> str:
    return f"{source.db}.{source.collection}"


def _oplog_time(source: Source) -> int | None:
    """The seconds, and the order within one, as the oplog's own timestamps have them."""
    return None if source.ord is None else source.ts_ms // 1000 << 32 | source.ord


def _revision(source: Source) -> int | None:
    """The owner's own version of the record, where rows come from its API."""
    return source.revision


_MYSQL = Family(_mysql_table, _binlog_place)
FAMILIES: Mapping[str, Family] = {
    "postgresql": Family(_postgres_table, _lsn),
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
    "mongodb": Family(_mongo_table, _oplog_time, has_documents=True),
    "concord-api": Family(_postgres_table, _revision),
}
