"""Lifecycles as data: the steps there are, and the guards that keep some from being taken."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from schema.canon import (
    Amendment,
    BillingEvent,
    BillingHold,
    ExpenseItem,
    Milestone,
    Sow,
    TimeEntry,
)
from schema.entities.billing_event import Allocation, BillingEventStatus
from schema.entities.billing_hold import HoldEffect
from schema.entities.invoice import Invoice, StandingHold
from schema.entities.invoice_status import (
    InvoiceDraftStatus,
    InvoiceLedgerStatus,
    InvoiceStatus,
)
from schema.entities.project import ProjectStatus
from schema.entities.time_entry import BillingState, TimeEntryStatus
from schema.entity import derived_fields, owned_fields
from schema.errors import NotAllowed, Rejected
from schema.ids import BillingHoldId, InvoiceId
from schema.lifecycle import Lifecycle
from schema.lifecycles import BILLING_EVENT, INVOICE, LIFECYCLES, PROJECT, TIME_ENTRY
from schema.money import Money
from schema.setup import SetupState, SetupStatus
from schema.system import System

SAID_BY: dict[System, type[Enum]] = {
    System.BILLING: InvoiceDraftStatus,
    System.ERP: InvoiceLedgerStatus,
}


def held(effect: HoldEffect) -> dict[str, Any]:
    hold = StandingHold(billing_hold_id=BillingHoldId("hld_1"), effect=effect, reason="Dispute")
    return {"standing_holds": [hold]}


SHOWN_BY: dict[type, dict[str, set[str]]] = {
    Sow: {
        "approve": {"approved_by"},
        "reject": {"decided_by", "decision_reason"},
        "terminate": {"decided_by", "decision_reason"},
    },
    Amendment: {"approve": {"approved_by"}, "void": {"voided_by", "void_reason"}},
    Milestone: {"accept": {"accepted_by"}},
    TimeEntry: {"approve": {"approved_by"}, "reject": {"rejected_by", "rejection_reason"}},
    ExpenseItem: {"approve": {"approved_by"}, "reject": {"rejected_by", "rejection_reason"}},
    BillingEvent: {"write_off": {"written_off_by", "write_off_reason"}},
    BillingHold: {"release": {"released_by"}},
    Invoice: {
        "approve": {"approved_by"},
        "void": {"void_reason"},
        "cancel": {"closing_reason"},
        "write_off": {"closing_reason"},
    },
}
"""Where each step that takes who or why shows it."""


def actions(lifecycle: Lifecycle, state: Enum, **facts: Any) -> list[str]:
    return [step.action for step in lifecycle.available(state, facts)]


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=lambda one: one.entity.__name__)
def test_what_decides_is_a_field_and_every_state_is_met(lifecycle: Lifecycle) -> None:
    """Guards read fields that exist, and no state of the type is outside its lifecycle."""
    entity = lifecycle.entity
    assert lifecycle.reads <= {*owned_fields(entity), *derived_fields(entity)}
    met = {s for step in lifecycle.transitions for s in (*step.sources, step.target)}
    (states,) = {type(state) for state in met}
    assert met == set(states)


@pytest.mark.parametrize("lifecycle", LIFECYCLES.values(), ids=lambda one: one.entity.__name__)
def test_what_a_step_was_told_can_be_read(lifecycle: Lifecycle) -> None:
    """Who took it or why: no step tells its owner what nobody can read there."""
    fields = owned_fields(lifecycle.entity)
    told = {step.action for step in lifecycle.transitions if {"by", "reason"} & {*step.takes}}
    shown = SHOWN_BY.get(lifecycle.entity, {})
    assert told == set(shown)
    assert {name for names in shown.values() for name in names} <= fields.keys()


def test_an_invoice_stands_where_billing_or_the_ledger_has_it() -> None:
    """Each state is said by one of the two: by the one that carries out the step into it."""
    drafts, posted = ({state.value for state in said} for said in SAID_BY.values())
    assert not drafts & posted
    assert drafts | posted == {state.value for state in InvoiceStatus}
    for step in INVOICE.transitions:
        assert SAID_BY[step.performer](step.target.value)


def test_where_an_invoice_stands_is_said_by_the_ledger_first() -> None:
    """In the words of both, whoever said it."""
    status = derived_fields(Invoice)["status"]
    approved, paid = InvoiceDraftStatus.APPROVED, InvoiceLedgerStatus.PAID
    assert status.of({"draft_status": approved}) is InvoiceStatus.APPROVED
    assert status.of({"draft_status": approved, "ledger_status": paid}) is InvoiceStatus.PAID
    assert status.of({}) is None


@pytest.mark.parametrize(
    ("effect", "state", "expected"),
    [
        (HoldEffect.BLOCK_INVOICE, InvoiceStatus.DRAFT, ["void"]),
        (HoldEffect.BLOCK_INVOICE, InvoiceStatus.APPROVED, ["void"]),
        (HoldEffect.BLOCK_INVOICE, InvoiceStatus.POSTED, ["send", "cancel", "write_off"]),
        (HoldEffect.BLOCK_SEND, InvoiceStatus.DRAFT, ["approve", "void"]),
        (HoldEffect.BLOCK_SEND, InvoiceStatus.POSTED, ["cancel", "write_off"]),
        (HoldEffect.BLOCK_EVENT, InvoiceStatus.APPROVED, ["void", "post"]),
    ],
)
def test_a_hold_keeps_an_invoice_from_what_it_blocks(
    effect: HoldEffect, state: InvoiceStatus, expected: list[str]
) -> None:
    """What is not offered is what would be refused, in words that name the hold."""
    facts = held(effect)
    assert actions(INVOICE, state, **facts) == expected
    for action in actions(INVOICE, state):
        if action in expected:
            INVOICE.require(action, state, facts)
            continue
        with pytest.raises(Rejected, match=r"held by hld_1 \(Dispute\); release") as refused:
            INVOICE.require(action, state, facts)
        assert (refused.value.system, refused.value.owner_code) == (System.HUB, "ON_HOLD")


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"billing_state": BillingState.PARTLY_BILLED}, "BILLED"),
        ({"billing_state": BillingState.WRITTEN_OFF}, "BILLED"),
        ({"billing_state": BillingState.CREDITED}, None),
        ({"billing_state": BillingState.NON_BILLABLE}, None),
        ({"billing_state": None}, None),
        ({"locked_reason": "Period 2026-08 is closed."}, "LOCKED"),
    ],
)
def test_time_is_recalled_only_while_nobody_has_billed_it(
    facts: dict[str, Any], code: str | None
) -> None:
    """Time that was credited in full is free again."""
    is_offered = "recall" in actions(TIME_ENTRY, TimeEntryStatus.APPROVED, **facts)
    assert is_offered is (code is None)
    if code:
        with pytest.raises(Rejected) as refused:
            TIME_ENTRY.require("recall", TimeEntryStatus.APPROVED, facts)
        assert refused.value.owner_code == code


def test_a_step_that_the_state_lacks_is_refused_with_what_there_is() -> None:
    """The steps that a guard keeps back are not among them."""
    with pytest.raises(NotAllowed, match="post is not possible from there") as refused:
        INVOICE.require("post", InvoiceStatus.DRAFT, held(HoldEffect.BLOCK_INVOICE))
    assert (refused.value.current, refused.value.allowed) == ("DRAFT", ("void",))


def test_an_event_is_cancelled_before_it_is_allocated() -> None:
    """From then on a signed event corrects it."""
    free = [s for s in BillingEventStatus if "cancel" in actions(BILLING_EVENT, s)]
    assert [state.name for state in free] == ["PENDING", "PRICED", "READY", "HELD"]


@pytest.mark.parametrize(
    ("amounts", "is_offered"),
    [([], True), (["40"], False), (["40", "-15"], False), (["40", "-40"], True)],
)
def test_what_invoices_have_taken_is_not_written_off(amounts: list[str], is_offered: bool) -> None:
    """The refusal says how much of it they have."""
    shares = [
        Allocation(
            invoice_id=InvoiceId("inv_1"),
            line=1,
            amount=Money(amount=Decimal(amount), currency="EUR"),
        )
        for amount in amounts
    ]
    facts = {"allocations": shares}
    for state in (BillingEventStatus.ALLOCATED, BillingEventStatus.INVOICED):
        assert ("write_off" in actions(BILLING_EVENT, state, **facts)) is is_offered
    if not is_offered:
        with pytest.raises(Rejected, match=r"have taken \d+ EUR of it") as refused:
            BILLING_EVENT.require("write_off", BillingEventStatus.INVOICED, facts)
        assert refused.value.owner_code == "ALLOCATED"


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([SetupStatus.LINKED, SetupStatus.LINKED], None),
        (
            [SetupStatus.LINKED, SetupStatus.PENDING],
            r"not confirmed by PSA \(PENDING: late\)\. Wait",
        ),
        ([SetupStatus.FAILED, SetupStatus.MISSING], r"CRM \(FAILED: late\), PSA \(MISSING: late\)"),
        (None, "it is not known which systems have it"),
    ],
)
def test_a_project_is_activated_once_every_system_has_it(
    states: list[SetupStatus] | None, expected: str | None
) -> None:
    """What the hub must tell for that is asked only where the step can be taken."""
    told = states and [
        SetupState(system=system, status=status, reason="late")
        for system, status in zip((System.CRM, System.PSA), states, strict=True)
    ]
    facts, state = {"setup": told}, ProjectStatus.PROVISIONING
    assert ("activate" in actions(PROJECT, state, **facts)) is (expected is None)
    if expected:
        with pytest.raises(Rejected, match=expected) as refused:
            PROJECT.require("activate", state, facts)
        assert refused.value.owner_code == "NOT_SET_UP"
    assert PROJECT.step("activate", state).target is ProjectStatus.ACTIVE
    asking = [one for one in ProjectStatus if PROJECT.tells(one)]
    assert asking == [ProjectStatus.PROVISIONING]
