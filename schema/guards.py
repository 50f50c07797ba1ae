"""Guards: what keeps a step from being taken although the record's state has it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from schema.entities.billing_hold import HoldEffect
from schema.entities.invoice import StandingHold
from schema.entities.time_entry import BillingState
from schema.lifecycle import Facts, Guard
from schema.setup import SetupState, SetupStatus
from schema.system import System

TAKEN = (BillingState.PARTLY_BILLED, BillingState.BILLED)
"""Work that was credited in full is as free as work that was never billed."""


def _under_hold(effect: HoldEffect) -> Guard:
    def objection(facts: Facts) -> str | None:
        standing: Iterable[StandingHold] = facts.get("standing_holds") or ()
        held = [f"{one.billing_hold_id} ({one.reason})" for one in standing if one.effect is effect]
        return f"held by {', '.join(held)}; release what holds it first." if held else None

    return Guard(
        system=System.HUB,
        code="ON_HOLD",
        reads=frozenset({"standing_holds"}),
        objection=objection,
    )


def _billed(facts: Facts) -> str | None:
    state = facts.get("billing_state")
    if state is BillingState.WRITTEN_OFF:
        return "it is WRITTEN_OFF; reinstate its billing event first."
    return f"it is {state.name}; credit the invoice first." if state in TAKEN else None


def _allocated(facts: Facts) -> str | None:
    shares = [share.amount for share in facts.get("allocations") or ()]
    taken = sum((share.amount for share in shares), Decimal(0))
    if not taken:
        return None
    return f"invoices have taken {taken} {shares[0].currency} of it; credit that first."


def _locked(facts: Facts) -> str | None:
    reason = facts.get("locked_reason")
    return f"it is locked. {reason}" if reason else None


def _unconfirmed(facts: Facts) -> str | None:
    """What nobody can tell is not confirmed either."""
    states: Iterable[SetupState] | None = facts.get("setup")
    if states is None:
        return "it is not known which systems have it; ask again."
    waiting = [str(one) for one in states if one.status is not SetupStatus.LINKED]
    if not waiting:
        return None
    return (
        f"not confirmed by {', '.join(waiting)}. Wait for what is PENDING; what is not, "
        "retryProjectSetup sends again."
    )


HELD_FROM_INVOICING = _under_hold(HoldEffect.BLOCK_INVOICE)
HELD_FROM_SENDING = _under_hold(HoldEffect.BLOCK_SEND)
BILLED = Guard(
    system=System.HUB, code="BILLED", reads=frozenset({"billing_state"}), objection=_billed
)
LOCKED = Guard(
    system=System.PSA, code="LOCKED", reads=frozenset({"locked_reason"}), objection=_locked
)
NOT_SET_UP = Guard(
    system=System.HUB, code="NOT_SET_UP", tells=frozenset({"setup"}), objection=_unconfirmed
)
ALLOCATED = Guard(
    system=System.HUB, code="ALLOCATED", reads=frozenset({"allocations"}), objection=_allocated
)
