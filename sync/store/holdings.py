"""What the projection holds of a system, by that system's own keys.

A capture that asks its owner again and again compares with it, and needs no memory of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import asyncpg
import msgspec

from schema.entity import entity_name
from schema.position import Topic
from sync.connectors.binding import Binding
from sync.resnapshots import KeyRange, as_number
from sync.store.projection_tables import table_for

_PARKED = """
SELECT key, value FROM dead_letter
WHERE topic = $1 AND key = ANY($2) AND state IN ('open', 'waiting') ORDER BY id
"""


class _Source(msgspec.Struct):
    revision: int | None = None


class _Envelope(msgspec.Struct):
    source: _Source


_decode = msgspec.json.Decoder(_Envelope).decode


class Held(NamedTuple):
    """The version of a record, and the moment it was true at its owner."""

    version: int
    as_of: datetime


async def held_of(
    connection: asyncpg.Connection, bindings: Iterable[Binding], keys: Sequence[str]
) -> dict[str, Held]:
    """What is held of each record, by key; the oldest, where several types hold it.

    What is deleted, or was never met, is absent. A type that is part of another's row is as new as
    that, and often has no record yet.
    """
    found: list[dict[str, Held]] = []
    for binding in (one for one in bindings if one.is_part_of is None):
        rows = await connection.fetch(_held_sql(binding), *_names(binding), list(keys))
        found.append({key: Held(version, as_of) for key, version, as_of in rows})
    everywhere = set(keys).intersection(*found)
    return {key: min(held[key] for held in found) for key in everywhere}


async def parked_versions(
    connection: asyncpg.Connection, topic: Topic, keys: Sequence[bytes]
) -> dict[bytes, int]:
    """The version of the last dead letter of each key: parked rows need not be sent again."""
    rows = await connection.fetch(_PARKED, topic, list(keys))
    told = ((key, _revision(value)) for key, value in rows)
    return {key: revision for key, revision in told if revision is not None}


async def missing_from(
    connection: asyncpg.Connection, bindings: Iterable[Binding], sweep: int
) -> list[str]:
    """The keys known before a sweep began that it has not met; none until it is completed."""
    missing: set[str] = set()
    for binding in bindings:
        rows = await connection.fetch(_missing_sql(binding), *_names(binding), sweep)
        missing.update(key for (key,) in rows)
    return sorted(missing)


async def unmet_of(
    connection: asyncpg.Connection,
    bindings: Iterable[Binding],
    keys: KeyRange,
    met: Sequence[str],
    before: datetime,
) -> list[str]:
    """The keys in a range that were known `before`, and are not among those that were met."""
    unmet: set[str] = set()
    for binding in bindings:
        of = *_names(binding), keys.low, keys.high, list(met), before
        rows = await connection.fetch(_unmet_sql(binding, keys), *of)
        unmet.update(key for (key,) in rows)
    return sorted(unmet)


def _names(binding: Binding) -> tuple[str, str]:
    return binding.system.value, entity_name(binding.entity)


def _revision(value: bytes | None) -> int | None:
    try:
        return _decode(value or b"").source.revision
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # a letter that is no row of ours says nothing of a version


@cache
def _held(binding: Binding) -> tuple[str, str]:
    """Where a record that `x` links is held, as a join, and the columns of what is held."""
    s = binding.system.value
    if binding.owns:
        table = table_for(binding.entity).fullname
        alive = f"t.id = x.record_id AND t.{s}_key = x.external_id AND t.{s}_deleted_at IS NULL"
        return f"JOIN {table} t ON {alive}", f"t.{s}_version, t.{s}_as_of"
    alive = "(t.system, t.entity, t.record_id, t.key)"
    link = "(x.system, x.entity, x.record_id, x.external_id)"
    heard = "CASE WHEN t.is_captured THEN t.version END"  # what we wrote is yet to be seen there
    return f"JOIN replica_state t ON {alive} = {link}", f"{heard}, t.as_of"


@cache
def _held_sql(binding: Binding) -> str:
    join, held = _held(binding)
    return f"""
SELECT * FROM (
    SELECT x.external_id, {held} FROM xref x {join}
    WHERE (x.system, x.entity) = ($1, $2) AND NOT x.is_former AND x.external_id = ANY($3)
) AS held (key, version, as_of) WHERE version IS NOT NULL AND as_of IS NOT NULL
"""


@cache
def _missing_sql(binding: Binding) -> str:
    join, _ = _held(binding)
    return f"""
SELECT x.external_id FROM sweep s JOIN xref x ON x.first_seen < s.began_at {join}
WHERE s.id = $3 AND s.completed_at IS NOT NULL
    AND (x.system, x.entity) = ($1, $2) AND NOT x.is_former
    AND NOT EXISTS (SELECT FROM sweep_seen m WHERE (m.sweep, m.key) = (s.id, x.external_id))
"""


def _unmet_sql(binding: Binding, keys: KeyRange) -> str:
    join, _ = _held(binding)
    return f"""
SELECT x.external_id FROM xref x {join}
WHERE (x.system, x.entity) = ($1, $2) AND NOT x.is_former AND x.first_seen < $6
    AND {keys.condition("x.external_id", "$3", "$4")} AND {_index_bounds(keys)}
    AND x.external_id <> ALL ($5)
"""


def _index_bounds(keys: KeyRange) -> str:
    """What indexes can find of a range that is closed; `condition` has the last word.

    Numbers of one length have the same order as texts. The few pages that begin and end with
    different lengths look at all keys. Numbers behind zeros have an index of their own.
    """
    if keys.low is None or keys.high is None:
        return "true"
    if not keys.is_of_numbers:
        return "x.external_id BETWEEN $3 AND $4"
    low, high = keys.low.lstrip("0") or "0", keys.high.lstrip("0") or "0"
    plain = f"x.external_id BETWEEN '{low}' AND '{high}'" if len(low) == len(high) else "true"
    number = as_number("x.external_id")
    padded = f"{number} BETWEEN $3::text::numeric AND $4::text::numeric"
    return f"({plain} OR x.external_id ~ '^0[0-9]+$' AND {padded})"
