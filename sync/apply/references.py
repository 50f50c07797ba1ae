"""References whose target is not known yet: remembered, and filled in when it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_origin

import asyncpg

from schema.canon import BY_NAME
from schema.entity import bare_type, entity_name, owned_fields
from sync.changes import Change
from sync.connectors.refs import Ref, reference_fields, refs_in
from sync.store.owed import Owed
from sync.store.projection_tables import table_for

_REMEMBER = """
INSERT INTO pending_reference
  (entity, record_id, field, system, ref_entity, external_id, is_read)
SELECT * FROM unnest(
  $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
ON CONFLICT DO NOTHING
"""
_FORGET = """
DELETE FROM pending_reference
WHERE entity = $1 AND record_id = ANY($2) AND system = $3 AND field = ANY($4)
"""
_TAKEN = "RETURNING p.entity, p.field, p.record_id AS id, x.record_id AS target, p.is_read"
_TAKE_ALL = f"""
DELETE FROM pending_reference p USING xref x
WHERE (x.system, x.entity, x.external_id) = (p.system, p.ref_entity, p.external_id)
{_TAKEN}
"""
_TAKE_LINKED = f"""
DELETE FROM pending_reference p
USING unnest($1::text[], $2::text[], $3::text[]) AS linked (system, entity, external_id)
JOIN xref x USING (system, entity, external_id)
WHERE (p.system, p.ref_entity, p.external_id)
    = (linked.system, linked.entity, linked.external_id)
{_TAKEN}
"""
_UNION = 'ARRAY(SELECT DISTINCT unnest(t.{0} || f.targets) COLLATE "C" ORDER BY 1)'
"""As `resolved` has a list of references: each once, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A reference that could not be resolved when its record was applied.

    One met in a snapshot read (`is_read`) owes nothing when it is filled: replicas hold it.
    """

    entity: type
    record_id: str
    field: str
    ref: Ref
    is_read: bool


def missing_of(changes: Mapping[str, Change], lost: Collection[Ref]) -> list[Missing]:
    """Which of the changes, by record id, refer to what has no canonical id yet."""
    return [
        Missing(entity=entity, record_id=record_id, field=name, ref=ref, is_read=change.lsn is None)
        for record_id, change in changes.items()
        for entity in (change.binding.entity,)
        for name in reference_fields(entity)
        for ref in refs_in(change.values.get(name))
        if ref in lost
    ]


async def remember(
    connection: asyncpg.Connection,
    entity: type,
    system: str,
    record_ids: Iterable[str],
    fields: Iterable[str],
    missing: list[Missing],
) -> None:
    """Replace what is remembered of these records' references in `fields` by `missing`."""
    if await connection.fetchval("SELECT EXISTS (SELECT FROM pending_reference)"):
        told = entity_name(entity), list(record_ids), system, list(fields)
        await connection.execute(_FORGET, *told)
    if missing:
        await connection.execute(_REMEMBER, *_columns(missing))


async def fill(connection: asyncpg.Connection, owed: Owed) -> None:
    """Fill every remembered reference whose target has become known, whoever linked it."""
    await _fill(connection, await connection.fetch(_TAKE_ALL), owed)


async def fill_linked(connection: asyncpg.Connection, linked: Collection[Ref], owed: Owed) -> None:
    """Fill the remembered references to keys that have just been linked."""
    if linked:
        systems, entities = [r.system for r in linked], [entity_name(r.entity) for r in linked]
        keys = [ref.external_id for ref in linked]
        taken = await connection.fetch(_TAKE_LINKED, systems, entities, keys)
        await _fill(connection, taken, owed)


async def _fill(
    connection: asyncpg.Connection, taken: Iterable[asyncpg.Record], owed: Owed
) -> None:
    by_field: dict[tuple[str, str], list[asyncpg.Record]] = {}
    for row in taken:
        by_field.setdefault((row["entity"], row["field"]), []).append(row)
    for (entity, field), found in by_field.items():
        await _fill_field(connection, BY_NAME[entity], field, found, owed)


async def _fill_field(
    connection: asyncpg.Connection,
    entity: type,
    field: str,
    found: list[asyncpg.Record],
    owed: Owed,
) -> None:
    declared = owned_fields(entity)[field]
    is_list = get_origin(bare_type(declared.type)) is list
    value = _UNION.format(field) if is_list else "f.targets[1]"
    ids, targets = [r["id"] for r in found], [r["target"] for r in found]
    await connection.execute(
        f"UPDATE {table_for(entity).name} t SET {field} = {value} FROM ("
        "  SELECT id, array_agg(target) AS targets"
        "  FROM unnest($1::text[], $2::text[]) AS u (id, target) GROUP BY id"
        ") f WHERE t.id = f.id",
        ids,
        targets,
    )
    changed = [r["id"] for r in found if not r["is_read"]]
    targets_owed = owed.targets(entity, declared)
    await _owe_copies(connection, entity_name(entity), field, targets_owed, changed)


async def _owe_copies(
    connection: asyncpg.Connection, entity: str, field: str, copies: Iterable[Any], ids: list[str]
) -> None:
    """The filled field is a change of the record; replicas that hold a copy are owed it."""
    await connection.execute(
        "INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)"
        " SELECT t, $1, id, ARRAY[$2], 'reference', now()"
        " FROM (SELECT DISTINCT unnest($4::text[]) AS id) i, unnest($3::text[]) AS t"
        " ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE"
        " SET fields = (SELECT array_agg(DISTINCT f)"
        " FROM unnest(delivery.fields || excluded.fields) AS f)",
        entity,
        field,
        [system.value for system in copies],
        ids,
    )


def _columns(missing: list[Missing]) -> tuple[list[Any], ...]:
    return (
        [entity_name(m.entity) for m in missing],
        [m.record_id for m in missing],
        [m.field for m in missing],
        [m.ref.system for m in missing],
        [entity_name(m.ref.entity) for m in missing],
        [m.ref.external_id for m in missing],
        [m.is_read for m in missing],
    )
