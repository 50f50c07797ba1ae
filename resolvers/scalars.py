"""How canonical values are spelt in the graph: ids, days, instants, zones, durations, decimals."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from schema.canon import BY_ID_TYPE
from schema.errors import Invalid
from schema.local_time import TimeZone, time_zone
from schema.minutes import MOST_MINUTES, Minutes

Long = NewType("Long", int)
"""A number that 32 bits may not hold, such as milliseconds or a system's version."""

_LARGEST_LONG = 2**53 - 1  # what JSON's readers can tell apart
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DECIMAL = re.compile(r"-?\d{1,20}(\.\d{1,10})?")


def _parse_date(value: Any) -> date:
    try:
        day = date.fromisoformat(value) if _is_date_text(value) else None
    except ValueError:
        day = None
    if day is None:
        raise GraphQLError(f"{str(value)[:60]!r} is not a date; write it like 2026-03-31.")
    return day


def _is_date_text(value: Any) -> bool:
    return isinstance(value, str) and _DATE.fullmatch(value) is not None


def _parse_instant(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise GraphQLError(
            f"{str(value)[:60]!r} is not an instant; write it like 2026-03-31T12:00:00Z."
        )
    return moment.astimezone(UTC)


def _parse_decimal(value: Any) -> Decimal:
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    raise GraphQLError(
        f'{str(value)[:60]!r} is not an exact decimal; send it as text, like "1250.00".'
    )


def _parse_long(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST_LONG:
        return value
    raise GraphQLError(
        f"{str(value)[:60]!r} is not a whole number of at most 53 bits; write it like 1250."
    )


def _parse_minutes(value: Any) -> Minutes:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_MINUTES:
        return Minutes(value)
    raise GraphQLError(
        f"{str(value)[:60]!r} is not a duration; send whole minutes, from 0 to {MOST_MINUTES}."
    )


def _parse_time_zone(value: Any) -> TimeZone:
    try:
        return time_zone(str(value))
    except Invalid as error:
        raise GraphQLError(error.message) from error


def print_instant(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


SCALARS: dict[object, ScalarDefinition] = {
    **dict.fromkeys(BY_ID_TYPE, DEFAULT_SCALAR_REGISTRY[strawberry.ID]),
    date: strawberry.scalar(
        name="LocalDate",
        description="A calendar day without a time zone, as ISO 8601 text: `2026-03-31`.",
        serialize=date.isoformat,
        parse_value=_parse_date,
    ),
    datetime: strawberry.scalar(
        name="Instant",
        description="A moment in UTC, as ISO 8601 text: `2026-03-31T12:00:00Z`.",
        serialize=print_instant,
        parse_value=_parse_instant,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description='An exact decimal number as text, never a float: `"1250.00"`.',
        serialize=lambda value: format(value, "f"),
        parse_value=_parse_decimal,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of at most 53 bits, as a JSON number.",
        serialize=int,
        parse_value=_parse_long,
    ),
    Minutes: strawberry.scalar(
        name="Minutes",
        description="A duration in whole minutes; 90 is an hour and a half.",
        serialize=int,
        parse_value=_parse_minutes,
    ),
    TimeZone: strawberry.scalar(
        name="TimeZone",
        description="The IANA name of a time zone: `Europe/Amsterdam`.",
        serialize=str,
        parse_value=_parse_time_zone,
    ),
}
