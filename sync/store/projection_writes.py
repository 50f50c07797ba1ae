"""The set-based upsert of one owner's part into the projection, and what follows from it.

One statement per (type, owner): merge the staged rows under the fence, insert the deliveries that
changed fields owe to the replicas, and answer the status transitions for the feed. Rows are taken
in the order of their ids, so that two who meet the same records never wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache

import asyncpg

from schema.canon import BY_ID_TYPE
from schema.entity import Owned, anchor, bare_type, entity_name, owned_fields
from schema.lifecycles import STATUS_FIELDS
from schema.system import System
from sync.connectors.binding import Binding
from sync.store.owed import Owed
from sync.store.projection_tables import column_names, extra_column, fence_columns, table_for

Copied = Mapping[System, Sequence[Owned]]
"""The fields of one owner, by the systems that are owed them."""


class Extra(Enum):
    """What staged rows say of the columns that no binding reads."""

    UNTOLD = "untold"
    NONE = "none"
    ALL = "all"
    SOME = "some"

    @property
    def is_staged(self) -> bool:
        return self in (Extra.ALL, Extra.SOME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """How staged rows meet the rows that are there.

    `is_fenced` refuses what is older than the row; a record read back from its owner under a
    lock is newest by construction. `is_read` marks snapshot reads: the first sight of a record
    in a snapshot is no event and owes no delivery.
    """

    is_fenced: bool
    is_read: bool
    extra: Extra = Extra.UNTOLD


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """The SQL of one (type, owner, fields present): stage by COPY, then merge."""

    stage: str
    create_stage: str
    columns: tuple[str, ...]
    merge: str


async def merge(
    connection: asyncpg.Connection, statements: Statements, rows: list[tuple[object, ...]]
) -> list[asyncpg.Record]:
    """Stage and merge rows; answers (id, before, after, at, subject) of each status transition.

    There is always a row, and each says how many deliveries are `owed` now and how many rows the
    fence has `taken`. Each id may stand once in `rows`.
    """
    await connection.execute(statements.create_stage)
    await connection.copy_records_to_table(
        statements.stage, schema_name="pg_temp", columns=statements.columns, records=rows
    )
    transitions = await connection.fetch(statements.merge)
    await connection.execute(f"TRUNCATE pg_temp.{statements.stage}")
    return list(transitions)


@cache
def news_sql(binding: Binding) -> str:
    """Which of the rows ($1 ids, $2 to $5 partitions, offsets, epochs, LSNs) the fence lets in."""
    s = binding.system.value
    given = f"id, {s}_partition, {s}_offset, {s}_epoch, {s}_lsn, n"
    return (
        "SELECT excluded.n - 1\n"
        "FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[], $5::bigint[])\n"
        f"  WITH ORDINALITY AS excluded ({given})\n"
        f"LEFT JOIN {table_for(binding.entity).name} t USING (id)\n"
        f"WHERE t.id IS NULL OR {_fence(s)}\nORDER BY excluded.n"
    )


@cache
def standing_sql(binding: Binding) -> str:
    """Which of the rows ($1 ids, $2 partitions, $3 offsets) are what the projection holds now."""
    s = binding.system.value
    return (
        "SELECT id FROM unnest($1::text[], $2::int[], $3::bigint[])"
        f" AS told (id, {s}_partition, {s}_offset)\n"
        f"JOIN {table_for(binding.entity).name} t USING (id, {s}_partition, {s}_offset)"
    )


@cache
def statements_for(binding: Binding, fields: frozenset[str], mode: Mode, owed: Owed) -> Statements:
    """The statements that merge `fields` of the binding's system; the others are kept."""
    kept = [f for f in owned_fields(binding.entity).values() if f.name in fields]
    data_columns = [column for field in kept for column in column_names(field)]
    fence = [column.name for column in fence_columns(binding.system)]
    extra = [extra_column(binding.system).name] if mode.extra.is_staged else []
    columns = ("id", *data_columns, *fence, *extra)
    return Statements(
        stage=_stage(binding),
        create_stage=_create_stage(binding),
        columns=columns,
        merge=_merge_sql(binding, columns, mode, _copied(binding, owed)),
    )


def _stage(binding: Binding) -> str:
    return f"stage_{entity_name(binding.entity)}_{binding.system.value}"


def _create_stage(binding: Binding) -> str:
    """A temporary twin of the projection table, made once per connection."""
    table, stage = table_for(binding.entity), _stage(binding)
    columns = ", ".join(c.name for c in table.columns if c.computed is None)
    return f"CREATE TEMP TABLE IF NOT EXISTS {stage} AS SELECT {columns} FROM {table.name} LIMIT 0"


def _merge_sql(binding: Binding, columns: tuple[str, ...], mode: Mode, copied: Copied) -> str:
    table = table_for(binding.entity).name
    s = binding.system.value
    stage = _stage(binding)
    listed = ", ".join(columns)
    apart = ("id", f"{s}_lsn", f"{s}_extra")
    updates = ",\n    ".join(f"{c} = excluded.{c}" for c in columns if c not in apart)
    steps = [
        f"merged AS (\n  INSERT INTO {table} AS t ({listed})\n"
        f"  SELECT {listed} FROM pg_temp.{stage} ORDER BY id\n"
        f"  ON CONFLICT (id) DO UPDATE SET\n    {updates},\n    {_lsn_update(s)}"
        f"{_extra_update(s, mode)}\n"
        f"  {'WHERE ' + _fence(s) if mode.is_fenced else ''}\n"
        f"  RETURNING {_returned(binding, copied)}\n)"
    ]
    steps += [_deliveries(binding, target, fields, mode) for target, fields in copied.items()]
    return "WITH " + ",\n".join(steps) + "\n" + _transitions(binding, mode, copied)


