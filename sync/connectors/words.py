"""Status words that several systems share, because a copy keeps the words of its owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.entities.client import CreditStatus, Segment
from schema.entities.engagement import EngagementStage
from schema.entities.invoice import InvoiceStatus
from schema.entities.payment_status import PaymentState
from schema.entities.project import ProjectStatus
from schema.entities.resource import EmploymentStatus
from schema.errors import Invalid
from sync.connectors.binding import Column

PROJECT_STATUS = {
    "PLANNED": ProjectStatus.REQUESTED,
    "OPEN": ProjectStatus.ACTIVE,
    "ON_HOLD": ProjectStatus.SUSPENDED,
    "CLOSED": ProjectStatus.CLOSED,
}
LEDGER_STATUS = {
    "POSTED": InvoiceStatus.POSTED,
    "PART_PAID": InvoiceStatus.PARTIALLY_PAID,
    "PAID": InvoiceStatus.PAID,
    "CANCELLED": InvoiceStatus.CANCELLED,
}
PAYMENT_STATE = {
    "OPEN": PaymentState.OPEN,
    "PART_PAID": PaymentState.PARTIALLY_PAID,
    "PAID": PaymentState.PAID,
    "CANCELLED": PaymentState.CANCELLED,
}
EMPLOYMENT_STATUS = {
    "ACTIVE": EmploymentStatus.ACTIVE,
    "ON_LEAVE": EmploymentStatus.ON_LEAVE,
    "TERMINATED": EmploymentStatus.ENDED,
}
SEGMENT = {
    "ENTERPRISE": Segment.ENTERPRISE,
    "MIDMARKET": Segment.MIDMARKET,
    "SMB": Segment.SMALL,
}
CREDIT_STATUS = {
    "NONE": CreditStatus.CLEAR,
    "WATCH": CreditStatus.WATCH,
    "BLOCKED": CreditStatus.BLOCKED,
}
ENGAGEMENT_STAGE = {
    "QUALIFYING": EngagementStage.QUALIFYING,
    "PROPOSED": EngagementStage.PROPOSED,
    "CLOSED_WON": EngagementStage.WON,
    "CLOSED_LOST": EngagementStage.LOST,
}


def spoken(name: str, words: Mapping[str, str]) -> Column:
    """A column of a plain text for which the system has words of its own."""
    canonical = {text: word for word, text in words.items()}
    return Column(
        name=name,
        read=lambda cell: None if cell is None else words[cell],
        write=lambda text: None if text is None else canonical[text],
    )


def minutes_of(hours: Any) -> int | None:
    return None if hours is None else int(hours) * 60


def hours_of(minutes: int | None) -> int | None:
    """Whole hours; raises Invalid for minutes that are none."""
    if minutes is None:
        return None
    if minutes % 60:
        raise Invalid(f"{minutes} minutes are not whole hours, which is all this system holds.")
    return minutes // 60


def ledger_status_of(word: Any) -> InvoiceStatus | None:
    """The ledger's word; a document that it still drafts has none."""
    return None if word in (None, "DRAFT") else LEDGER_STATUS[word]


def payment_state_of(word: Any) -> PaymentState | None:
    """What a ledger document's status says about payment; a draft owes nothing yet."""
    if word in (None, "DRAFT"):
        return None
    return PaymentState.OPEN if word == "POSTED" else PAYMENT_STATE[word]
