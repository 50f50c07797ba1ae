"""Parts: what one system says of one record, and how parts make records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schema.system import System
from sync.records import Provenance, Record, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The fields one owner gives to one record, and where they came from."""

    values: Values
    provenance: Provenance


Parts = dict[str, Part]
"""Canonical id -> part, in the order the owner or the projection gave them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Records in the anchor's key order; `has_more` says whether others follow.

    The projection gives the parts of every system asked for, an owner only its own.
    """

    parts: Mapping[System, Parts]
    has_more: bool = False


def oldest(parts: Parts) -> datetime | None:
    """Since when all of the parts have been known to be true."""
    moments = (part.provenance.as_of for part in parts.values())
    return min((moment for moment in moments if moment is not None), default=None)


def with_reason(parts: Parts, reason: str) -> Parts:
    """Parts that stand in for an owner that failed, each saying why."""
    return {
        record_id: replace(part, provenance=replace(part.provenance, reason=reason))
        for record_id, part in parts.items()
    }


def assemble(
    entity: type, ids: Iterable[str], parts: Mapping[System, Parts], fields: frozenset[str]
) -> dict[str, Record]:
    """One record per id. Each of `fields` has a value, None where nobody gave one."""
    blank = dict.fromkeys(fields)
    return {
        record_id: _record(
            entity, record_id, blank, [p[record_id] for p in parts.values() if record_id in p]
        )
        for record_id in ids
    }


def _record(entity: type, record_id: str, blank: Values, parts: list[Part]) -> Record:
    values = dict(blank)
    for part in parts:
        values.update(part.values)
    provenance = {part.provenance.owner: part.provenance for part in parts}
    return Record(entity=entity, id=record_id, values=values, provenance=provenance)


def by_reference(
    records: Iterable[Record], key: str, values: Sequence[str]
) -> dict[str, tuple[Record, ...]]:
    """The records under each of `values` that their field `key` holds, alone or in its list."""
    found: dict[str, list[Record]] = {value: [] for value in values}
    for record in records:
        held = record.values[key]
        for value in held if isinstance(held, list) else (held,):
            if value in found:
                found[value].append(record)
    return {value: tuple(some) for value, some in found.items()}
