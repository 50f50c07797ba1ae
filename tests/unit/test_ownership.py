"""Ownership: which system takes a write."""

from __future__ import annotations

import pytest

from schema.canon import Client, Invoice
from schema.errors import Invalid, NotOwned
from schema.system import System
from sync.write.ownership import lifecycle_of, owner_of


def test_the_fields_name_their_owner() -> None:
    """Without a named owner the fields decide; with one it must be theirs."""
    assert owner_of(Client, ["bill_to", "tax_id"]) is System.ERP
    assert owner_of(Client, ["name"], named=System.CRM) is System.CRM


def test_a_refusal_groups_fields_by_owner() -> None:
    """Several owners are each named once, with their fields."""
    with pytest.raises(NotOwned) as refused:
        owner_of(Client, ["name", "bill_to", "segment"])
    assert refused.value.message == (
        "name, segment belong to CRM; billTo belongs to ERP: send one mutation per owner."
    )


def test_a_derived_field_points_to_its_sources() -> None:
    """What is computed cannot be written."""
    with pytest.raises(Invalid, match="status is derived from ledgerStatus and draftStatus"):
        owner_of(Invoice, ["status"])


def test_actions_have_performers() -> None:
    """The ledger posts invoices."""
    assert lifecycle_of(Invoice).performer("post") is System.ERP
