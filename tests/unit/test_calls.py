"""The systems' words for actions, against the lifecycles that promise them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import pytest

from hub.demo.dialect import System as StandIn
from hub.demo.systems import SYSTEMS
from schema.entities.project import Project
from schema.errors import Invalid
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors import billing, crm, crm_contracts, erp, erp_bindings, psa, psa_work
from sync.connectors.calls import Calls, call_of
from sync.connectors.erp_calls import CALLS

BY_SYSTEM: Mapping[System, Calls] = {
    System.CRM: crm_contracts.CALLS,
    System.PSA: psa_work.CALLS,
    System.ERP: CALLS,
    System.BILLING: billing.CALLS,
}
BINDINGS = {
    (binding.system, binding.entity): binding
    for connector in (crm.Crm, psa.Psa, erp.Erp, billing.Billing)
    for binding in connector.bindings
}


@pytest.mark.parametrize("system", BY_SYSTEM)
def test_every_promised_action_has_a_call_that_takes_its_arguments(system: System) -> None:
    """What can be asked for reaches its performer with what it takes, and nothing is left over."""
    asked = {
        (entity, step.action): set(step.takes)
        for entity, lifecycle in LIFECYCLES.items()
        for step in lifecycle.transitions
        if step.performer is system and not step.happens
    }
    assert {key: set(call.names) for key, call in BY_SYSTEM[system].items()} == asked


@pytest.mark.parametrize("system", BY_SYSTEM)
def test_the_stand_in_knows_every_call(system: System) -> None:
    """Each call is an action of the stand-in, at the collection of its type."""
    stand_in: StandIn = SYSTEMS[system.value]
    known = {re.sub("{[a-z_]+}", "*", action.path) for action in stand_in.actions}
    for (entity, _), call in BY_SYSTEM[system].items():
        assert f"/{BINDINGS[system, entity].resource}/*/{call.path}" in known


def test_a_call_carries_days_as_text_and_its_own_fields() -> None:
    """Canonical arguments travel in the system's fields; a fixed field travels always."""
    send = call_of(CALLS, erp_bindings.INVOICE, "send")
    assert send.body({"sent_on": date(2026, 12, 1)}) == {"dispatched_on": "2026-12-01"}
    assert call_of(CALLS, erp_bindings.PROJECT, "close").body({}) == {"new_status": "CLOSED"}
    told = {"by": "ann@firm.example", "reason": "Too cheap."}
    reject = call_of(crm_contracts.CALLS, crm_contracts.SOW, "reject")
    assert (reject.path, reject.body(told)) == (
        "turn-down",
        {"decider_email": "ann@firm.example", "decision_note": "Too cheap."},
    )


def test_what_a_system_cannot_do_is_invalid() -> None:
    """An unknown action, or an argument it does not take, never reaches the system."""
    with pytest.raises(Invalid, match="ERP cannot approve Invoices"):
        call_of(CALLS, erp_bindings.INVOICE, "approve")
    with pytest.raises(Invalid, match="does not take by"):
        CALLS[Project, "close"].body({"by": "ann@firm.example"})
