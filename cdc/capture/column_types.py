"""Postgres values in text form as Debezium writes them in JSON (decimals as strings)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from cdc.capture.array_literal import parse_array

Json = str | int | float | bool | None | list["Json"]
Decode = Callable[[bytes], Json]

PLACEHOLDER = "__debezium_unavailable_value"
"""Stands for an out-of-line value that an update left alone: keep what you have."""

# What Debezium sends for the infinities; the dates are its timestamps cut to 32 bits.
_TIMESTAMP_INFINITIES = {b"infinity": 9223372036825200000, b"-infinity": -9223372036832400000}
_DATE_INFINITIES = {b"infinity": -622191234, b"-infinity": 622191232}

_UNIX_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MICROSECONDS_PER_DAY = 86_400_000_000
_MILLISECOND_PRECISION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnType:
    """A type with its domains removed. `element` is the type of an array's elements, or 0."""

    base: int
    element: int
    modifier: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnCodec:
    """How the values of one column are written, the placeholder for an unchanged one included."""

    decode: Decode
    unchanged: Json


def codec_of(column: ColumnType) -> ColumnCodec:
    """The codec of a type; a type that Debezium writes as text, or that is unknown, is text."""
    if column.element:
        return _array_codec(_decoder(column.element, column.modifier), column.element)
    unchanged = base64.b64encode(PLACEHOLDER.encode()).decode()
    return ColumnCodec(
        decode=_decoder(column.base, column.modifier),
        unchanged=unchanged if column.base == _BYTEA else PLACEHOLDER,
    )


def _array_codec(decode: Decode, element: int) -> ColumnCodec:
    """Debezium spells the placeholder of an array of integers as the bytes of its text."""
    is_integers = element in _INTEGERS
    return ColumnCodec(
        decode=lambda text: _decode_elements(parse_array(text.decode()), decode),
        unchanged=list(PLACEHOLDER.encode()) if is_integers else [PLACEHOLDER],
    )


def _decode_elements(elements: list[object], decode: Decode) -> Json:
    return [
        _decode_elements(element, decode)
        if isinstance(element, list)
        else None
        if element is None
        else decode(str(element).encode())
        for element in elements
    ]


def _decoder(base: int, modifier: int) -> Decode:
    if base in _TEMPORAL and 0 <= modifier <= _MILLISECOND_PRECISION:
        in_microseconds = _TEMPORAL[base]
        return lambda text: _to_milliseconds(in_microseconds(text))
    return _DECODERS.get(base, bytes.decode)


def _to_milliseconds(microseconds: int) -> int:
    is_infinite = microseconds in _TIMESTAMP_INFINITIES.values()
    return microseconds if is_infinite else microseconds // 1000


def _boolean(text: bytes) -> bool:
    return text == b"t"


def _float(text: bytes) -> Json:
    """JSON has no word for NaN and the infinities: they stay text."""
    return text.decode() if text.endswith((b"NaN", b"Infinity")) else float(text)


def _bytes(text: bytes) -> str:
    return base64.b64encode(bytes.fromhex(text[2:].decode())).decode()


def _date(text: bytes) -> int:
    return _DATE_INFINITIES[text] if text in _DATE_INFINITIES else _days(text.decode())


def _time(text: bytes) -> int:
    hours, minutes, seconds = text.split(b":")
    whole, _, fraction = seconds.partition(b".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + int(
        fraction.ljust(6, b"0")
    )


def _timestamp(text: bytes) -> int:
    if text in _TIMESTAMP_INFINITIES:
        return _TIMESTAMP_INFINITIES[text]
    day, _, rest = text.partition(b" ")
    time, _, era = rest.partition(b" ")
    days = _days((day + b" " + era if era else day).decode())
    return days * _MICROSECONDS_PER_DAY + _time(time)


def _zoned(text: bytes) -> str:
    """The session's zone is UTC, so the offset is always +00."""
    zoned = text.decode()
    if zoned.endswith("infinity"):
        return zoned
    return zoned.replace(" ", "T", 1).replace("+00", "Z", 1)


def _days(text: str) -> int:
    """Days since 1970-01-01, also for the years that `datetime.date` does not reach."""
    day, _, era = text.partition(" ")
    year, month, day_of_month = (int(part) for part in day.split("-"))
    if era == "BC":
        year = 1 - year
    # The calendar repeats every 400 years of 146,097 days.
    cycles, year_of_cycle = divmod(year - 2000, 400)
    same_day = date(2000 + year_of_cycle, month, day_of_month)
    return same_day.toordinal() - _UNIX_EPOCH_DAY + cycles * 146_097


_BYTEA = 17
_INTEGERS = frozenset({20, 21, 23, 26})
_TEMPORAL: dict[int, Callable[[bytes], int]] = {1083: _time, 1114: _timestamp}
_DECODERS: dict[int, Decode] = {
    16: _boolean,
    _BYTEA: _bytes,
    **dict.fromkeys(_INTEGERS, int),
    700: _float,
    701: _float,
    1082: _date,
    **_TEMPORAL,
    1184: _zoned,
}
"""By the oids of the built-in types, which are part of the server's catalogue and never change."""
