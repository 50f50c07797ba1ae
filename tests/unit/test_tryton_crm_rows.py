"""The CRM's records in Tryton as rows: clients, opportunities, contracts and their amendments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from hub.registry import captured_tables
from schema.entities.amendment import AmendmentKind, AmendmentStatus
from schema.entities.engagement import EngagementStage
from schema.entities.sow import BillMethod, SowStatus
from schema.entity import FilterOp
from sync.connectors.binding import Row
from sync.connectors.codec import decode
from sync.connectors.ports import Condition
from sync.connectors.refs import Ref
from sync.connectors.tryton_crm import CRM
from sync.connectors.tryton_crm_bindings import AMENDMENT, CLIENT, ENGAGEMENT, SOW
from sync.connectors.tryton_crm_rows import (
    SHAPES,
    read_amendment,
    read_client,
    read_engagement,
    read_sow,
)
from sync.connectors.tryton_shapes import domain_of

STAMP = {"_timestamp": "1790000000.000042"}


def engagement(**fields: Any) -> Row:
    return read_engagement(
        {
            "id": 7,
            "number": "OPP-00007",
            "reference": None,
            "description": "Audit 2026",
            "party": {"code": "ACC-00001"},
            "state": "lead",
            "amount": "1000.00",
            "currency": {"code": "EUR"},
            "conversion_probability": 0.65,
            "start_date": "2026-12-01",
            "employee": {"party": {"email": "ann@firm.example"}},
            "company": {"party": {"code": "NL01"}},
            **STAMP,
            **fields,
        }
    )


def sow(**fields: Any) -> Row:
    return read_sow(
        {
            "id": 3,
            "number": "SOW-00003",
            "reference": "PO-1",
            "comment": "contract:CN-2026-0003\nplease call first",
            "opportunity": "OPP-00007",
            "revision": 1,
            "description": "Main works",
            "state": "processing",
            "untaxed_amount": "5000.00",
            "currency": {"code": "EUR"},
            "shipping_date": "2026-12-01",
            "payment_term": {"lines": [{"relativedeltas": [{"days": 30}]}]},
            "lines": [{"id": 1, "product": {"code": "FIXED"}}],
            **STAMP,
            **fields,
        }
    )


def amendment(*lines: Row, **fields: Any) -> Row:
    return read_amendment(
        {
            "id": 12,
            "sale": {"number": "SOW-00003", "amendments": [14, 12, 9]},
            "date": "2026-12-01",
            "description": "More work",
            "state": "draft",
            "lines": lines or None,
            **STAMP,
            **fields,
        }
    )


PRICE: Row = {
    "action": "line",
    "quantity": 1.0,
    "unit_price": "6000.0000",
    "line": {"quantity": 1.0, "unit_price": "5000.0000"},
    "payment_term": None,
}


@pytest.mark.parametrize(
    ("state", "stage"),
    [
        ("lead", EngagementStage.QUALIFYING),
        ("opportunity", EngagementStage.PROPOSED),
        ("converted", EngagementStage.PROPOSED),
        ("won", EngagementStage.WON),
        ("lost", EngagementStage.LOST),
        ("cancelled", EngagementStage.LOST),
    ],
)
def test_every_state_of_an_opportunity_is_a_stage(state: str, stage: EngagementStage) -> None:
    """Tryton tells an opportunity with a quotation from one without; we do not."""
    assert decode(ENGAGEMENT, engagement(state=state))["stage"] is stage


def test_a_filter_by_stage_asks_for_all_states_behind_it() -> None:
    """Proposed are those with a quotation, too."""
    where = Condition(column="stage", op=FilterOp.IN, value=("PROPOSED",))
    [clause] = domain_of(SHAPES["sale.opportunity"], [where])
    assert clause == ["state", "in", ["opportunity", "converted"]]


def test_a_lead_may_lack_what_only_an_opportunity_needs() -> None:
    """No party, no seller, no text: its number is its name."""
    told = decode(ENGAGEMENT, engagement(party=None, employee=None, description=None, amount=None))
    assert (told["client_id"], told["account_manager"], told["expected_value"]) == (None,) * 3
    assert (told["name"], told["probability"]) == ("OPP-00007", Decimal("0.65"))


def test_a_sale_reads_as_a_contract() -> None:
    """Its lines say what it is worth and how it is priced, its comment which contract it is."""
    told = decode(SOW, sow())
    assert (told["number"], told["version"], told["payment_terms_days"]) == ("CN-2026-0003", 2, 30)
    assert (told["method"], told["status"]) == (BillMethod.FIXED_PRICE, SowStatus.ACTIVE)
    assert str(told["cap"].amount) == "5000.00"
    assert told["engagement_id"].external_id == "OPP-00007"


def test_a_contract_made_in_tryton_has_trytons_number() -> None:
    """No line of its comment says another; worth nothing means without a ceiling."""
    told = decode(SOW, sow(comment=None, opportunity=None, lines=None, untaxed_amount="0.00"))
    assert (told["number"], told["engagement_id"], told["cap"], told["method"]) == (
        *("SOW-00003", None, None, None),
    )


def test_a_contract_is_found_by_either_number() -> None:
    """Whichever of the two the reader has seen."""
    where = Condition(column="contract_no", op=FilterOp.IN, value=("CN-1",))
    assert domain_of(SHAPES["sale.sale"], [where])[-1] == [
        "OR",
        ["comment", "like", "%contract:CN-1%"],
        ["number", "in", ["CN-1"]],
    ]


def test_a_contract_is_found_by_its_opportunity() -> None:
    """A sale may come of other things, so Tryton wants to know of what."""
    where = Condition(column="opportunity", op=FilterOp.IN, value=("OPP-00007",))
    assert ["origin.number", "in", ["OPP-00007"], "sale.opportunity"] in domain_of(
        SHAPES["sale.sale"], [where]
    )


def test_an_amendment_says_what_it_makes_of_the_ceiling() -> None:
    """While it is a draft the contract still shows what it replaces."""
    told = decode(AMENDMENT, amendment(PRICE))
    assert (told["kind"], told["status"]) == (AmendmentKind.CAP, AmendmentStatus.DRAFT)
    assert told["sequence"] == 2
    [change] = told["changes"]
    assert (change.term, change.before, change.after) == ("ceiling_amount", "5000.00", "6000.00")


def test_an_applied_amendment_has_overwritten_what_was_there() -> None:
    """What stands in the contract now is not what it replaced."""
    [change] = decode(AMENDMENT, amendment(PRICE, state="validated"))["changes"]
    assert (change.before, change.after) == (None, "6000.00")


def test_an_amendment_without_lines_is_of_no_known_kind() -> None:
    """Tryton has no word for what it may be about."""
    told = decode(AMENDMENT, amendment())
    assert (told["kind"], told["changes"], told["reason"]) == (None, [], "More work")


@pytest.mark.parametrize(
    ("code", "number"), [("CHG-00012", 12), ("CHG-12", 0), ("CHG-x", 0), ("12", 0)]
)
def test_an_amendment_is_called_by_trytons_id(code: str, number: int) -> None:
    """What is no such code belongs to no amendment."""
    where = Condition(column="change_no", op=FilterOp.IN, value=(code,))
    assert domain_of(SHAPES["sale.amendment"], [where]) == [["id", "in", [number]]]
    assert amendment()["change_no"] == "CHG-00012"


def test_a_client_is_in_the_segment_that_its_category_names() -> None:
    """Other categories are Tryton's own business."""
    row = read_client(
        {
            "id": 1,
            "code": "ACC-00001",
            "name": "Acme",
            "categories": [{"name": "Newsletter"}, {"name": "Small"}],
            "identifiers": None,
            "addresses": None,
            "customer_payment_term": None,
            **STAMP,
        }
    )
    assert decode(CLIENT, row)["segment"].name == "SMALL"
    assert decode(CLIENT, row, copies=True) == dict.fromkeys(CLIENT.copies)


def test_records_are_called_as_other_systems_call_them() -> None:
    """A reference is the number that people know."""
    told = decode(AMENDMENT, amendment())
    assert isinstance(told["sow_id"], Ref)
    assert told["sow_id"].external_id == sow()[SOW.key] == "SOW-00003"


def test_of_every_table_the_number_of_its_record_is_captured() -> None:
    """Touches name a record by Tryton's id, whatever its code."""
    for table in captured_tables(CRM.bindings):
        assert table.columns is not None
        assert len(table.columns) == 1, table
    assert all(SHAPES[one.resource].paths[one.touched_by or ""] == "id" for one in CRM.bindings)
