"""Every kind of value a canonical field may have, from a system's row to the graph and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers.scalars import SCALARS
from schema.entity import FilterOp, bare_type, entity, owned_by, owned_fields
from schema.errors import Poison
from schema.fx import FxRate
from schema.groups import RESOURCE_SKILLS
from schema.ids import ResourceId
from schema.local_time import TimeZone
from schema.minutes import Minutes
from schema.rate import Rate, RateUnit
from schema.system import System
from sync.apply.staging import _stores
from sync.connectors.binding import Binding, FxColumns, RateColumns, column
from sync.connectors.codec import decode
from sync.connectors.encoding import encode
from sync.json_form import from_json, json_form
from sync.policy import Filter, Keyset
from sync.read.projected import _converter, page_statement
from sync.store.projection_tables import column_names, table_for


def field(description: str) -> Any:
    return owned_by(RESOURCE_SKILLS, description=description, default=None)


@entity(prefix="bkg")
class Booking:
    """A person's booked work."""

    id: ResourceId = owned_by(RESOURCE_SKILLS, description="Canonical id.")
    length: Minutes | None = field("How long.")
    zone: TimeZone | None = field("Where.")
    is_billable: bool | None = field("Whether it is billed.")
    share: Decimal | None = field("Share of a day.")
    price: Rate | None = field("What it costs.")
    fx: FxRate | None = field("What its currency is worth.")


BOOKING = Binding(
    entity=Booking,
    system=System.PSA,
    resource="bookings",
    key="id",
    anchor_key="id",
    owns={
        "length": column("mins"),
        "zone": column("tz"),
        "is_billable": column("billable"),
        "share": column("fraction"),
        "price": RateColumns(
            amount="rate", currency="cur", per="unit", words={"HR": RateUnit.HOUR}
        ),
        "fx": FxColumns(rate="fx", base="cur", quote="books", on="day", source="by"),
    },
)
ROW = {
    "mins": 90,
    "tz": "Europe/Amsterdam",
    "billable": True,
    "fraction": "0.1875",
    "rate": "187.505",
    "cur": "EUR",
    "unit": "HR",
    "fx": "0.00003712345678",
    "books": "USD",
    "day": "2026-11-02",
    "by": "ECB",
}
VALUES: Mapping[str, Any] = {
    "length": Minutes(90),
    "zone": TimeZone("Europe/Amsterdam"),
    "is_billable": True,
    "share": Decimal("0.1875"),
    "price": Rate(amount=Decimal("187.505"), currency="EUR", per=RateUnit.HOUR),
    "fx": FxRate(
        base="EUR",
        quote="USD",
        rate=Decimal("0.00003712345678"),
        on=date(2026, 11, 2),
        source="ECB",
    ),
}


def test_rows_become_values_and_values_rows() -> None:
    """Both directions of one binding agree."""
    assert decode(BOOKING, ROW) == VALUES
    assert encode(BOOKING, VALUES) == ROW


def test_a_rate_that_is_not_known_keeps_its_currency() -> None:
    """The currency column may be another amount's too."""
    assert encode(BOOKING, {"price": None}) == {"rate": None}
    for missing in ("rate", "cur", "unit"):
        assert decode(BOOKING, {**ROW, missing: None})["price"] is None


def test_an_fx_rate_that_is_not_known_keeps_its_currency() -> None:
    """All but the base is emptied, and any part that is missing leaves nothing to convert by."""
    assert encode(BOOKING, {"fx": None}) == dict.fromkeys(("fx", "books", "day", "by"))
    for missing in ("fx", "cur", "books", "day", "by"):
        assert decode(BOOKING, {**ROW, missing: None})["fx"] is None


def test_parts_hold_an_fx_rate_as_json() -> None:
    """Where a record holds parts, its five parts are named, and the day and the rate are text."""
    form = json_form(VALUES["fx"])
    assert form == {
        "base": "EUR",
        "quote": "USD",
        "rate": "0.00003712345678",
        "on": "2026-11-02",
        "source": "ECB",
    }
    assert from_json(FxRate)(form) == VALUES["fx"]


