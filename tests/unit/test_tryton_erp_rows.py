"""Tryton's records as rows, conditions as domains, errors as ours."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from hub.registry import captured_tables
from schema.entities.legal_entity import PeriodState, policy_of
from schema.entity import FilterOp
from schema.errors import Conflict, Rejected
from schema.fx import FxRate
from schema.rounding import RoundingMode, TaxRounding
from schema.system import System
from sync.connectors.binding import Row
from sync.connectors.codec import decode
from sync.connectors.ports import Condition
from sync.connectors.tryton_erp_bindings import (
    CLIENT,
    INVOICE,
    PAYMENT_STATUS,
    PROJECT,
)
from sync.connectors.tryton_erp_entities import LEGAL_ENTITY
from sync.connectors.tryton_erp_rows import SHAPES, read_client, read_entity, read_invoice
from sync.connectors.tryton_session import refusal_of
from sync.connectors.tryton_shapes import domain_of, holds, plain, timestamp_of


def invoice(**fields: Any) -> Row:
    return read_invoice(
        {
            "id": 7,
            "reference": "in_000007",
            "number": "NL01-2026-00001",
            "state": "posted",
            "party": 3,
            "comment": "project:P-2601-001\nplease call first",
            "company": {"party": {"code": "NL01"}, "currency": {"code": "EUR"}},
            "currency": {"code": "EUR"},
            "untaxed_amount": "100.00",
            "tax_amount": "21.00",
            "total_amount": "121.00",
            "amount_to_pay": "121.00",
            "invoice_date": "2026-11-01",
            "accounting_date": None,
            "payment_lines": [],
            "_timestamp": "1790000000.000042",
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("state", "due", "word", "paid", "balance"),
    [
        ("draft", "0", "DRAFT", "0", None),
        ("validated", "0", "DRAFT", "0", None),
        ("posted", "121.00", "POSTED", "0.00", "121.00"),
        ("posted", "21.00", "PART_PAID", "100.00", "21.00"),
        ("posted", "0.00", "PAID", "121.00", "0.00"),
        ("paid", "0", "PAID", "121.00", "0"),
        ("cancelled", "0", "CANCELLED", "0", "0"),
    ],
)
def test_a_state_becomes_the_ledgers_word(
    state: str, due: str, word: str, paid: str, balance: str | None
) -> None:
    """Tryton has no part payment, is late to say paid, and shows nothing to pay while it drafts."""
    row = invoice(state=state, amount_to_pay=due)
    assert (row["ledger_word"], row["paid_amount"], row["open_amount"]) == (word, paid, balance)
    decode(INVOICE, row)
    decode(PAYMENT_STATUS, row)


def test_within_one_currency_the_rate_is_one() -> None:
    """As of the day it was booked, and of nobody's publishing."""
    told = decode(INVOICE, invoice())["fx_to_functional"]
    assert told == FxRate(
        base="EUR", quote="EUR", rate=Decimal(1), on=date(2026, 11, 1), source="PAR"
    )


@pytest.mark.parametrize("fields", [{"state": "draft"}, {"currency": {"code": "USD"}}])
def test_a_rate_that_tryton_does_not_keep_is_unknown(fields: dict[str, Any]) -> None:
    """It is not made up, neither for a draft nor for a document in another currency."""
    assert decode(INVOICE, invoice(**fields))["fx_to_functional"] is None


def test_the_last_payment_is_the_latest_line() -> None:
    """Lines come in no order."""
    row = invoice(payment_lines=[{"date": "2026-11-09"}, {"date": "2026-11-20"}])
    assert row["last_payment_on"] == "2026-11-20"


def test_lines_taxes_and_payments_are_spelt_out() -> None:
    """Floats become text, what is no line is left out, and payments come by day."""
    row = invoice(
        lines=[
            {"type": "title", "description": "Work"},
            {
                "type": "line",
                "description": "Audit",
                "quantity": 1.25,
                "unit": {"symbol": "h"},
                "unit_price": "80.0000",
                "amount": "100.00",
                "taxes": [{"name": "S"}],
            },
        ],
        taxes=[{"base": "100.00", "amount": "21.00", "tax": {"name": "S", "rate": "0.21"}}],
        payment_lines=[
            {"date": "2026-11-20", "credit": "0.00", "debit": "5.00", "move": None},
            {"date": "2026-11-09", "credit": "121.00", "debit": "0.00", "move": {"number": "M1"}},
        ],
    )
    [line] = decode(INVOICE, row, copies=True)["lines"]
    assert (line.line, line.quantity, line.unit, line.tax_code) == (1, Decimal("1.25"), "hour", "S")
    [tax] = decode(INVOICE, row)["tax_lines"]
    assert (tax.code, tax.rate, tax.tax.amount) == ("S", Decimal("0.21"), Decimal("21.00"))
    applications = decode(PAYMENT_STATUS, row)["applications"]
    assert [str(one.amount.amount) for one in applications] == ["121.00", "-5.00"]


