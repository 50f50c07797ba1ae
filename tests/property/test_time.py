"""What holds for every duration, shift and zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from schema.local_time import TimeZone, local_date, minutes_of_day, split_at_midnight
from schema.minutes import Increments, Minutes, billable_minutes, hours_of, minutes_of_hours

ZONES = st.sampled_from(
    [
        TimeZone(name)
        for name in (
            "Europe/Amsterdam",
            "America/New_York",
            "America/Sao_Paulo",
            "America/Havana",
            "Australia/Lord_Howe",
            "Pacific/Pago_Pago",
            "Pacific/Apia",
            "Asia/Kathmandu",
            "UTC",
        )
    ]
)
INSTANTS = st.integers(946_684_800, 2_208_988_800).map(lambda s: datetime.fromtimestamp(s, UTC))
"""Of the years 2000 to 2039."""
WORKED = st.builds(Minutes, st.integers(0, 1440))


def test_hours_are_a_view_with_a_way_back() -> None:
    """All durations up to 100 hours survive being printed with two, three or four digits."""
    for count in range(6001):
        for digits in (2, 3, 4):
            assert minutes_of_hours(hours_of(Minutes(count), digits)) == count


@given(st.integers(0, 100_000))
def test_printed_hours_stay_as_they_are_printed(hundredths: int) -> None:
    """Two-decimal hours of whole minutes, read and printed again, are the same hours."""
    hours = hours_of(minutes_of_hours(Decimal(hundredths) / 100))
    assert hours_of(minutes_of_hours(hours)) == hours
    assert abs(hours - Decimal(hundredths) / 100) <= Decimal("0.01")


@given(WORKED, st.integers(1, 240), st.sampled_from(Increments))
def test_increments_are_whole_near_and_final(
    worked: Minutes, increment: int, rule: Increments
) -> None:
    """A started increment never shortens; the nearest is at most half an increment away."""
    billable = billable_minutes(worked, increment, rule)
    assert billable % increment == 0
    assert billable_minutes(billable, increment, rule) == billable
    if rule is Increments.STARTED:
        assert 0 <= billable - worked < increment
    else:
        assert abs(billable - worked) * 2 <= increment


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=4)), ZONES)
def test_a_split_shift_loses_no_minute(start: datetime, length: timedelta, zone: TimeZone) -> None:
    """The parts add up, in order of their days, and no day has more than it lasts."""
    end = start + length
    parts = list(split_at_midnight(start, end, zone))
    worked = end.timestamp() // 60 - start.timestamp() // 60
    assert sum(count for _, count in parts) == worked
    assert all(one < other for (one, _), (other, _) in pairwise(parts))
    assert all(0 < count <= minutes_of_day(day, zone) for day, count in parts)
    if parts:
        assert parts[0][0] == local_date(start, zone)
