"""How values enter and leave the graph, and how lists are cut into pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError
from strawberry import Some

from resolvers.errors import present
from resolvers.filters import filter_input, filters_of
from resolvers.paging import cursor_of, paging, window
from resolvers.policies import ReadPolicyInput, policy_of
from resolvers.scalars import SCALARS, Long
from schema.canon import Client
from schema.entities.client import Segment
from schema.entity import FilterOp
from schema.errors import Invalid, RateLimited, Rejected
from schema.ids import mint
from schema.local_time import TimeZone
from schema.minutes import Minutes
from schema.system import System
from sync.policy import LIVE, Filter, keyset_of
from sync.records import Record

RECORDS = [
    Record(entity=Client, id=mint("cli", "crm", str(n)), values={}, provenance={}) for n in range(5)
]


def parse(kind: object) -> Callable[[Any], Any]:
    parser = SCALARS[kind].parse_value
    assert parser
    return parser


def shown(kind: object, value: Any) -> Any:
    serialize = SCALARS[kind].serialize
    assert serialize
    return serialize(value)


def test_values_are_spelt_exactly() -> None:
    """Decimals keep their digits, instants are UTC, dates have no time."""
    assert shown(Decimal, Decimal("1E+3")) == "1000"
    assert shown(Decimal, Decimal("1250.00")) == "1250.00"
    assert shown(date, date(2026, 3, 31)) == "2026-03-31"
    moment = datetime(2026, 3, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    assert shown(datetime, moment) == "2026-03-31T12:00:00Z"
    assert parse(datetime)("2026-03-31T14:00:00+02:00") == moment.astimezone(UTC)
    assert parse(Decimal)("-10.50") == Decimal("-10.50")
    assert parse(date)("2026-03-31") == date(2026, 3, 31)
    assert parse(Minutes)(90) == shown(Minutes, Minutes(90)) == 90
    assert parse(TimeZone)("Europe/Amsterdam") == "Europe/Amsterdam"


def test_what_32_bits_cannot_hold_is_a_number_still() -> None:
    """Some systems count versions in microseconds, and an age in milliseconds outgrows 25 days."""
    version = 1_795_529_747_458_638
    assert parse(Long)(version) == shown(Long, version) == version


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *((Long, value) for value in (2**53, -(2**53), 1.0, "1", True, None)),
        *((Decimal, value) for value in (1.5, 1, True, "NaN", "1e9", "1" * 30, "", None, [])),
        *((date, value) for value in ("2026-02-30", "20260331", "2026-W01-1", 5, None)),
        *((datetime, value) for value in ("2026-03-31T12:00:00", "now", 5, None)),
        *((Minutes, value) for value in (-1, 2**31, 1.5, True, "90", None)),
        *((TimeZone, value) for value in ("CET+1", "Mars/Olympus", "", 1, None)),
    ],
)
def test_other_spellings_are_refused(kind: object, value: Any) -> None:
    """A float, a naive time or a day that does not exist is told how to be written."""
    with pytest.raises(GraphQLError, match=r"write it like|send it as text|send whole minutes"):
        parse(kind)(value)


@pytest.mark.parametrize(
    ("bounds", "places"),
    [
        ((None, None, None, None), [0, 1, 2, 3, 4]),
        ((2, None, None, None), [0, 1]),
        ((None, 2, None, None), [3, 4]),
        ((2, None, 1, None), [2, 3]),
        ((None, 2, None, 3), [1, 2]),
        ((5, None, 4, None), []),
        ((None, 5, None, 0), []),
        ((5, None, 1, 3), [2]),
    ],
)
def test_a_window_is_what_relay_says(bounds: tuple[int | None, ...], places: list[int]) -> None:
    """first, last, after and before select from a complete list; bounds are exclusive."""
    first, last, *cursors = bounds
    after, before = (None if c is None else cursor_of(RECORDS[c]) for c in cursors)
    assert list(window(RECORDS, keyset_of(paging(first, last, after, before)))) == places


def test_a_cursor_of_another_list_has_no_effect() -> None:
    """Of many lists under one field, the cursor's record is in one."""
    stranger = Record(entity=Client, id=mint("cli", "crm", "?"), values={}, provenance={})
    keyset = keyset_of(paging(2, None, cursor_of(stranger), None))
    assert list(window(RECORDS, keyset)) == [0, 1]


def test_filters_become_conditions() -> None:
    """What is given is a condition of the canon, what is left out is none."""
    given = filter_input(Client)(name_contains="acme", segment=[Segment.SMALL])
    assert filters_of(Client, given) == (
        Filter(field="name", op=FilterOp.CONTAINS, value="acme"),
        Filter(field="segment", op=FilterOp.IN, value=(Segment.SMALL,)),
    )
    assert filters_of(Client, None) == ()


def test_a_filter_has_a_bounded_number_of_values() -> None:
    """A list of thousands would become a query of thousands at the owner."""
    given = filter_input(Client)(account_manager=["a"] * 251)
    with pytest.raises(Invalid, match="at most 250"):
        filters_of(Client, given)


def test_without_a_policy_reads_are_live() -> None:
    """The default may differ by field."""
    assert policy_of(None) is LIVE
    with pytest.raises(Invalid, match="0 or more"):
        policy_of(ReadPolicyInput(max_age_seconds=Some(-1)))


def test_an_owners_refusal_keeps_its_words_and_its_code() -> None:
    """What the owner said reaches the client, with what to do about it as data."""
    refusal = Rejected("Period 2026-03 is closed.", system=System.ERP, owner_code="CLOSED")
    error = present(GraphQLError("", original_error=refusal, path=["x"]), "id")
    assert error.message == "Period 2026-03 is closed."
    assert error.extensions == {
        "code": "REJECTED",
        "retryable": False,
        "system": "ERP",
        "ownerCode": "CLOSED",
    }
    pause = RateLimited("Slow down.", system=System.CRM, retry_after=timedelta(seconds=2))
    error = present(GraphQLError("", original_error=pause, path=["x"]), "id")
    assert (error.extensions or {})["retryAfterMs"] == 2000
