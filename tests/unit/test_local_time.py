"""Days and shifts where the clocks change and far from Greenwich."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from schema.errors import Invalid
from schema.local_time import (
    TimeZone,
    day_start,
    local_date,
    minutes_of_day,
    split_at_midnight,
    time_zone,
)
from schema.minutes import (
    MOST_MINUTES,
    Increments,
    Minutes,
    billable_minutes,
    hours_of,
    minutes,
    minutes_of_hours,
)

AMSTERDAM = TimeZone("Europe/Amsterdam")
NEW_YORK = TimeZone("America/New_York")
PAGO_PAGO = TimeZone("Pacific/Pago_Pago")  # -11
APIA = TimeZone("Pacific/Apia")  # +13
SAO_PAULO = TimeZone("America/Sao_Paulo")


@pytest.mark.parametrize(
    ("day", "zone", "lasts"),
    [
        (date(2026, 3, 29), AMSTERDAM, 1380),
        (date(2026, 10, 25), AMSTERDAM, 1500),
        (date(2026, 10, 26), AMSTERDAM, 1440),
        (date(2026, 3, 8), NEW_YORK, 1380),
        (date(2026, 11, 1), NEW_YORK, 1500),
        (date(2026, 3, 29), PAGO_PAGO, 1440),
        (date(2026, 3, 29), APIA, 1440),
        (date(2018, 11, 4), SAO_PAULO, 1380),  # began at 01:00
        (date(2011, 12, 30), APIA, 0),  # crossed the date line
    ],
)
def test_how_long_a_local_day_lasts(day: date, zone: TimeZone, lasts: int) -> None:
    """Days are shorter or longer where the clocks change, and one never was."""
    assert minutes_of_day(day, zone) == lasts


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [
        (PAGO_PAGO, 29, 30),
        (NEW_YORK, 30, 30),
        (AMSTERDAM, 30, 30),
        (APIA, 30, 31),
    ],
)
def test_one_instant_is_on_different_days(zone: TimeZone, before: int, after: int) -> None:
    """At 11:00 UTC the 30th begins in Pago Pago and ends in Apia."""
    eleven = datetime(2026, 1, 30, 11, tzinfo=UTC)
    assert local_date(eleven - timedelta(seconds=1), zone) == date(2026, 1, before)
    assert local_date(eleven, zone) == date(2026, 1, after)


def test_a_day_that_skips_its_midnight_begins_when_it_begins() -> None:
    """Where the clock went from 24:00 to 01:00, that moment is the start."""
    assert day_start(date(2018, 11, 4), SAO_PAULO) == datetime(2018, 11, 4, 3, tzinfo=UTC)


def test_an_overnight_shift_is_two_days_work() -> None:
    """22:00 to 06:00 in New York, in ordinary time and over both changes of the clock."""
    ordinary = (datetime(2026, 6, 2, 2, tzinfo=UTC), datetime(2026, 6, 2, 10, tzinfo=UTC))
    assert list(split_at_midnight(*ordinary, NEW_YORK)) == [
        (date(2026, 6, 1), 120),
        (date(2026, 6, 2), 360),
    ]
    spring = (datetime(2026, 3, 8, 3, tzinfo=UTC), datetime(2026, 3, 8, 10, tzinfo=UTC))
    assert list(split_at_midnight(*spring, NEW_YORK)) == [
        (date(2026, 3, 7), 120),
        (date(2026, 3, 8), 300),
    ]
    autumn = (datetime(2026, 11, 1, 2, tzinfo=UTC), datetime(2026, 11, 1, 11, tzinfo=UTC))
    assert list(split_at_midnight(*autumn, NEW_YORK)) == [
        (date(2026, 10, 31), 120),
        (date(2026, 11, 1), 420),
    ]


def test_a_shift_from_midnight_to_midnight_is_one_days_work() -> None:
    """Midnight belongs to the day it begins; no empty part follows."""
    start, end = (day_start(date(2026, 10, day), AMSTERDAM) for day in (25, 26))
    assert list(split_at_midnight(start, end, AMSTERDAM)) == [(date(2026, 10, 25), 1500)]
    assert list(split_at_midnight(start, start, AMSTERDAM)) == []


def test_the_hour_that_comes_twice_keeps_its_order() -> None:
    """02:30 summer time to 02:15 winter time is 45 minutes, although the clock went back."""
    start = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    end = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    assert list(split_at_midnight(start, end, AMSTERDAM)) == [(date(2026, 10, 25), 45)]
    with pytest.raises(Invalid, match="before it starts"):
        list(split_at_midnight(end, start, AMSTERDAM))


def test_a_time_without_offset_is_no_instant() -> None:
    """Which day it is on cannot be known, and is not guessed."""
    with pytest.raises(Invalid, match="offset"):
        local_date(datetime(2026, 6, 30), AMSTERDAM)  # noqa: DTZ001 - the mistake in question


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/amsterdam", "Europe", "../etc/passwd", "localtime", "+01"]
)
def test_only_iana_names_are_zones(name: str) -> None:
    """Not offsets, folders, files, other spellings or whatever this machine is set to."""
    with pytest.raises(Invalid, match="no IANA time zone"):
        time_zone(name)
    assert time_zone("Europe/Amsterdam") == AMSTERDAM


def test_hours_are_printed_as_the_reader_wants_them() -> None:
    """Twenty minutes are 0.33 hours with two digits, and the 20 minutes again."""
    assert str(hours_of(Minutes(20))) == "0.33"
    assert str(hours_of(Minutes(440), digits=6)) == "7.333333"
    assert minutes_of_hours(Decimal("7.33")) == 440


@pytest.mark.parametrize("count", [-1, MOST_MINUTES + 1])
def test_nothing_lasts_less_than_nothing(count: int) -> None:
    """Nor 4,000 years."""
    with pytest.raises(Invalid, match="no duration"):
        minutes(count)
    with pytest.raises(Invalid, match="no duration"):
        minutes_of_hours(Decimal(count) / 60)


@pytest.mark.parametrize(
    ("worked", "increment", "rule", "billable"),
    [
        (0, 15, Increments.STARTED, 0),
        (1, 15, Increments.STARTED, 15),
        (15, 15, Increments.STARTED, 15),
        (7, 15, Increments.NEAREST, 0),
        (8, 15, Increments.NEAREST, 15),
        (3, 6, Increments.NEAREST, 6),
        (61, 1, Increments.NEAREST, 61),
    ],
)
def test_worked_minutes_become_increments(
    worked: int, increment: int, rule: Increments, billable: int
) -> None:
    """As the rate line says: each started one, or the nearest with half of one as a whole."""
    assert billable_minutes(Minutes(worked), increment, rule) == billable
    with pytest.raises(Invalid, match="bills nothing"):
        billable_minutes(Minutes(worked), 0, rule)
