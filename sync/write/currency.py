"""Amounts that share one currency column: writing one of them must not move the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.errors import Invalid
from schema.fx import FxRate
from schema.money import Money
from schema.rate import Rate
from sync.connectors.binding import Binding, FxColumns, MoneyColumns, Place, RateColumns, Row
from sync.write.ownership import shown


def shared_currencies(binding: Binding, fields: Mapping[str, Any]) -> Mapping[str, str]:
    """The currency column of every amount in `fields` whose column also serves a field not there.

    Answers field name to column; empty when the write says all there is to say about a currency.
    """
    others = {_column(place) for name, place in binding.owns.items() if name not in fields}
    own = {name: binding.owns[name] for name, value in fields.items() if value is not None}
    columns = {name: _column(place) for name, place in own.items() if _is_amount(place)}
    return {name: column for name, column in columns.items() if column in others}


def require_currencies(
    shared: Mapping[str, str], patch: Mapping[str, Any], row: Row | None
) -> None:
    """Raises Invalid for an amount in another currency than the record as its owner holds it."""
    for name, column in shared.items():
        held = (row or {}).get(column)
        told = _currency(patch[name])
        if held not in (None, told):
            raise Invalid(
                f"{shown(name)} is in {told}, but the record is in {held}: give it in {held}."
            )


def _is_amount(place: Place) -> bool:
    return isinstance(place, MoneyColumns | RateColumns | FxColumns)


def _column(place: Place) -> str:
    """The column by which a field may share its currency: the currency's, or a plain one."""
    if isinstance(place, FxColumns):
        return place.base
    return place.currency if isinstance(place, MoneyColumns | RateColumns) else place.name


def _currency(value: Money | Rate | FxRate) -> str:
    return value.base if isinstance(value, FxRate) else value.currency
