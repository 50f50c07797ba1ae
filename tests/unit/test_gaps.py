"""What a system is named for by the policy and does not hold."""

from __future__ import annotations

from hub.gaps import gap_of
from schema.canon import Client, LegalEntity, Milestone, RateCard, Sow, TimeEntry
from schema.system import System
from sync.connectors.erp import Erp
from sync.connectors.tryton_erp import ERP


def test_a_type_that_is_not_bound_is_named_whole() -> None:
    """Tryton's accounting has no contracts."""
    for entity in (Sow, Milestone):
        gap = gap_of(System.ERP, entity, ERP.bindings)
        assert gap is not None
        assert (gap.is_whole, gap.words) == (True, "any of it")


def test_of_a_type_that_is_bound_the_missing_fields_are_named() -> None:
    """Owned ones and copies, as clients of the graph know them."""
    gap = gap_of(System.ERP, Client, ERP.bindings)
    assert gap is not None
    assert not gap.is_whole
    assert {"creditStatus", "tradingName"} <= set(gap.words.split(", "))
    assert "billTo" not in gap.words
    lines = gap_of(System.ERP, TimeEntry, ERP.bindings)
    assert lines is not None
    assert "activity" in lines.words


def test_what_the_policy_does_not_name_is_no_gap() -> None:
    """The ERP is to hold no rate cards, and a stand-in has every legal entity whole."""
    assert gap_of(System.ERP, RateCard, ERP.bindings) is None
    assert gap_of(System.ERP, LegalEntity, Erp.bindings) is None
