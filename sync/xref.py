"""The cross-reference: which canonical record a system means by one of its own ids.

An anchor's id mints its canonical id deterministically, so a record met for the first time needs
no round trip; the table overrides the mint (a record renamed at its anchor keeps its first id, and
the next record with its former key gets another).
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg

from schema.entity import anchor, entity_name, prefix
from schema.ids import mint
from schema.system import System
from sync.connectors.refs import Ref

Link = tuple[Ref, str]
"""What a system calls a record, and the record's canonical id."""

_CACHE_LIMIT = 500_000
_OLDEST_S = 1.0
"""So long after a key change another process may still go by the former key."""
_OLDEST_KEY_S = 60.0
"""So long after a system made a record again, under another key, others may go by the first."""

_VERSION = "SELECT version FROM xref_version"
# Key by key, whatever the planner believes: of a table that is being filled for the first time it
# knows nothing, and would read all of it for a few keys.
_FIND = """
SELECT x.external_id, x.record_id, x.is_former, x.since_epoch, x.since_lsn
FROM unnest($3::text[]) AS asked (external_id) CROSS JOIN LATERAL (
  SELECT * FROM xref WHERE (system, entity, external_id) = ($1, $2, asked.external_id) LIMIT 1) x
"""
_FIND_EXTERNAL = """
SELECT DISTINCT ON (record_id) record_id, external_id FROM xref
WHERE entity = $1 AND system = $2 AND record_id = ANY($3)
ORDER BY record_id, is_former, since_epoch DESC, since_lsn DESC, first_seen DESC
"""
_FIND_EVERY = """
SELECT external_id FROM xref
WHERE (entity, system, record_id) = ($1, $2, $3) ORDER BY external_id
"""
_REFERENCES = """
SELECT record_id, system, external_id FROM xref
WHERE entity = $1 AND record_id = ANY($2) AND NOT is_former
ORDER BY record_id, system, external_id
"""
_LINK = """
INSERT INTO xref (system, entity, external_id, record_id)
SELECT $1, $2, * FROM unnest($3::text[], $4::text[])
ON CONFLICT (system, entity, external_id) DO NOTHING
"""


def anchored_id(ref: Ref) -> str:
    """The id the anchor's own key mints, before any override."""
    return mint(prefix(ref.entity), ref.system, ref.external_id)


async def version_in(connection: asyncpg.Connection | asyncpg.Pool) -> int:
    """How many transactions have changed links, as `connection` sees it."""
    version: int = await connection.fetchval(_VERSION)
    return version


def next_id(ref: Ref, left: Former) -> str:
    """The id of the record that takes an anchor's key after another record has left it."""
    epoch, lsn = left.since
    return mint(prefix(ref.entity), ref.system, f"{ref.external_id}\0{epoch}\0{lsn}")


class Former(NamedTuple):
    """The record that has left a key, and where in the source's history it did (epoch, lsn)."""

    record_id: str
    since: tuple[int, int]


async def find(
    connection: asyncpg.Connection | asyncpg.Pool, refs: Iterable[Ref]
) -> tuple[dict[Ref, str], dict[Ref, Former]]:
    """The links that are in the table, and those of keys that their record has left.

    Looked up in the order of the keys, whose neighbours share pages.
    """
    links: dict[Ref, str] = {}
    formers: dict[Ref, Former] = {}
    for (entity, system), keys in _by_kind(refs).items():
        rows = await connection.fetch(_FIND, system, entity_name(entity), sorted(keys))
        for key, record_id, is_former, *since in rows:
            ref = Ref(entity, system, key)
            if is_former:
                formers[ref] = Former(record_id, (since[0], since[1]))
            else:
                links[ref] = record_id
    return links, formers


async def insert(connection: asyncpg.Connection | asyncpg.Pool, links: Mapping[Ref, str]) -> None:
    """Remember links; one that exists stays as it is.

    In the order of the keys, so that two who meet the same records never wait for each other.
    """
    for (entity, system), keys in _by_kind(links).items():
        keys.sort()
        ids = [links[Ref(entity, system, key)] for key in keys]
        await connection.execute(_LINK, system, entity_name(entity), keys, ids)


