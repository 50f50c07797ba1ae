"""Canonical values as JSON and back: in ledgers, in tokens, and where a record holds parts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

from schema.entity import bare_type
from schema.fx import FxRate
from schema.money import Money
from schema.part import is_part, part_fields
from schema.rate import Rate, RateUnit

Convert = Callable[[Any], Any]

_CENT = Decimal("0.01")
_FX = ("base", "quote", "rate", "on", "source")


def json_form(value: Any) -> Any:
    """A canonical value as JSON holds it: words, ISO dates, exact decimals as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Money):
        return {"amount": json_form(value.amount), "currency": value.currency}
    if isinstance(value, Rate):
        amount, per = json_form(value.amount), json_form(value.per)
        return {"amount": amount, "currency": value.currency, "per": per}
    if isinstance(value, FxRate):
        return {name: json_form(getattr(value, name)) for name in _FX}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, list | tuple):
        return [json_form(one) for one in value]
    kind: Any = type(value)
    if is_part(kind):
        return {name: json_form(getattr(value, name)) for name in part_fields(kind)}
    return value


@cache
def from_json(annotation: Any) -> Convert:
    """What makes a value of the type out of its JSON form; None stays None."""
    convert = _converter(bare_type(annotation))
    return lambda told: None if told is None else convert(told)


def as_spoken(amount: Decimal) -> Decimal:
    """Stored amounts keep more decimals than owners speak of: cents, where cents say it all."""
    cents = amount.quantize(_CENT)
    return cents if cents == amount else amount.normalize()


def _converter(bare: Any) -> Convert:
    if is_part(bare):
        return _part(bare)
    if get_origin(bare) is list:
        convert = from_json(get_args(bare)[0])
        return lambda told: [convert(one) for one in told]
    if isinstance(bare, type) and issubclass(bare, Enum):
        return bare
    return _PLAIN.get(bare, _same)


def _part(part_type: type) -> Convert:
    fields = [(name, from_json(annotation)) for name, annotation in part_fields(part_type).items()]
    return lambda told: part_type(**{name: read(told.get(name)) for name, read in fields})


def _money(told: Any) -> Money:
    return Money(amount=as_spoken(Decimal(told["amount"])), currency=told["currency"])


def _rate(told: Any) -> Rate:
    amount = as_spoken(Decimal(told["amount"]))
    return Rate(amount=amount, currency=told["currency"], per=RateUnit(told["per"]))


def _fx(told: Any) -> FxRate:
    on, rate = date.fromisoformat(told["on"]), Decimal(told["rate"])
    return FxRate(**{**told, "on": on, "rate": rate})


def _same(told: Any) -> Any:
    return told


_PLAIN: dict[Any, Convert] = {
    Money: _money,
    Rate: _rate,
    FxRate: _fx,
    Decimal: Decimal,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
}
