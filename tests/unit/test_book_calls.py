"""The ERP's and billing's words for actions, against the lifecycles that promise them."""

from __future__ import annotations

from datetime import date

import pytest

from schema.entities.invoice import Invoice
from schema.entities.project import Project
from schema.errors import Invalid
from schema.lifecycles import INVOICE, LIFECYCLES, PROJECT
from schema.system import System
from sync.connectors import billing, erp
from sync.connectors.calls import call_of
from sync.connectors.erp_calls import CALLS

BY_SYSTEM = {System.ERP: CALLS, System.BILLING: billing.CALLS}


@pytest.mark.parametrize("lifecycle", [PROJECT, INVOICE], ids=lambda one: one.entity.__name__)
def test_every_promised_action_has_a_call_that_takes_its_arguments(lifecycle: object) -> None:
    """What can be asked for reaches its performer, with exactly the arguments it comes with."""
    for step in LIFECYCLES[lifecycle.entity].transitions:  # type: ignore[attr-defined]
        if not step.happens:
            call = BY_SYSTEM[step.performer][lifecycle.entity, step.action]  # type: ignore[attr-defined]
            assert set(call.names) == set(step.takes)


def test_a_call_carries_days_as_text_and_its_own_fields() -> None:
    """Canonical arguments travel in the system's fields; a fixed field travels always."""
    post = call_of(CALLS, erp.INVOICE, "send")
    assert post.body({"sent_on": date(2026, 12, 1)}) == {"dispatched_on": "2026-12-01"}
    assert call_of(CALLS, erp.PROJECT, "close").body({}) == {"new_status": "CLOSED"}


def test_what_a_system_cannot_do_is_invalid() -> None:
    """An unknown action, or an argument it does not take, never reaches the system."""
    with pytest.raises(Invalid, match="ERP cannot approve a Invoice"):
        call_of(CALLS, erp.INVOICE, "approve")
    with pytest.raises(Invalid, match="does not take by"):
        CALLS[Project, "close"].body({"by": "ann@firm.example"})
    assert (Invoice, "approve") in billing.CALLS
