"""The seeded firm: believable, complete and the same every time."""

import pytest

from hub.demo.drawing.dice import FIRST_DAY, TODAY
from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.firm import Firm


@pytest.fixture(scope="module")
def firm() -> Firm:
    return draw_firm(2026)


def test_the_same_number_gives_the_same_firm(firm: Firm) -> None:
    """Tests and documentation may name records of the seed."""
    assert draw_firm(2026) == firm
    assert draw_firm(2027) != firm


def test_the_firm_has_its_promised_size(firm: Firm) -> None:
    """About 40 clients, 70 engagements, 120 projects, 60 people, 600 invoices, three entities."""
    assert (len(firm.clients), len(firm.engagements), len(firm.projects)) == (40, 72, 120)
    assert (len(firm.people), len(firm.invoices)) == (60, 600)
    assert len(list(draw_expenses(firm))) == 500
    assert 5_500 < sum(1 for _ in draw_time_entries(firm)) < 6_500
    assert {one.entity.currency for one in firm.clients} == {"EUR", "GBP", "USD"}
    assert {one.project.engagement.client.entity.code for one in firm.invoices} == {
        "NL01",
        "UK01",
        "US01",
    }
    assert all(3 <= len({one.psa_id for one in project.team}) <= 8 for project in firm.projects)


@pytest.mark.parametrize("seed", range(5))
def test_every_seed_gives_a_firm_without_contradictions(seed: int) -> None:
    """Dates run forward, payments add up and mail addresses are unique."""
    firm = draw_firm(seed)
    assert len({one.email for one in firm.people}) == len(firm.people)
    assert all(one.email.isascii() for one in firm.people)
    for invoice in firm.invoices:
        assert FIRST_DAY <= invoice.project.start_on < invoice.issued_on <= TODAY
        if invoice.document_status == "PAID":
            assert invoice.paid == invoice.gross
        if invoice.document_status == "PART_PAID":
            assert invoice.gross is not None
            assert 0 < invoice.paid < invoice.gross
        if invoice.last_payment_on is not None:
            assert invoice.issued_on <= invoice.last_payment_on <= TODAY
            assert invoice.paid > 0


@pytest.mark.parametrize("seed", range(5))
def test_every_seed_gives_contracts_without_contradictions(seed: int) -> None:
    """Work is done under a contract of its engagement, which says what its changes made of it."""
    firm = draw_firm(seed)
    for project in firm.projects:
        assert project.sow is not None
        assert project.sow.engagement is project.engagement
    for sow in firm.agreements.sows:
        assert sow.prices is not None
        assert sow.prices.book.currency == sow.currency
        assert sow.prices.book.client in (None, sow.engagement.client)
        assert sow.prices.published_at is not None
    for change in firm.agreements.changes:
        [term] = change.changed_terms
        now = {
            "CEILING": change.sow.ceiling and f"{change.sow.ceiling:.2f}",
            "RATE": change.sow.prices and change.sow.prices.version_id,
            "PERIOD": None,
        }
        if change.status == "IN_FORCE":
            assert term["new_value"] == now[change.change_type]
        if change.replaces is not None:
            assert change.replaces.sow is change.sow
            assert change.replaces.changed_terms[0]["new_value"] == term["old_value"]
