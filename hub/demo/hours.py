"""Hours as a PSA tells them: decimals with two places, so that 20 minutes are 0.33."""

from decimal import Decimal
from zoneinfo import ZoneInfo

from hub.demo.kinds import Kind, decode_text, exact

DAY = Decimal(24)

_decimal = exact(2)


def decode_hours(value: object) -> Decimal:
    hours = _decimal(value)
    if not 0 <= hours <= DAY:
        raise ValueError("must be hours from 0.00 to 24.00")
    return hours


def decode_zone(value: object) -> str:
    name = decode_text(value)
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("must be a time zone like Europe/Amsterdam") from None
    return name


HOURS = Kind(sql="numeric(6,2)", decode=decode_hours)
ZONE = Kind(sql="text", decode=decode_zone)
