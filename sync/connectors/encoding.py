"""Canonical values as the cells of a system's row; pure. `sync.connectors.codec` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any

from schema.fx import FxRate
from sync.connectors.binding import (
    Binding,
    Column,
    FxColumns,
    MoneyColumns,
    PartColumn,
    Place,
    RateColumns,
    Words,
)


def encode(binding: Binding, values: Mapping[str, Any]) -> dict[str, Any]:
    """The row cells for canonical values; references must be the system's own ids already.

    Amounts may share a currency column: one that is not known leaves the currency to the others.
    Raises ValueError when two of them are in different currencies.
    """
    row: dict[str, Any] = {}
    for name, value in values.items():
        cells = _cells(binding.places[name], value)
        for column in cells.keys() & row.keys():
            if cells[column] != row[column]:
                raise ValueError(f"{name} is in {cells[column]}, the rest in {row[column]}.")
        row |= cells
    return row


def encode_cell(binding: Binding, name: str, value: Any) -> Any:
    """One canonical value in the system's own words, a flag as text; for filters."""
    place = binding.places[name]
    if not isinstance(place, Column):
        raise TypeError(f"{name} is no plain column and cannot be filtered by.")
    cell = _encode_cell(place, value)
    return str(cell).lower() if isinstance(cell, bool) else cell


def _encode_cell(place: Column, value: Any) -> Any:
    if place.write is not None:
        return place.write(value)
    if isinstance(value, list | tuple):
        return [_encode_cell(place, part) for part in value]
    if isinstance(value, Enum):
        return _word_for(place.name, place.words, value)
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _cells(place: Place, value: Any) -> dict[str, Any]:
    """The cells of one field. Amounts may share a currency column: an unknown one leaves it."""
    if isinstance(place, Column):
        return {place.name: _encode_cell(place, value)}
    if isinstance(place, PartColumn):
        return {place.name: _part_cells(place, value)}
    if isinstance(place, FxColumns):
        return _fx_cells(place, value)
    return _amount_cells(place, value)


def _part_cells(place: PartColumn, value: Any) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_part_cells(place, one) for one in value]
    cells: dict[str, Any] = {}
    for name, inner in place.parts.items():
        cells |= _cells(inner, getattr(value, name))
    return cells


def _amount_cells(place: MoneyColumns | RateColumns, value: Any) -> dict[str, Any]:
    if value is None:
        return {place.amount: None}
    cells = {place.amount: str(value.amount), place.currency: value.currency}
    if isinstance(place, RateColumns):
        cells[place.per] = _word_for(place.per, place.words, value.per)
    return cells


def _fx_cells(place: FxColumns, value: FxRate | None) -> dict[str, Any]:
    """Its base is the currency of an amount as a rule: an unknown rate leaves it."""
    if value is None:
        return dict.fromkeys((place.rate, place.quote, place.on, place.source))
    return {
        place.rate: format(value.rate, "f"),
        place.base: value.base,
        place.quote: value.quote,
        place.on: value.on.isoformat(),
        place.source: value.source,
    }


def _word_for(column: str, words: Words | None, member: Enum) -> str:
    if words is None:
        return str(member.value)
    for word, meaning in words.items():
        if meaning is member:
            return word
    raise ValueError(f"{column} has no word for {member.name}.")
