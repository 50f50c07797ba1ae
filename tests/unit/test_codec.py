"""Cells to canonical values, in both spellings: the API's and the envelope's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from schema.entities.client import Client, CreditStatus
from schema.entities.legal_entity import LegalEntity
from schema.entities.project import Project, ProjectStatus
from schema.entities.resource import Resource
from schema.errors import Invalid, Poison
from schema.money import Money
from schema.system import System
from sync.connectors import crm, erp, psa
from sync.connectors.cells import date_of, decimal_of, instant_of
from sync.connectors.codec import decode
from sync.connectors.encoding import encode
from sync.connectors.refs import Ref, references, resolved

DAY = date(2026, 11, 24)
DAY_NUMBER = (DAY - date(1970, 1, 1)).days
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
PROJECT_ROW = {
    "project_no": "P-2601-001",
    "description": "Audit",
    "customer_no": "C10001",
    "crm_opportunity": "OPP-00001",
    "entity_code": "NL01",
    "currency": "EUR",
    "project_status": "ON_HOLD",
    "budget_hours": 10,
    "budget_amount": "1250.50",
    "start_on": "2026-11-24",
    "end_on": None,
}


def test_a_row_becomes_canonical_values() -> None:
    """Words, money, hours, dates and references, each as the canon has them."""
    assert decode(erp.PROJECT, PROJECT_ROW) == {
        "code": "P-2601-001",
        "name": "Audit",
        "client_id": Ref(Client, "erp", "C10001"),
        "engagement_id": Ref(crm.ENGAGEMENT.entity, "crm", "OPP-00001"),
        "legal_entity_id": Ref(LegalEntity, "erp", "NL01"),
        "currency": "EUR",
        "status": ProjectStatus.SUSPENDED,
        "starts_on": DAY,
        "ends_on": None,
        "budget": Money(amount=Decimal("1250.50"), currency="EUR"),
        "budget_minutes": 600,
    }


def test_an_envelope_spells_the_same_values() -> None:
    """Days since 1970 in the place of ISO text give the same record."""
    captured = {**PROJECT_ROW, "start_on": DAY_NUMBER}
    assert decode(erp.PROJECT, captured) == decode(erp.PROJECT, PROJECT_ROW)


def test_what_a_row_does_not_tell_is_left_out() -> None:
    """Absent is not null: nothing is known, and nothing is overwritten."""
    assert decode(erp.CLIENT, {}) == {}


def test_money_needs_both_its_columns() -> None:
    """An amount whose currency the envelope did not send is left out, not guessed."""
    assert "budget" not in decode(erp.PROJECT, {"budget_amount": "1.00"})


@pytest.mark.parametrize(
    "cell",
    [
        {"credit_block": "FROZEN"},
        {"terms_days": "thirty"},
        {"terms_days": True},
        {"vat_id": 7},
    ],
)
def test_a_value_its_field_cannot_hold_is_poison(cell: dict[str, Any]) -> None:
    """The message names the system, the column and the field."""
    [column] = cell
    with pytest.raises(Poison, match=rf"bad_value: ERP {column}=.* of Client\."):
        decode(erp.CLIENT, cell)


@pytest.mark.parametrize("amount", [12.5, "a lot", "NaN", "Infinity"])
def test_an_amount_that_is_not_exact_is_poison(amount: Any) -> None:
    """A float has already lost the amount; NaN never was one."""
    with pytest.raises(Poison):
        decode(erp.PROJECT, {"budget_amount": amount, "currency": "EUR"})


def test_a_value_nobody_asked_for_is_not_looked_at() -> None:
    """Only the fields named are decoded, so that another one cannot spoil them."""
    row = {"budget_amount": 12.5, "currency": "EUR", "project_no": "P-001"}
    assert decode(erp.PROJECT, row, fields=frozenset({"code"})) == {"code": "P-001"}


def test_a_reference_is_remembered_once_whatever_else_is_asked_for() -> None:
    """Every query has fields of its own; what is remembered must not grow with their sets."""
    sets = [frozenset({"client_id"}), frozenset({"client_id", "code"})]
    one, other = (decode(erp.PROJECT, PROJECT_ROW, fields=names)["client_id"] for names in sets)
    assert one is other


def test_values_become_cells_in_the_systems_words() -> None:
    """Words, exact text for amounts, hours for minutes, ISO days."""
    assert encode(
        erp.PROJECT,
        {
            "status": ProjectStatus.SUSPENDED,
            "budget": Money(amount=Decimal("1250.50"), currency="EUR"),
            "budget_minutes": 600,
            "starts_on": DAY,
            "ends_on": None,
        },
    ) == {
        "project_status": "ON_HOLD",
        "budget_amount": "1250.50",
        "currency": "EUR",
        "budget_hours": 10,
        "start_on": "2026-11-24",
        "end_on": None,
    }


def test_minutes_that_are_no_whole_hours_are_refused() -> None:
    """Rounding a budget silently would change it."""
    with pytest.raises(Invalid, match="61 minutes"):
        encode(erp.PROJECT, {"budget_minutes": 61})


def test_every_word_has_one_meaning_and_back() -> None:
    """Encoding a member and decoding its word gives the member."""
    for member in CreditStatus:
        row = encode(erp.CLIENT, {"credit_status": member})
        assert decode(erp.CLIENT, row) == {"credit_status": member}


def test_references_in_lists_are_found_and_replaced() -> None:
    """Each once, in the order of their ids; those who are not known yet are left out."""
    values = decode(psa.PROJECT, {"member_ids": [3, "1", 2]})
    team = [Ref(Resource, System.PSA.value, key) for key in ("3", "1", "2")]
    assert list(references(Project, values)) == team
    assert resolved(values["team_ids"], {team[0]: "res_c", team[2]: "res_b"}) == ["res_b", "res_c"]
    assert resolved(values["team_ids"], dict.fromkeys(team, "res_a")) == ["res_a"]


def test_a_reference_nobody_knows_yet_is_null() -> None:
    """A single reference has no other way to be absent."""
    assert resolved(Ref(Project, "erp", "P-1"), {}) is None


@pytest.mark.parametrize("cell", ["", None])
def test_an_empty_reference_refers_to_nothing(cell: str | None) -> None:
    """Some systems write empty text for no reference."""
    assert decode(erp.PROJECT, {"crm_opportunity": cell}) == {"engagement_id": None}


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (None, None),
        ("2026-11-24", DAY),
        (DAY_NUMBER, DAY),
        (-1, date(1969, 12, 31)),
        ("infinity", None),
        ("-infinity", None),
        (2_147_483_647, None),
    ],
)
def test_days_in_either_spelling(cell: Any, day: date | None) -> None:
    """ISO text and days since 1970; an infinite day is an open end."""
    assert date_of(cell) == day


@pytest.mark.parametrize(
    "cell",
    ["2026-11-24T12:00:00Z", "2026-11-24T13:00:00+01:00", "2026-11-24T12:00:00", 1795521600000000],
)
def test_instants_in_either_spelling(cell: Any) -> None:
    """ISO text with or without offset, and microseconds since 1970, are one instant in UTC."""
    assert instant_of(cell) == NOON


def test_decimals_stay_exact() -> None:
    """The digits that came are the digits that are kept."""
    assert str(decimal_of("0.10")) == "0.10"
