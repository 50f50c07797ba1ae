"""Search: records found in the projection by what people type, then read as the policy says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import asyncpg

from schema.entity import owned_fields
from schema.errors import Invalid
from schema.system import System
from sync.clock import Clock
from sync.opaque import seal, unseal
from sync.policy import ends_of
from sync.read.search import Match, Place, Searched
from sync.reading import Reading
from sync.records import Record
from sync.session import ReadSession

SHORTEST = 2
LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A record, and the field with the text it was found by."""

    record: Record
    field: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HitPage:
    """The best hits after a cursor, with one cursor for each; see `RecordPage` for the `ends`."""

    hits: tuple[Hit, ...]
    cursors: tuple[str, ...]
    has_next: bool
    ends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sealed:
    v: Literal[3]
    q: str
    r: int
    n: int
    t: str
    i: str


class Search:
    """Which records match is the projection's word; what is said of them is their owners'."""

    def __init__(self, reading: Reading, pool: asyncpg.Pool, clock: Clock) -> None:
        self._reading = reading
        self._searched = Searched(pool)
        self._clock = clock

    async def find(
        self,
        session: ReadSession,
        text: str,
        fields: Mapping[type, frozenset[str]],
        first: int,
        after: str | None = None,
    ) -> HitPage:
        """Records of the types in `fields`, the best first, with those fields of theirs.

        One batched read per type found. Raises Invalid for a text too short to mean anything, and
        for a cursor that is not of a search for this text.
        """
        text = _checked(text)
        place = _unseal(after, text)
        await self._reading.settle(session)
        found = await self._searched.select(text, list(fields), first + 1, place)
        matches = found[:first]
        records = await self._records(session, matches, fields)
        cursors = {match.id: _seal(match.place, text) for match in matches}
        kept = [match for match in matches if match.id in records]
        return HitPage(
            hits=tuple(
                Hit(record=records[match.id], field=match.field, text=match.text) for match in kept
            ),
            cursors=tuple(cursors[match.id] for match in kept),
            has_next=len(found) > first,
            ends=ends_of(tuple(cursors.values())),
        )

    async def _records(
        self,
        session: ReadSession,
        matches: Sequence[Match],
        fields: Mapping[type, frozenset[str]],
    ) -> dict[str, Record]:
        by_type: dict[type, list[Match]] = {}
        for match in matches:
            by_type.setdefault(match.entity, []).append(match)
        for entity, some in by_type.items():
            session.note_cut(entity, _decided(some), len(some), self._clock())
        found = await asyncio.gather(
            *(
                self._reading.by_ids(session, entity, [match.id for match in some], fields[entity])
                for entity, some in by_type.items()
            )
        )
        return {record_id: record for some in found for record_id, record in some.items()}


def _checked(text: str) -> str:
    text = text.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        raise Invalid(
            f"Search for {SHORTEST} to {LONGEST} characters, not {len(text)}: the start of a "
            "number, code, name or e-mail address."
        )
    if "\0" in text:
        raise Invalid("A text to search for must not contain a NUL character.")
    return text


def _seal(place: Place, text: str) -> str:
    return seal(_Sealed(v=3, q=text, r=place.rank, n=place.length, t=place.lowered, i=place.id))


def _unseal(cursor: str | None, text: str) -> Place | None:
    if cursor is None:
        return None
    sealed = unseal(cursor, _Sealed, what="cursor of a search")
    if sealed.q != text:
        raise Invalid(f"The cursor is of a search for {sealed.q!r:.120}, not for {text!r:.120}.")
    return Place(rank=sealed.r, length=sealed.n, lowered=sealed.t, id=sealed.i)


def _decided(matches: Sequence[Match]) -> dict[System, datetime | None]:
    """By owner of the fields that matched: how old the oldest of them is."""
    moments: dict[System, list[datetime]] = {}
    for match in matches:
        known = moments.setdefault(owned_fields(match.entity)[match.field].owner, [])
        known += [match.as_of] if match.as_of else []
    return {system: min(known, default=None) for system, known in moments.items()}