@dataclass(slots=True)
class Known:
    """What a process has met: links of the table, and mints that no link has overridden.

    `version` is that of the table; while it is 0, no key has ever changed.
    """

    version: int = 0
    links: dict[Ref, str] = field(default_factory=dict)
    mints: dict[Ref, str] = field(default_factory=dict)
    keys: dict[tuple[type, System, str], str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.links) + len(self.mints) + len(self.keys)

    def minted(self, refs: Iterable[Ref]) -> dict[Ref, str]:
        """The ids of an anchor's own records that no link is known of."""
        ids: dict[Ref, str] = {}
        for ref in refs:
            if anchor(ref.entity).value == ref.system:
                ids[ref] = self.mints[ref] = self.mints.get(ref) or anchored_id(ref)
        return ids


class Xref:
    """The cross-reference as a process knows it.

    A link changes only with a key change, which raises the version of the table. What was met
    under another version is forgotten, at the latest `_OLDEST_S` after it was raised. A record may
    also get a second key, when its system makes it again; so the key of a record is looked up anew
    every `_OLDEST_KEY_S`. The clock answers monotonic seconds.
    """

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._known = Known()
        self._looked_at = self._asked_at = -math.inf

    async def current(self, connection: asyncpg.Connection | asyncpg.Pool) -> Known:
        """What is cached and true, as `connection` sees it; a full cache starts anew."""
        version = await version_in(connection)
        if version != self._known.version or len(self._known) > _CACHE_LIMIT:
            self._known = Known(version=version)
        return self._known

    async def resolve(self, refs: Iterable[Ref]) -> dict[Ref, str]:
        """Canonical ids of what systems call their records.

        An anchor's own ids always resolve; another system's key is absent from the answer until
        its record has been captured or created through Concord. A former key means the record
        that has left it, as long as no other took it.
        """
        known, wanted = await self._recent(), set(refs)
        unknown = [ref for ref in wanted if ref not in known.links]
        former: dict[Ref, Former] = {}
        if unknown:
            links, former = await find(self._pool, unknown)
            known.links.update(links)
        ids = {ref: known.links[ref] for ref in wanted if ref in known.links}
        ids.update({ref: left.record_id for ref, left in former.items()})
        return ids | known.minted(ref for ref in unknown if ref not in ids)

    async def external_ids(
        self, entity: type, system: System, ids: Iterable[str]
    ) -> dict[str, str]:
        """What `system` calls these records by its own key; absent where it is not known yet."""
        keys, wanted = (await self._recent()).keys, set(ids)
        found = {i: keys[entity, system, i] for i in wanted if (entity, system, i) in keys}
        if unknown := wanted.difference(found):
            rows = await self._pool.fetch(
                _FIND_EXTERNAL, entity_name(entity), system.value, list(unknown)
            )
            keys.update({(entity, system, r["record_id"]): r["external_id"] for r in rows})
            found.update({r["record_id"]: r["external_id"] for r in rows})
        return found

    def forget(self, entity: type, system: System, record_id: str) -> None:
        """Look up anew what `system` calls the record: it says that there is no such key."""
        self._known.keys.pop((entity, system, record_id), None)

    async def every_id(self, entity: type, system: System, record_id: str) -> list[str]:
        """Every key that `system` has called the record by and given to no other since."""
        rows = await self._pool.fetch(_FIND_EVERY, entity_name(entity), system.value, record_id)
        return [row["external_id"] for row in rows]

    async def references(
        self, entity: type, ids: Iterable[str]
    ) -> dict[str, list[tuple[System, str]]]:
        """Every system that has been met holding the record, and what it calls it now."""
        found: dict[str, list[tuple[System, str]]] = {record_id: [] for record_id in ids}
        for row in await self._pool.fetch(_REFERENCES, entity_name(entity), list(found)):
            found[row["record_id"]].append((System(row["system"]), row["external_id"]))
        return found

    async def link(self, links: Iterable[Link]) -> None:
        """Remember links; a link that exists stays as it is."""
        known = (await self._recent()).links
        fresh = {ref: record_id for ref, record_id in links if ref not in known}
        if fresh:
            await insert(self._pool, fresh)

    async def _recent(self) -> Known:
        now = self._clock()
        if now - self._looked_at >= _OLDEST_S:
            await self.current(self._pool)
            self._looked_at = now
        if now - self._asked_at >= _OLDEST_KEY_S:
            self._known.keys = {}
            self._asked_at = now
        return self._known


def _by_kind(refs: Iterable[Ref]) -> dict[tuple[type, str], list[str]]:
    kinds: dict[tuple[type, str], list[str]] = defaultdict(list)
    for entity, system, external_id in refs:
        kinds[entity, system].append(external_id)
    return kinds
