"""What must be in the database once everything a firm did has been applied."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import asyncpg
from support.captured import Firm, Kept, Source, Version
from support.processes import Worker
from support.settling import settle_all
from support.targets import until

from schema.canon import Invoice
from schema.entity import entity_name, owned_fields
from schema.money import Money
from sync.connectors.codec import decode
from sync.connectors.refs import Ref, resolved
from sync.json_form import json_form
from sync.store.projection_tables import column_names, table_for
from sync.xref import anchored_id

_LAG = """
SELECT p.topic, p.partition, p.next_offset, o.next_offset AS applied
FROM log_partition p LEFT JOIN consumer_offset o
  ON (o.consumer, o.topic, o.partition) = ('intake', p.topic, p.partition)
WHERE p.next_offset > 0 AND o.next_offset IS DISTINCT FROM p.next_offset
"""


async def lag(pool: asyncpg.Pool) -> list[tuple[Any, ...]]:
    """The partitions whose stored offset is not the end of the log."""
    return [tuple(row) for row in await pool.fetch(_LAG)]


async def caught_up(pool: asyncpg.Pool, *workers: Worker) -> None:
    """Return once the log has been applied to its end, with all of these alive."""

    async def has_caught_up() -> bool:
        for worker in workers:
            worker.is_alive()
        return not await lag(pool)

    await until(has_caught_up, seconds=60)


async def assert_holds(pool: asyncpg.Pool, firm: Firm) -> None:
    """All of `assert_applied`, and what is owed; nobody must have delivered anything yet."""
    await assert_applied(pool, firm)
    await _assert_owed(pool, firm)


async def assert_applied(pool: asyncpg.Pool, firm: Firm) -> None:
    """Offsets, projection, links, feed, and parked records, once all letters are settled."""
    assert await lag(pool) == []
    await settle_all(pool)
    for source in firm.sources:
        await _assert_projected(pool, source)
        await _assert_linked(pool, source)
    await _assert_fed(pool, firm)
    await _assert_parked(pool, firm)


async def _assert_projected(pool: asyncpg.Pool, source: Source) -> None:
    """Each record is as its owner last had it; a deleted one stays as a mark without values."""
    system, fields = source.binding.system.value, owned_fields(source.binding.entity)
    columns = [c for name in source.binding.owns for c in column_names(fields[name])]
    rows = await pool.fetch(
        f"SELECT id, {system}_key AS key, {system}_deleted_at AS gone, {', '.join(columns)}"
        f" FROM {table_for(source.binding.entity).fullname} WHERE {system}_key IS NOT NULL"
    )
    found = {
        row["id"]: (row["key"], row["gone"] is not None, [row[column] for column in columns])
        for row in rows
    }
    expected = {
        known.id: (known.key, known.row is None, list(_stored(source, known)))
        for known in source.records.values()
    }
    _assert_same(found, expected)


def _stored(source: Source, known: Kept) -> Iterator[Any]:
    """The record's values in the order of the projection's columns."""
    values = decode(source.binding, known.row) if known.row else {}
    for name in source.binding.owns:
        value = _plain(values.get(name))
        if len(column_names(owned_fields(source.binding.entity)[name])) == 1:
            yield getattr(value, "value", value)
        else:
            yield from (value.amount, value.currency) if isinstance(value, Money) else (None, None)


def _plain(value: Any) -> Any:
    return anchored_id(value) if isinstance(value, Ref) else value


async def _assert_linked(pool: asyncpg.Pool, source: Source) -> None:
    """Every key a record ever had leads to it, for every process."""
    rows = await pool.fetch(
        "SELECT external_id, record_id FROM xref WHERE (system, entity) = ($1, $2)",
        source.binding.system.value,
        entity_name(source.binding.entity),
    )
    expected = {key: known.id for known in source.records.values() for key in known.keys}
    _assert_same({row["external_id"]: row["record_id"] for row in rows}, expected)


def _assert_same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Equal, or the differences alone are told."""
    names = sorted(n for n in found.keys() | expected.keys() if found.get(n) != expected.get(n))
    assert not names, [(name, found.get(name), expected.get(name)) for name in names]


async def _assert_fed(pool: asyncpg.Pool, firm: Firm) -> None:
    """Each record's events are a chain from its first status to its last, each from one change."""
    events = defaultdict(list)
    for row in await pool.fetch("SELECT * FROM feed_event ORDER BY id"):
        events[row["record_id"]].append(row)
    [invoices] = [s for s in firm.sources if s.binding.entity is Invoice]
    for known in invoices.records.values():
        _assert_chain(events.pop(known.id, []), known.history)
    assert not events


def _assert_chain(events: Iterable[asyncpg.Record], history: list[Version]) -> None:
    places = {version.at: n for n, version in enumerate(history)}
    is_read = history[0].op == "r"  # what was there before is no event
    status, place = (_status(history[0]), 0) if is_read else (None, -1)
    for event in events:
        assert event["before"] == status
        assert event["after"] != status
        assert places[event["at"]] > place
        status, place = event["after"], places[event["at"]]
        assert status == _status(history[place])
    assert status == _status(history[-1])


def _status(version: Version) -> Any:
    return version.row and version.row["status"]


async def _assert_owed(pool: asyncpg.Pool, firm: Firm) -> None:
    """One unsent delivery per record and target, with what changed and nothing else."""
    rows = await pool.fetch("SELECT * FROM delivery")
    assert {row["state"] for row in rows} <= {"pending"}
    owed = {(row["target"], row["entity"], row["record_id"]): set(row["fields"]) for row in rows}
    assert len(owed) == len(rows)
    must: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    may: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for source in firm.sources:
        for known in source.records.values():
            for name, target, is_due in _changes(source, known):
                record = (target, entity_name(source.binding.entity), known.id)
                may[record].add(name)
                if is_due:
                    must[record].add(name)
    assert must.keys() <= owed.keys() <= may.keys()
    for record, fields in owed.items():
        assert must[record] <= fields <= may[record], record


def _changes(source: Source, known: Kept) -> Iterator[tuple[str, str, bool]]:
    """(field, target, whether it differs in the end) of all that ever changed.

    A value that changed and changed back within one batch may go unnoticed.
    """
    forms = [_forms(source, version) for version in known.history]
    first = forms[0] if known.history[0].op == "r" else {}
    for name in source.binding.owns:
        seen = [form.get(name) for form in (first, *forms)]
        if len({repr(value) for value in seen}) > 1:
            for target in source.binding.field(name).group.copies:
                yield name, target.value, seen[0] != seen[-1]


def _forms(source: Source, version: Version) -> dict[str, Any]:
    values = decode(source.binding, version.row) if version.row else {}
    return {name: json_form(resolved(_plain(value), {})) for name, value in values.items()}


async def _assert_parked(pool: asyncpg.Pool, firm: Firm) -> None:
    """What nobody could decode was kept once, byte by byte, and nothing else had to be given up.

    A row that cannot be stored is kept too, unless a later one of its batch took its place.
    """
    rows = await pool.fetch("SELECT value FROM dead_letter WHERE state = 'discarded'")
    parked, undecodable = Counter(row["value"] for row in rows), Counter(firm.undecodable)
    assert parked >= undecodable, undecodable - parked
    unexpected = parked - undecodable - Counter(firm.unstorable)
    assert not unexpected, unexpected
