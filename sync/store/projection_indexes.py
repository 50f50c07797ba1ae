"""The projection's indexes, derived from the canon: keys, references, large edges, search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_origin

import sqlalchemy as sa

from schema.canon import BY_ID_TYPE
from schema.edges import EDGES, EdgeLoad
from schema.entities.time_entry import TimeEntry
from schema.entity import FilterOp, anchor, bare_type, owned_fields
from schema.listing import searched_fields

_WORK = ("worked", "billable", "is_billable", "work_date")
_BILLED = ("billing_state", "billed_share", "written_off_share")
_PRICE = ("rate_amount", "rate_currency", "rate_per")
_ROW = ("psa_as_of", "psa_deleted_at", "hub_as_of")


def key_order(
    key: sa.ColumnElement[str],
) -> tuple[sa.ColumnElement[int], sa.ColumnElement[str]]:
    """How a system orders its keys: those made of digits as numbers, all others byte by byte."""
    is_number = key.op("~")(sa.literal_column("'^[0-9]+$'"))
    length: sa.ColumnElement[int] = sa.func.length(key, type_=sa.Integer())
    return sa.case((is_number, length), else_=sa.literal_column("0", sa.Integer())), key


def indexes_for(entity: type, name: str) -> Iterator[sa.Index]:
    """The indexes of a type's table; `name` is that of the table."""
    key = f"{anchor(entity).value}_key"
    width, plain = key_order(sa.column(key, sa.Text()))
    yield sa.Index(f"{name}_{key}_order", sa.text(f"({width})"), plain)
    found_by = {e.key for e in EDGES if e.target is entity and e.load is EdgeLoad.BY_KEY}
    large = {edge.key for edge in EDGES if edge.target is entity and edge.is_large}
    for field in owned_fields(entity).values():
        if field.name in large:
            # one walk gives a page of a near end's list, in the list's order
            yield sa.Index(f"{name}_{field.name}_list", field.name, "id")
        elif field.name in found_by and get_origin(bare_type(field.type)) is list:
            yield sa.Index(f"{name}_{field.name}", field.name, postgresql_using="gin")
        elif bare_type(field.type) in BY_ID_TYPE and FilterOp.IN in field.filters:
            yield sa.Index(f"{name}_{field.name}", field.name)
    for searched in searched_fields(entity):
        # of any collation: this operator class serves `lower(...) LIKE 'start%'`
        lowered = sa.func.lower(sa.column(searched, sa.Text())).label("lowered")
        yield sa.Index(
            f"{name}_{searched}_search", lowered, postgresql_ops={"lowered": "text_pattern_ops"}
        )
    if entity is TimeEntry:
        # boards add up a project's time without visiting its rows, which are scattered
        figures = [*_WORK, *_BILLED, *_PRICE, *_ROW]
        yield sa.Index(f"{name}_board", "project_id", "status", postgresql_include=figures)
