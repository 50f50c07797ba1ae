"""The messages of PostgreSQL's `pgoutput` plugin, protocol version 1: bytes in, values out."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NewType

from schema.errors import Invalid

RelationId = NewType("RelationId", int)

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class Unchanged(Enum):
    """The mark of an out-of-line (TOAST) value that the update left alone and the log omits."""

    UNCHANGED = "u"


UNCHANGED = Unchanged.UNCHANGED

Row = tuple[bytes | Unchanged | None, ...]
"""One value per column of the relation, in its text form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    final_lsn: int
    committed_at: datetime
    xid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    commit_lsn: int
    end_lsn: int
    committed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    lsn: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationColumn:
    name: str
    type_id: int
    type_modifier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Sent before the first change of a table, and again whenever the table has changed."""

    id: RelationId
    schema: str
    name: str
    columns: tuple[RelationColumn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeName:
    """The name of a type that is not built in. Nothing here needs it."""

    id: int
    schema: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    relation: RelationId
    new: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """`old` is the whole row (`is_old_whole`), the key only, or None if the key did not change."""

    relation: RelationId
    old: Row | None
    is_old_whole: bool
    new: Row


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    relation: RelationId
    old: Row
    is_old_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate:
    relations: tuple[RelationId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What `pg_logical_emit_message` wrote."""

    is_transactional: bool
    lsn: int
    prefix: str
    content: bytes


Logical = (
    Begin | Commit | Origin | Relation | TypeName | Insert | Update | Delete | Truncate | Message
)


def parse(raw: bytes) -> Logical:
    """Parse one message; raises `Invalid` for bytes that are not one of version 1."""
    try:
        return _PARSERS[raw[:1]](_Cursor(raw))
    except (KeyError, IndexError, ValueError, OverflowError, struct.error) as error:
        raise Invalid(
            f"not a pgoutput message of protocol version 1: {raw[:1]!r}, {len(raw)} bytes"
        ) from error


class _Cursor:
    """Reads a message from left to right, past its one-letter kind."""

    __slots__ = ("_at", "_raw")

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 1

    def number(self, form: struct.Struct) -> int:
        value: int
        (value,) = form.unpack_from(self._raw, self._at)
        self._at += form.size
        return value

    def text(self) -> str:
        end = self._raw.index(b"\0", self._at)
        text = self._raw[self._at : end].decode()
        self._at = end + 1
        return text

    def letter(self) -> bytes:
        letter = self._raw[self._at : self._at + 1]
        self._at += 1
        return letter

    def content(self) -> bytes:
        size = self.number(_I32)
        end = self._at + size
        if size < 0 or end > len(self._raw):
            raise IndexError(end)
        content = self._raw[self._at : end]
        self._at = end
        return content

    def time(self) -> datetime:
        return _EPOCH + timedelta(microseconds=self.number(_I64))

    def row(self) -> Row:
        """The hot path: one loop over the bytes, without a call per value."""
        raw, values = self._raw, list[bytes | Unchanged | None]()
        count = self.number(_I16)
        at = self._at
        for _ in range(count):
            kind = raw[at]
            at += 1
            if kind == _TEXT:
                (size,) = _U32.unpack_from(raw, at)
                at += 4 + size
                values.append(raw[at - size : at])
            else:
                values.append(_WITHOUT_TEXT[kind])
        if at > len(raw):
            raise IndexError(at)
        self._at = at
        return tuple(values)


_TEXT = ord("t")
_WITHOUT_TEXT: dict[int, Unchanged | None] = {ord("n"): None, ord("u"): UNCHANGED}
_I8 = struct.Struct(">b")
_I16 = struct.Struct(">h")
_I32 = struct.Struct(">i")
_U32 = struct.Struct(">I")
_I64 = struct.Struct(">q")


def _begin(cursor: _Cursor) -> Begin:
    return Begin(final_lsn=cursor.number(_I64), committed_at=cursor.time(), xid=cursor.number(_U32))


def _commit(cursor: _Cursor) -> Commit:
    cursor.number(_I8)  # flags, unused in this version
    return Commit(
        commit_lsn=cursor.number(_I64),
        end_lsn=cursor.number(_I64),
        committed_at=cursor.time(),
    )


def _origin(cursor: _Cursor) -> Origin:
    return Origin(lsn=cursor.number(_I64), name=cursor.text())


def _relation(cursor: _Cursor) -> Relation:
    relation = RelationId(cursor.number(_U32))
    schema, name = cursor.text(), cursor.text()
    cursor.letter()  # replica identity: each old row says itself what it holds
    columns = tuple([_column(cursor) for _ in range(cursor.number(_I16))])
    return Relation(id=relation, schema=schema or "pg_catalog", name=name, columns=columns)


def _column(cursor: _Cursor) -> RelationColumn:
    cursor.number(_I8)  # part of the replica identity, which need not be the primary key
    return RelationColumn(
        name=cursor.text(), type_id=cursor.number(_U32), type_modifier=cursor.number(_I32)
    )


def _type_name(cursor: _Cursor) -> TypeName:
    return TypeName(id=cursor.number(_U32), schema=cursor.text(), name=cursor.text())


def _insert(cursor: _Cursor) -> Insert:
    relation = RelationId(cursor.number(_U32))
    _expect(cursor.letter(), b"N")
    return Insert(relation=relation, new=cursor.row())


def _update(cursor: _Cursor) -> Update:
    relation = RelationId(cursor.number(_U32))
    kind, old = cursor.letter(), None
    is_old_whole = kind == b"O"
    if kind in {b"K", b"O"}:
        old, kind = cursor.row(), cursor.letter()
    _expect(kind, b"N")
    return Update(relation=relation, old=old, is_old_whole=is_old_whole, new=cursor.row())


def _delete(cursor: _Cursor) -> Delete:
    relation = RelationId(cursor.number(_U32))
    kind = cursor.letter()
    _expect(kind, b"K", b"O")
    return Delete(relation=relation, old=cursor.row(), is_old_whole=kind == b"O")


def _truncate(cursor: _Cursor) -> Truncate:
    count = cursor.number(_I32)
    cursor.number(_I8)  # cascade and restart identity
    return Truncate(relations=tuple([RelationId(cursor.number(_U32)) for _ in range(count)]))


def _message(cursor: _Cursor) -> Message:
    return Message(
        is_transactional=cursor.number(_I8) == 1,
        lsn=cursor.number(_I64),
        prefix=cursor.text(),
        content=cursor.content(),
    )


def _expect(kind: bytes, *allowed: bytes) -> None:
    if kind not in allowed:
        raise KeyError(kind)


_PARSERS: dict[bytes, Callable[[_Cursor], Logical]] = {
    b"B": _begin,
    b"C": _commit,
    b"O": _origin,
    b"R": _relation,
    b"Y": _type_name,
    b"I": _insert,
    b"U": _update,
    b"D": _delete,
    b"T": _truncate,
    b"M": _message,
}
