"""The kinds of value a column holds: the SQL type, and how JSON becomes a value of it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

MONEY_TEXT = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,2})?")
LARGEST_ID = 2**63 - 1
LARGEST_COUNT = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`decode` raises ValueError saying what a value must be; `element` is what an array holds."""

    sql: str
    decode: Callable[[object], object]
    element: "Kind | None" = None


def decode_text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("must be text without NUL characters")
    return value


def decode_id(value: object) -> int:
    """Ids travel as numbers in some dialects and as digits in others: both are read."""
    digits = str(value)
    if isinstance(value, bool) or not re.fullmatch("[0-9]{1,19}", digits):
        raise ValueError("must be an id made of digits")
    if int(digits) > LARGEST_ID:
        raise ValueError("is larger than any id")
    return int(digits)


def decode_count(value: object, *, largest: int = LARGEST_COUNT) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
        raise ValueError(f"must be a whole number from 0 to {largest}")
    return value


def decode_percent(value: object) -> int:
    return decode_count(value, largest=100)


def decode_money(value: object) -> Decimal:
    """Floats are refused: they have already lost the amount."""
    if not isinstance(value, str) or not MONEY_TEXT.fullmatch(value):
        raise ValueError('must be an amount as text with at most two decimals, like "1250.00"')
    return Decimal(value)


def decode_date(value: object) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        raise ValueError("must be a date like 2026-01-31")
    return day


def decode_country(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{2}", value):
        raise ValueError("must be a country of two capital letters, like NL")
    return value


def decode_currency(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("[A-Z]{3}", value):
        raise ValueError("must be a currency of three capital letters, like EUR")
    return value


def decode_ids(value: object) -> list[int]:
    if not isinstance(value, list):
        raise ValueError("must be a list of ids")
    return [decode_id(one) for one in value]


def decode_texts(value: object) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("must be a list of texts")
    return [decode_text(one) for one in value]


def decode_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def decode_instant(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("must be a moment like 2026-01-31T12:00:00Z")
    return moment


def exact(digits: int) -> Callable[[object], Decimal]:
    """Decimals as text with at most so many places; floats are refused."""
    form = re.compile(rf"-?[0-9]{{1,12}}(\.[0-9]{{1,{digits}}})?")

    def decode(value: object) -> Decimal:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(f"must be a decimal as text with at most {digits} places")
        return Decimal(value)

    return decode


def document(fields: Mapping[str, Kind], *, is_list: bool = False) -> Kind:
    """JSON objects with exactly these fields, each null or of its kind; one, or a list of them."""

    def check(value: object) -> object:
        if not isinstance(value, dict) or value.keys() != fields.keys():
            raise ValueError(f"must have the fields {', '.join(fields)}")
        for name, kind in fields.items():
            if value[name] is not None:
                kind.decode(value[name])
        return value

    def check_all(value: object) -> object:
        if not isinstance(value, list):
            raise ValueError("must be a list")
        return [check(one) for one in value]

    return Kind(sql="jsonb", decode=check_all if is_list else check)


def list_of(kind: Kind) -> Kind:
    """JSON lists of values of one kind."""

    def check(value: object) -> object:
        if not isinstance(value, list):
            raise ValueError("must be a list")
        for one in value:
            kind.decode(one)
        return value

    return Kind(sql="jsonb", decode=check)


KEY = Kind(sql='text COLLATE "C"', decode=decode_text)
TEXT = Kind(sql="text", decode=decode_text)
ID = Kind(sql="bigint", decode=decode_id)
COUNT = Kind(sql="integer", decode=decode_count)
PERCENT = Kind(sql="integer", decode=decode_percent)
MONEY = Kind(sql="numeric(20,2)", decode=decode_money)
RATE = Kind(sql="numeric(20,6)", decode=exact(6))
FRACTION = Kind(sql="numeric(12,6)", decode=exact(6))
FX = Kind(sql="numeric(20,10)", decode=exact(10))
DATE = Kind(sql="date", decode=decode_date)
INSTANT = Kind(sql="timestamptz", decode=decode_instant)
FLAG = Kind(sql="boolean", decode=decode_flag)
COUNTRY = Kind(sql="char(2)", decode=decode_country)
CURRENCY = Kind(sql="text", decode=decode_currency)
IDS = Kind(sql="bigint[]", decode=decode_ids, element=ID)
TEXTS = Kind(sql="text[]", decode=decode_texts, element=TEXT)