def test_a_company_reads_as_a_legal_entity() -> None:
    """Its code is its party's; a locked period is closed."""
    row = read_entity(
        {
            "id": 1,
            "party": {
                "id": 21,
                "code": "NL01",
                "name": "Meridian B.V.",
                "identifiers": [{"code": "NL809163160B01"}],
                "addresses": [{"country": {"code": "NL"}}],
            },
            "currency": {"id": 31, "code": "EUR", "rounding": "0.01"},
            "years": [41, 42],
            "timezone": "Europe/Amsterdam",
            "tax_rounding": "document",
            "periods": [
                {"name": "2026-02", "state": "open"},
                {"name": "2026-01", "state": "locked"},
            ],
            "_timestamp": "1790000000",
        }
    )
    entity = decode(LEGAL_ENTITY, row)
    assert (entity["code"], entity["country"], entity["functional_currency"]) == (
        *("NL01", "NL", "EUR"),
    )
    names = {touch.table: row[LEGAL_ENTITY.column_of(touch)] for touch in LEGAL_ENTITY.touches}
    assert names["public.company_company"] == 1
    assert names["public.party_address"] == 21
    assert names["public.currency_currency"] == 31
    assert names["public.account_period"] == [41, 42]
    policy = policy_of(entity["rounding"])
    assert (policy.tax_rounding, policy.mode) == (
        TaxRounding.CATEGORY_DOCUMENT,
        RoundingMode.HALF_EVEN,
    )
    assert [(one.period, one.state) for one in entity["periods"]] == [
        ("2026-01", PeriodState.CLOSED),
        ("2026-02", PeriodState.OPEN),
    ]


def test_a_version_goes_back_to_the_timestamp_it_came_from() -> None:
    """The guard compares texts: every digit counts."""
    row = invoice()
    assert row["version"] == 1_790_000_000_000_042
    assert timestamp_of(row["version"]) == "1790000000.000042"


def test_a_party_without_lists_is_still_a_client() -> None:
    """Empty lists come as null."""
    row = read_client(
        {
            "id": 1,
            "name": "Acme",
            "identifiers": [{"code": "crm:ACC-00001"}],
            "addresses": None,
            "customer_payment_term": None,
            "_timestamp": "1790000000",
        }
    )
    assert decode(CLIENT, row) == {"bill_to": None, "tax_id": None, "payment_terms_days": None}
    assert row["crm_account"] == "ACC-00001"


def test_marks_are_searched_literally_and_confirmed_exactly() -> None:
    """A wildcard in a reference is text, and a longer id that contains it is another."""
    condition = Condition(column="hub_reference", op=FilterOp.IN, value=("a_1",))
    domain = domain_of(SHAPES["project.work"], [condition])
    assert ["OR", ["comment", "like", "%hub:a\\_1%"]] in domain
    assert holds({"hub_reference": "a_1"}, [condition])
    assert not holds({"hub_reference": "a_12"}, [condition])


def test_a_key_of_another_form_matches_nothing() -> None:
    """Tryton would answer 500 to a text where it expects a number."""
    condition = Condition(column="id", op=FilterOp.IN, value=("12", "x"))
    assert ["id", "in", [12, 0]] in domain_of(SHAPES["party.party"], [condition])


def test_typed_values_become_plain() -> None:
    """Decimals stay exact."""
    typed = {
        "price": {"__class__": "Decimal", "decimal": "1.10"},
        "days": [{"__class__": "date", "year": 2026, "month": 1, "day": 2}],
        "effort": {"__class__": "timedelta", "seconds": 7200.0},
    }
    assert plain(typed) == {"price": "1.10", "days": ["2026-01-02"], "effort": 7200}


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (["UserError", ["Reopen it.", "Really.", None]], Rejected, "ERP: Reopen it. Really."),
        (["UserWarning", ["ab.key", "Due in the past.", ""]], Rejected, "ERP: Due in the past."),
        (["ConcurrencyException", "Modified"], Conflict, "ERP: Modified"),
        (["'company'", ""], Rejected, "ERP: Tryton failed with 'company'"),
    ],
)
def test_an_error_keeps_trytons_words(error: list[Any], kind: type[Exception], words: str) -> None:
    """The caller reads what Tryton says, and nothing of its insides."""
    refusal = refusal_of(System.ERP, error)
    assert type(refusal) is kind
    assert refusal.message == words


def test_of_a_touched_table_only_what_a_touch_reads_is_captured() -> None:
    """Printed invoices are columns too, and stay where they are."""
    columns = {str(table): table.columns for table in captured_tables([INVOICE, PAYMENT_STATUS])}
    assert columns == {
        "public.account_invoice": ("id", "type"),
        "public.account_invoice_line": ("invoice",),
        "public.account_invoice-account_move_line": ("invoice",),
    }


def test_rows_of_other_kinds_touch_nothing() -> None:
    """Tasks are no projects, and supplier invoices are none of ours."""
    [project] = PROJECT.touches
    assert project.record_of({"type": "project", "number": "P-1"}) == "P-1"
    assert project.record_of({"type": "task", "number": "P-2"}) is None
    assert INVOICE.touches[0].record_of({"type": "in", "id": 1}) is None


def test_a_deleted_row_touches_the_record_that_its_key_names() -> None:
    """Nothing but the key is known of it any more, and its kind may have been ours."""
    assert INVOICE.touches[0].record_of({"id": 1}) == "1"
    assert PROJECT.touches[0].record_of({"id": 1}) is None