def _fence(s: str) -> str:
    """Newer in the log, and for streamed changes newer in the source's history too."""
    return (
        f"(t.{s}_offset IS NULL OR excluded.{s}_epoch > t.{s}_epoch"
        f" OR excluded.{s}_partition <> t.{s}_partition OR excluded.{s}_offset > t.{s}_offset)\n"
        f"    AND (excluded.{s}_lsn IS NULL OR t.{s}_lsn IS NULL"
        f" OR (excluded.{s}_epoch, excluded.{s}_lsn) > (t.{s}_epoch, t.{s}_lsn))"
    )


def _lsn_update(s: str) -> str:
    """A snapshot read never raises the streamed position; a new epoch forgets the old one."""
    return (
        f"{s}_lsn = CASE WHEN excluded.{s}_lsn IS NULL AND excluded.{s}_epoch = t.{s}_epoch"
        f" THEN t.{s}_lsn ELSE excluded.{s}_lsn END"
    )


def _extra_update(s: str, mode: Mode) -> str:
    """A column that its owner dropped is gone here too; what a row leaves out stays."""
    told = {
        Extra.NONE: "NULL",
        Extra.ALL: f"excluded.{s}_extra",
        Extra.SOME: f"coalesce(t.{s}_extra || excluded.{s}_extra, t.{s}_extra, excluded.{s}_extra)",
    }
    return f",\n    {s}_extra = {told[mode.extra]}" if mode.extra in told else ""


def _returned(binding: Binding, copied: Copied) -> str:
    s = binding.system.value
    parts = ["new.id", f"new.{s}_as_of AS at", f"old.{s}_key IS NULL AS is_first"]
    parts += [f"new.{s}_partition AS p", f"new.{s}_offset AS o"]
    parts += [f"new.{anchor(binding.entity).value}_key IS NOT NULL AS is_known"]
    status = STATUS_FIELDS.get(binding.entity)
    if status is not None:
        subject = _subject(binding.entity)
        parts.append(f"old.{status} AS before, new.{status} AS after, {subject} AS subject")
    watched = {f.name: f for fields in copied.values() for f in fields}
    parts += [f"{_differs(f)} AS {f.name}_differs" for f in watched.values()]
    return ", ".join(parts)


def _copied(binding: Binding, owed: Owed) -> Copied:
    copied: dict[System, list[Owned]] = {}
    for name, field in owned_fields(binding.entity).items():
        for target in owed.targets(binding.entity, field) if name in binding.owns else ():
            copied.setdefault(target, []).append(field)
    return copied


def _deliveries(binding: Binding, target: System, fields: Iterable[Owned], mode: Mode) -> str:
    """Owe the target every copied field that changed, in the record's one unsent delivery."""
    changed = ", ".join(f"CASE WHEN m.{f.name}_differs THEN '{f.name}' END" for f in fields)
    any_changed = " OR ".join(f"m.{f.name}_differs" for f in fields)
    first_sight = "NOT is_first AND " if mode.is_read else ""
    return (
        f"to_{target.value} AS (\n"
        "  INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)\n"
        f"  SELECT '{target.value}', '{entity_name(binding.entity)}', m.id,"
        f" array_remove(ARRAY[{changed}], NULL),\n"
        f"    '{binding.system.value}/' || p || '@' || o, m.at\n"
        f"  FROM merged m WHERE {first_sight}({any_changed})\n"
        "  ON CONFLICT (target, entity, record_id) WHERE state = 'pending' DO UPDATE\n"
        "  SET fields = CASE WHEN delivery.fields @> excluded.fields THEN delivery.fields ELSE (\n"
        "      SELECT array_agg(DISTINCT f)"
        " FROM unnest(delivery.fields || excluded.fields) AS f) END,\n"
        "    cause = excluded.cause, caused_at = excluded.caused_at\n"
        "  RETURNING 1\n)"
    )


def _differs(field: Owned) -> str:
    pairs = (f"old.{c} IS DISTINCT FROM new.{c}" for c in column_names(field))
    return "(" + " OR ".join(pairs) + ")"


def _subject(entity: type) -> str:
    """What a subscriber may filter by: the records this one refers to."""
    names = [n for n, f in owned_fields(entity).items() if bare_type(f.type) in BY_ID_TYPE]
    pairs = ", ".join(f"'{name}', new.{name}" for name in names)
    return f"jsonb_build_object({pairs})"


def _transitions(binding: Binding, mode: Mode, copied: Copied) -> str:
    """Status transitions for the feed, how many deliveries are now owed, how many rows changed."""
    owed = " + ".join(f"(SELECT count(*) FROM to_{t.value})" for t in copied) or "0"
    counts = f"SELECT {owed} AS owed, (SELECT count(*) FROM merged) AS taken"
    if binding.entity not in STATUS_FIELDS:
        return f"SELECT NULL AS id, counts.* FROM ({counts}) AS counts"
    first_sight = "AND NOT is_first" if mode.is_read else ""
    return (
        f"SELECT m.id, m.before, m.after, m.at, m.subject, counts.*\n"
        f"FROM ({counts}) AS counts LEFT JOIN merged m\n"
        f"  ON m.before IS DISTINCT FROM m.after AND m.is_known {first_sight}"
    )