@pytest.mark.parametrize(
    "cell",
    [
        {"fx": 1.09},
        {"fx": "0"},
        {"fx": "-1.09"},
        {"books": "EUR"},
        {"books": "XYZ"},
        {"mins": -1},
        {"mins": 1.5},
        {"mins": True},
        {"tz": "Mars/Olympus"},
        {"tz": 1},
        {"billable": "yes"},
        {"billable": 1},
        {"fraction": 0.1875},
        {"unit": "FORTNIGHT"},
    ],
)
def test_what_the_kind_cannot_be_is_poison(cell: dict[str, Any]) -> None:
    """A negative duration or rate, an unknown zone or currency, a float, a word nobody declared."""
    with pytest.raises(Poison, match="bad_value"):
        decode(BOOKING, {**ROW, **cell})


def test_the_projection_keeps_each_value_as_it_is() -> None:
    """What is staged under a field's columns is read back as the same value."""
    for name, store in _stores(BOOKING, frozenset(VALUES)):
        declared = owned_fields(Booking)[name]
        for value in (VALUES[name], None):
            columns = store([value], {})
            assert len(columns) == len(column_names(declared))
            cells = (cell for [cell] in columns)
            assert _converter(bare_type(declared.type))(*cells) == value


def test_the_projection_has_a_column_for_each_part() -> None:
    """Amounts have six decimals, a rate stands in three columns, one of exchange in five."""
    columns = table_for(Booking).columns
    kinds = {c.name: str(c.type) for c in columns if "psa_" not in c.name}
    assert kinds == {
        "id": 'TEXT COLLATE "C"',
        "length": "BIGINT",
        "zone": "TEXT",
        "is_billable": "BOOLEAN",
        "share": "NUMERIC(24, 10)",
        "price_amount": "NUMERIC(20, 6)",
        "price_currency": "TEXT",
        "price_per": "TEXT",
        "fx_rate": "NUMERIC",
        "fx_base": "TEXT",
        "fx_quote": "TEXT",
        "fx_on": "DATE",
        "fx_source": "TEXT",
    }


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [("zone", "UTC", "TEXT"), ("is_billable", True, "BOOLEAN"), ("length", 90, "BIGINT")],
)
def test_the_projection_is_filtered_in_the_fields_own_kind(
    name: str, value: Any, kind: str
) -> None:
    """A list of flags or numbers is compared as such, not as text."""
    narrowed = Filter(field=name, op=FilterOp.IN, value=(value,))
    statement, arguments = page_statement(Booking, [narrowed], Keyset(limit=1))
    assert f"{name} = ANY ($1::{kind}[])" in statement
    assert arguments[0] == [value]


def test_json_holds_decimals_as_text() -> None:
    """The form that deliveries are compared by, whatever digits a system prints."""
    padded = Rate(amount=Decimal("187.505000"), currency="EUR", per=RateUnit.HOUR)
    assert json_form(padded) == {"amount": "187.505", "currency": "EUR", "per": "hour"}
    assert json_form(True) is True


def test_the_graph_has_a_scalar_for_each_kind() -> None:
    """An entity's annotations become the types of the SDL."""

    @strawberry.type
    class Query:
        @strawberry.field
        def booking(self, longer_than: Minutes, zone: TimeZone) -> Booking:
            return Booking(id=ResourceId("bkg_1"), **{**VALUES, "zone": zone})

    graph = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))
    answer = graph.execute_sync(
        """query ($zone: TimeZone!) { booking(longerThan: 30, zone: $zone)
           { length zone isBillable share price { amount currency per } } }""",
        variable_values={"zone": "Pacific/Apia"},
    )
    assert answer.errors is None
    assert answer.data == {
        "booking": {
            "length": 90,
            "zone": "Pacific/Apia",
            "isBillable": True,
            "share": "0.1875",
            "price": {"amount": "187.505", "currency": "EUR", "per": "HOUR"},
        }
    }
