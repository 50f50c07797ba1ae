"""The cross-reference: which canonical record a system means by one of its own ids.

An anchor's id mints its canonical id deterministically, so a record met for the first time needs
no round trip; the table overrides the mint (a record renamed at its anchor keeps its first id).
"""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg

from schema.entity import anchor, prefix
from schema.ids import mint
from schema.system import System
from sync.connectors.codec import Ref
from sync.store.projection_tables import entity_name

Link = tuple[Ref, str]
"""What a system calls a record, and the record's canonical id."""

_CACHE_LIMIT = 500_000

_FIND = """
SELECT x.system, x.entity, x.external_id, x.record_id
FROM unnest($1::text[], $2::text[], $3::text[]) AS asked (system, entity, external_id)
JOIN xref x USING (system, entity, external_id)
"""
_FIND_EXTERNAL = """
SELECT DISTINCT ON (record_id) record_id, external_id FROM xref
WHERE entity = $1 AND system = $2 AND record_id = ANY($3) ORDER BY record_id, first_seen DESC
"""
_LINK = """
INSERT INTO xref (system, entity, external_id, record_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (system, entity, external_id) DO NOTHING
RETURNING system, entity, external_id
"""


def anchored_id(ref: Ref) -> str:
    """The id the anchor's own key mints, before any override."""
    return mint(prefix(ref.entity), ref.system, ref.external_id)


class Xref:
    """Process-wide and cached: a link, once made, does not change."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._ids: dict[Ref, str] = {}
        self._keys: dict[tuple[type, System, str], str] = {}

    async def resolve(
        self, refs: Iterable[Ref], connection: asyncpg.Connection | None = None
    ) -> dict[Ref, str]:
        """Canonical ids of what systems call their records.

        An anchor's own ids always resolve; another system's key is absent from the answer until
        its record has been captured or created through Concord.
        """
        wanted = set(refs)
        unknown = [ref for ref in wanted if ref not in self._ids]
        if unknown:
            await self._find(unknown, connection)
        found = {ref: self._ids[ref] for ref in wanted if ref in self._ids}
        minted = {
            ref: anchored_id(ref)
            for ref in wanted
            if ref not in found and anchor(ref.entity).value == ref.system
        }
        return found | minted

    async def external_ids(
        self, entity: type, system: System, ids: Iterable[str]
    ) -> dict[str, str]:
        """What `system` calls these records by its own key; absent where it is not known yet."""
        wanted = set(ids)
        unknown = [i for i in wanted if (entity, system, i) not in self._keys]
        if unknown:
            rows = await self._pool.fetch(
                _FIND_EXTERNAL, entity_name(entity), system.value, unknown
            )
            self._keys.update({(entity, system, r["record_id"]): r["external_id"] for r in rows})
        return {
            i: self._keys[entity, system, i] for i in wanted if (entity, system, i) in self._keys
        }

    async def link(
        self, links: Iterable[Link], connection: asyncpg.Connection | None = None
    ) -> list[Ref]:
        """Remember links; a link that exists stays as it is. Answers those that are new."""
        fresh = [(ref, record_id) for ref, record_id in links if ref not in self._ids]
        if not fresh:
            return []
        rows = await (connection or self._pool).fetch(
            _LINK,
            [ref.system for ref, _ in fresh],
            [entity_name(ref.entity) for ref, _ in fresh],
            [ref.external_id for ref, _ in fresh],
            [record_id for _, record_id in fresh],
        )
        inserted = {(r["system"], r["entity"], r["external_id"]) for r in rows}
        return [
            ref
            for ref, _ in fresh
            if (ref.system, entity_name(ref.entity), ref.external_id) in inserted
        ]

    def forget(self) -> None:
        """Drop what is cached: after a transaction that was taken back, or a rebuild."""
        self._ids.clear()
        self._keys.clear()

    async def _find(self, refs: list[Ref], connection: asyncpg.Connection | None) -> None:
        if len(self._ids) > _CACHE_LIMIT:
            self.forget()
        by_name = {(r.system, entity_name(r.entity), r.external_id): r for r in refs}
        rows = await (connection or self._pool).fetch(
            _FIND,
            [system for system, _, _ in by_name],
            [entity for _, entity, _ in by_name],
            [external_id for _, _, external_id in by_name],
        )
        for row in rows:
            ref = by_name[row["system"], row["entity"], row["external_id"]]
            self._ids[ref] = row["record_id"]
            self._keys[ref.entity, System(ref.system), row["record_id"]] = ref.external_id
