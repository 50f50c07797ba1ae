"""The lifecycles of the firm's records; only these transitions, anything else is an error."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from schema.entities.amendment import Amendment, AmendmentStatus
from schema.entities.assignment import Assignment, AssignmentStatus
from schema.entities.billing_event import BillingEvent, BillingEventStatus
from schema.entities.billing_hold import BillingHold, BillingHoldStatus
from schema.entities.expense_item import ExpenseItem, ExpenseItemStatus
from schema.entities.invoice import Invoice
from schema.entities.invoice_status import InvoiceStatus
from schema.entities.milestone import Milestone, MilestoneStatus
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project, ProjectStatus
from schema.entities.rate_card_version import RateCardVersion, RateCardVersionStatus
from schema.entities.sow import Sow, SowStatus
from schema.entities.time_entry import TimeEntry, TimeEntryStatus
from schema.guards import (
    ALLOCATED,
    BILLED,
    HELD_FROM_INVOICING,
    HELD_FROM_SENDING,
    LOCKED,
    NOT_SET_UP,
)
from schema.lifecycle import Guard, Lifecycle, Role, Transition
from schema.system import System

CRM, PSA, ERP, BILLING, HUB = System.CRM, System.PSA, System.ERP, System.BILLING, System.HUB

WHO, WHY, WHO_AND_WHY = ("by",), ("reason",), ("by", "reason")
_R = Role


def _asked(
    action: str,
    *sources: Enum,
    to: Enum,
    at: System,
    by: Role,
    takes: tuple[str, ...] = (),
    unless: tuple[Guard, ...] = (),
) -> Transition:
    return Transition(
        action=action,
        sources=sources,
        target=to,
        performer=at,
        asked_by=by,
        takes=takes,
        unless=unless,
    )


def _happens(what: str, *sources: Enum, to: Enum, at: System) -> Transition:
    return Transition(action=what, sources=sources, target=to, performer=at, asked_by=None)


_S = SowStatus
_RUNNING = (_S.ACTIVE, _S.SUSPENDED)
SOW = Lifecycle(
    entity=Sow,
    field="status",
    transitions=(
        _asked("submit", _S.DRAFT, to=_S.IN_REVIEW, at=CRM, by=_R.CONTRACT_OWNER),
        _asked("approve", _S.IN_REVIEW, to=_S.APPROVED, at=CRM, by=_R.APPROVER, takes=WHO),
        _asked("reject", _S.IN_REVIEW, to=_S.REJECTED, at=CRM, by=_R.APPROVER, takes=WHO_AND_WHY),
        _asked("activate", _S.APPROVED, to=_S.ACTIVE, at=CRM, by=_R.CONTRACT_OWNER),
        _asked("suspend", _S.ACTIVE, to=_S.SUSPENDED, at=CRM, by=_R.CONTRACT_OWNER),
        _asked("resume", _S.SUSPENDED, to=_S.ACTIVE, at=CRM, by=_R.CONTRACT_OWNER),
        _asked("complete", _S.ACTIVE, to=_S.COMPLETED, at=CRM, by=_R.CONTRACT_OWNER),
        _asked("terminate", *_RUNNING, to=_S.TERMINATED, at=CRM, by=_R.APPROVER, takes=WHO_AND_WHY),
    ),
)

_A = AmendmentStatus
AMENDMENT = Lifecycle(
    entity=Amendment,
    field="status",
    transitions=(
        _asked("approve", _A.DRAFT, to=_A.APPROVED, at=CRM, by=_R.APPROVER, takes=WHO),
        _asked(
            "void", _A.DRAFT, _A.APPROVED, to=_A.VOIDED, at=CRM, by=_R.APPROVER, takes=WHO_AND_WHY
        ),
        _happens("take effect", _A.APPROVED, to=_A.EFFECTIVE, at=CRM),
        _happens("be superseded", _A.EFFECTIVE, to=_A.SUPERSEDED, at=CRM),
    ),
)

_V = RateCardVersionStatus
RATE_CARD_VERSION = Lifecycle(
    entity=RateCardVersion,
    field="status",
    transitions=(_asked("publish", _V.DRAFT, to=_V.PUBLISHED, at=CRM, by=_R.PRICING),),
)

_M = MilestoneStatus
MILESTONE = Lifecycle(
    entity=Milestone,
    field="status",
    transitions=(
        _asked("complete", _M.PLANNED, to=_M.COMPLETED, at=CRM, by=_R.PROJECT_MANAGER),
        _asked(
            "accept", _M.COMPLETED, to=_M.ACCEPTED, at=CRM, by=_R.CLIENT, takes=("by", "evidence")
        ),
        _asked("cancel", _M.PLANNED, _M.COMPLETED, to=_M.CANCELLED, at=CRM, by=_R.CONTRACT_OWNER),
    ),
)

_P = ProjectStatus
PROJECT = Lifecycle(
    entity=Project,
    field="status",
    transitions=(
        _asked("provision", _P.REQUESTED, to=_P.PROVISIONING, at=ERP, by=_R.FINANCE),
        _asked(
            "activate",
            _P.PROVISIONING,
            to=_P.ACTIVE,
            at=ERP,
            by=_R.FINANCE,
            unless=(NOT_SET_UP,),
        ),
        _happens("fail", _P.PROVISIONING, to=_P.PROVISIONING_FAILED, at=ERP),
        _asked("provision", _P.PROVISIONING_FAILED, to=_P.PROVISIONING, at=ERP, by=_R.FINANCE),
        _asked("suspend", _P.ACTIVE, to=_P.SUSPENDED, at=ERP, by=_R.PROJECT_MANAGER),
        _asked("resume", _P.SUSPENDED, to=_P.ACTIVE, at=ERP, by=_R.PROJECT_MANAGER),
        _asked("wind_down", _P.ACTIVE, _P.SUSPENDED, to=_P.CLOSING, at=ERP, by=_R.PROJECT_MANAGER),
        _asked("close", _P.CLOSING, to=_P.CLOSED, at=ERP, by=_R.FINANCE),
    ),
)

_G = AssignmentStatus
_PLANNED = (_G.PROPOSED, _G.TENTATIVE, _G.CONFIRMED)
ASSIGNMENT = Lifecycle(
    entity=Assignment,
    field="status",
    transitions=(
        _asked("pencil", _G.PROPOSED, to=_G.TENTATIVE, at=PSA, by=_R.STAFFING),
        _asked("confirm", _G.TENTATIVE, to=_G.CONFIRMED, at=PSA, by=_R.STAFFING),
        _asked("start", _G.CONFIRMED, to=_G.IN_PROGRESS, at=PSA, by=_R.PROJECT_MANAGER),
        _asked("complete", _G.IN_PROGRESS, to=_G.COMPLETED, at=PSA, by=_R.PROJECT_MANAGER),
        _asked("cancel", *_PLANNED, to=_G.CANCELLED, at=PSA, by=_R.STAFFING),
        _happens("be replaced", *_PLANNED, _G.IN_PROGRESS, to=_G.REPLACED, at=PSA),
    ),
)

_T = TimeEntryStatus
TIME_ENTRY = Lifecycle(
    entity=TimeEntry,
    field="status",
    transitions=(
        _asked("submit", _T.DRAFT, to=_T.SUBMITTED, at=PSA, by=_R.AUTHOR),
        _asked("approve", _T.SUBMITTED, to=_T.APPROVED, at=PSA, by=_R.PROJECT_MANAGER, takes=WHO),
        _asked(
            "reject", _T.SUBMITTED, to=_T.REJECTED, at=PSA, by=_R.PROJECT_MANAGER, takes=WHO_AND_WHY
        ),
        _asked("revise", _T.REJECTED, to=_T.DRAFT, at=PSA, by=_R.AUTHOR),
        _asked(
            "recall",
            _T.APPROVED,
            to=_T.DRAFT,
            at=PSA,
            by=_R.PROJECT_MANAGER,
            unless=(BILLED, LOCKED),
        ),
    ),
)

_E = ExpenseItemStatus
EXPENSE_ITEM = Lifecycle(
    entity=ExpenseItem,
    field="status",
    transitions=(
        _asked("submit", _E.DRAFT, to=_E.SUBMITTED, at=PSA, by=_R.AUTHOR),
        _asked("approve", _E.SUBMITTED, to=_E.APPROVED, at=PSA, by=_R.PROJECT_MANAGER, takes=WHO),
        _asked(
            "reject", _E.SUBMITTED, to=_E.REJECTED, at=PSA, by=_R.PROJECT_MANAGER, takes=WHO_AND_WHY
        ),
        _asked("revise", _E.REJECTED, to=_E.DRAFT, at=PSA, by=_R.AUTHOR),
        _happens("be posted", _E.APPROVED, to=_E.POSTED, at=PSA),
        _happens("be reimbursed", _E.POSTED, to=_E.REIMBURSED, at=PSA),
    ),
)

_H = BillingHoldStatus
_STANDING = (_H.PLACED, _H.EXTENDED, _H.EXPIRED_TO_REVIEW)
BILLING_HOLD = Lifecycle(
    entity=BillingHold,
    field="status",
    transitions=(
        _asked("extend", *_STANDING, to=_H.EXTENDED, at=HUB, by=_R.FINANCE, takes=("review_by",)),
        _asked("release", *_STANDING, to=_H.RELEASED, at=HUB, by=_R.FINANCE, takes=WHO),
        _happens("expire", _H.PLACED, _H.EXTENDED, to=_H.EXPIRED_TO_REVIEW, at=HUB),
    ),
)

_B = BillingEventStatus
_UNALLOCATED = (_B.PENDING, _B.PRICED, _B.READY, _B.HELD)
BILLING_EVENT = Lifecycle(
    entity=BillingEvent,
    field="status",
    transitions=(
        _happens("be priced", _B.PENDING, to=_B.PRICED, at=HUB),
        _happens("become ready", _B.PRICED, to=_B.READY, at=HUB),
        _happens("be held", _B.READY, to=_B.HELD, at=HUB),
        _happens("be freed", _B.HELD, to=_B.READY, at=HUB),
        _happens("be allocated", _B.READY, to=_B.ALLOCATED, at=HUB),
        _happens("be invoiced", _B.ALLOCATED, to=_B.INVOICED, at=HUB),
        _happens("be settled", _B.INVOICED, to=_B.SETTLED, at=HUB),
        _asked("cancel", *_UNALLOCATED, to=_B.CANCELLED, at=HUB, by=_R.FINANCE),
        _asked(
            "write_off",
            *(_B.READY, _B.HELD, _B.ALLOCATED, _B.INVOICED),
            to=_B.WRITTEN_OFF,
            at=HUB,
            by=_R.FINANCE,
            takes=WHO_AND_WHY,
            unless=(ALLOCATED,),
        ),
        _asked("reinstate", _B.WRITTEN_OFF, to=_B.READY, at=HUB, by=_R.FINANCE),
    ),
)

_I = InvoiceStatus
_OPEN = (_I.POSTED, _I.SENT)
_UNPAID = (*_OPEN, _I.PARTIALLY_PAID)
_HELD, _UNSENT = (HELD_FROM_INVOICING,), (HELD_FROM_SENDING,)
INVOICE = Lifecycle(
    entity=Invoice,
    field="status",
    transitions=(
        _asked(
            "approve", _I.DRAFT, to=_I.APPROVED, at=BILLING, by=_R.FINANCE, takes=WHO, unless=_HELD
        ),
        _asked("void", _I.DRAFT, _I.APPROVED, to=_I.VOID, at=BILLING, by=_R.FINANCE, takes=WHY),
        _asked(
            "post",
            _I.APPROVED,
            to=_I.POSTED,
            at=ERP,
            by=_R.FINANCE,
            takes=("posting_date",),
            unless=_HELD,
        ),
        _asked(
            "send", _I.POSTED, to=_I.SENT, at=ERP, by=_R.FINANCE, takes=("sent_on",), unless=_UNSENT
        ),
        _asked("cancel", _I.POSTED, to=_I.CANCELLED, at=ERP, by=_R.FINANCE, takes=WHY),
        _asked("write_off", *_OPEN, to=_I.WRITTEN_OFF, at=ERP, by=_R.FINANCE, takes=WHY),
        _happens("be credited", *_OPEN, to=_I.CREDITED, at=ERP),
        _happens("be paid in part", *_OPEN, to=_I.PARTIALLY_PAID, at=ERP),
        _happens("be paid", *_UNPAID, to=_I.PAID, at=ERP),
        _happens("bounce", _I.PAID, _I.PARTIALLY_PAID, to=_I.POSTED, at=ERP),
        _happens("bounce", _I.PAID, _I.PARTIALLY_PAID, to=_I.SENT, at=ERP),
        _happens("bounce in part", _I.PAID, to=_I.PARTIALLY_PAID, at=ERP),
    ),
)

LIFECYCLES: Mapping[type, Lifecycle] = {
    lifecycle.entity: lifecycle
    for lifecycle in (
        SOW,
        AMENDMENT,
        RATE_CARD_VERSION,
        PROJECT,
        MILESTONE,
        ASSIGNMENT,
        TIME_ENTRY,
        EXPENSE_ITEM,
        BILLING_EVENT,
        BILLING_HOLD,
        INVOICE,
    )
}

STATUS_FIELDS: Mapping[type, str] = {
    PaymentStatus: "status",
    **{entity: lifecycle.field for entity, lifecycle in LIFECYCLES.items()},
}
"""The field whose changes are events that subscribers wait for."""
