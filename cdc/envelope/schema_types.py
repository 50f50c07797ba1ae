"""Cells by the type their schema names, in the spelling that bindings read. Pure.

Decimals become text, instants and times of day microseconds, dates stay days since 1970 and text
stays text, whatever `decimal.handling.mode` and `time.precision.mode` the connector runs with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import msgspec

from schema.errors import Poison
from sync.connectors.cells import INFINITE_INSTANTS, unscaled

Convert = Callable[[Any], Any]
Conversions = Sequence[tuple[str, Convert]]
"""The columns that another spelling is to be made of, and how."""

NOT_A_CELL = (TypeError, ValueError, KeyError, ArithmeticError)


class Field(msgspec.Struct, frozen=True):
    """A Connect schema, as far as it matters to the spelling of a value."""

    name: str | None = None
    field: str | None = None
    parameters: dict[str, str] | None = None
    fields: tuple[Field, ...] = ()
    items: Field | None = None


_decode_field: Callable[[bytes], Field | None] = msgspec.json.Decoder(Field | None).decode


def key_conversions(schema: bytes) -> Conversions:
    """By the schema of a key, JSON. Raises Poison `bad_schema`."""
    parsed = _parsed(schema)
    return () if parsed is None else conversions_of(parsed.fields)


@lru_cache(256)
def row_conversions(schema: bytes) -> Conversions:
    """By the schema of an envelope, JSON: that of the row it holds. Raises Poison `bad_schema`."""
    parsed = _parsed(schema)
    rows = {f.field: f for f in parsed.fields} if parsed else {}
    row = rows.get("after") or rows.get("before")
    return () if row is None else conversions_of(row.fields)


def conversions_of(fields: Sequence[Field]) -> Conversions:
    """By the fields of a row. Raises Poison `bad_schema` for a decimal without its scale."""
    found = ((f.field or "", _conversion(f)) for f in fields)
    return tuple((name, convert) for name, convert in found if convert is not None)


def convert_cells(row: dict[str, Any], conversions: Conversions) -> None:
    """Spell the row's cells anew, in place. Raises Poison `bad_value`, naming the column."""
    for name, convert in conversions:
        cell = row.get(name)
        if cell is None:
            continue
        try:
            row[name] = convert(cell)
        except NOT_A_CELL as error:
            detail = f"{name}={cell!r:.80} is not of the type its schema names."
            raise Poison("bad_value", detail) from error


def _parsed(schema: bytes) -> Field | None:
    try:
        return _decode_field(schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Poison("bad_schema", f"The schema part is no Connect schema: {error}") from error


def _conversion(field: Field) -> Convert | None:
    if field.name == _DECIMAL:
        return _decimal(field)
    if field.name in _CONVERSIONS:
        return _CONVERSIONS[field.name]
    if field.items is not None and (each := _conversion(field.items)):
        return lambda cells: [None if cell is None else each(cell) for cell in cells]
    return None


def _decimal(field: Field) -> Convert:
    scale = (field.parameters or {}).get("scale", "")
    try:
        return partial(_decimal_text, scale=int(scale))
    except ValueError as error:
        raise Poison("bad_schema", f"Decimal {field.field} has no scale.") from error


def _decimal_text(cell: Any, scale: int) -> str:
    return format(unscaled(cell, scale), "f")


def _variable_scale(cell: Mapping[str, Any]) -> str:
    return _decimal_text(cell["value"], cell["scale"])


def _from_milliseconds(cell: int) -> int:
    return cell if cell in INFINITE_INSTANTS else cell * 1000


def _from_nanoseconds(cell: int) -> int:
    return cell if cell in INFINITE_INSTANTS else cell // 1000


_DECIMAL = "org.apache.kafka.connect.data.Decimal"
_CONVERSIONS: Mapping[str | None, Convert] = {
    "io.debezium.data.VariableScaleDecimal": _variable_scale,
    "io.debezium.time.Time": _from_milliseconds,
    "io.debezium.time.NanoTime": _from_nanoseconds,
    "io.debezium.time.Timestamp": _from_milliseconds,
    "io.debezium.time.NanoTimestamp": _from_nanoseconds,
    "org.apache.kafka.connect.data.Time": _from_milliseconds,
    "org.apache.kafka.connect.data.Timestamp": _from_milliseconds,
}
