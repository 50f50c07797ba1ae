"""What the stand-ins accept as a value, and as a fault."""

from decimal import Decimal

import orjson
import pytest

from hub.demo import kinds
from hub.demo.faults import Fault, Mode, read_fault
from hub.demo.kinds import Kind
from hub.demo.quota import Bucket, Quota
from hub.demo.refusals import Reason, Refusal


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (kinds.MONEY, 12.5),
        (kinds.MONEY, 12),
        (kinds.MONEY, "12.505"),
        (kinds.MONEY, "NaN"),
        (kinds.MONEY, "1e5"),
        (kinds.MONEY, "9" * 16),
        (kinds.DATE, "20260131"),
        (kinds.DATE, "2026-02-30"),
        (kinds.DATE, "2026-W01-1"),
        (kinds.DATE, 20260131),
        (kinds.ID, "-1"),
        (kinds.ID, "٣"),
        (kinds.ID, str(2**63)),
        (kinds.ID, True),
        (kinds.PERCENT, 101),
        (kinds.PERCENT, True),
        (kinds.COUNT, -1),
        (kinds.COUNT, 2**31),
        (kinds.TEXT, "a\0b"),
        (kinds.TEXT, 3),
        (kinds.COUNTRY, "nl"),
        (kinds.CURRENCY, "EURO"),
        (kinds.IDS, "1,2"),
        (kinds.IDS, ["x"]),
        (kinds.TEXTS, [None]),
    ],
)
def test_a_value_the_database_would_choke_on_is_refused(kind: Kind, value: object) -> None:
    """The refusal comes before the database, so that it can name the field."""
    with pytest.raises(ValueError, match=r"must be|is larger"):
        kind.decode(value)


def test_money_keeps_its_cents() -> None:
    """Amounts come in as text and stay exact."""
    assert kinds.MONEY.decode("-1250.10") == Decimal("-1250.10")


def test_a_fault_takes_its_defaults() -> None:
    """Only the mode must be named."""
    assert read_fault(b'{"mode": "slow"}') == Fault(mode=Mode.SLOW, seconds=2.5)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        [],
        {"mode": "sideways"},
        {"mode": "slow", "seconds": -1},
        {"mode": "slow", "seconds": "2"},
        {"mode": "down", "only_writes": "yes"},
        {"mode": "down", "colour": "red"},
    ],
)
def test_a_misspelt_fault_is_refused(wanted: object) -> None:
    """A test that thinks it switched a fault on must not run without one."""
    with pytest.raises(Refusal):
        read_fault(orjson.dumps(wanted))


def test_a_quota_refuses_until_it_has_filled_again() -> None:
    """A burst goes through, the next call is told how long to wait, and then may come."""
    now = [0.0]
    bucket = Bucket(Quota(per_second=0.5, burst=2), clock=lambda: now[0])
    bucket.take()
    bucket.take()
    with pytest.raises(Refusal) as refused:
        bucket.take()
    assert (refused.value.reason, refused.value.retry_after) == (Reason.TOO_MANY, 2)
    now[0] = 2.0
    bucket.take()
