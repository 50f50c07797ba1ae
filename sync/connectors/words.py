"""Status words that several systems share, because a copy keeps the words of its owner."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from schema.entities.client import CreditStatus, Segment
from schema.entities.engagement import EngagementStage
from schema.entities.invoice_status import InvoiceLedgerStatus
from schema.entities.payment_status import PaymentState
from schema.entities.project import ProjectStatus
from schema.entities.resource import EmploymentStatus
from schema.errors import Invalid
from schema.minutes import Minutes, minutes_of_hours
from schema.minutes import hours_of as printed_hours
from sync.connectors.binding import Column, PartColumn
from sync.connectors.cells import decimal_of

PROJECT_STATUS = {
    "PLANNED": ProjectStatus.REQUESTED,
    "IN_SETUP": ProjectStatus.PROVISIONING,
    "SETUP_FAILED": ProjectStatus.PROVISIONING_FAILED,
    "OPEN": ProjectStatus.ACTIVE,
    "ON_HOLD": ProjectStatus.SUSPENDED,
    "WINDING_UP": ProjectStatus.CLOSING,
    "CLOSED": ProjectStatus.CLOSED,
}
LEDGER_STATUS = {
    "POSTED": InvoiceLedgerStatus.POSTED,
    "SENT": InvoiceLedgerStatus.SENT,
    "PART_PAID": InvoiceLedgerStatus.PARTIALLY_PAID,
    "PAID": InvoiceLedgerStatus.PAID,
    "CREDITED": InvoiceLedgerStatus.CREDITED,
    "WRITTEN_OFF": InvoiceLedgerStatus.WRITTEN_OFF,
    "CANCELLED": InvoiceLedgerStatus.CANCELLED,
}
PAYMENT_STATE = {
    "OPEN": PaymentState.OPEN,
    "PART_PAID": PaymentState.PARTIALLY_PAID,
    "PAID": PaymentState.PAID,
    "CREDITED": PaymentState.CREDITED,
    "WRITTEN_OFF": PaymentState.WRITTEN_OFF,
    "CANCELLED": PaymentState.CANCELLED,
}
PAYMENT_OF_STATUS = PAYMENT_STATE | {
    "POSTED": PaymentState.OPEN,
    "SENT": PaymentState.OPEN,
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
    """A column of plain text; for some texts the system has words of its own."""
    canonical = {text: word for word, text in words.items()}
    return Column(
        name=name,
        read=lambda cell: words.get(cell, cell),
        write=lambda text: canonical.get(text, text),
    )


def work_calendar(name: str) -> PartColumn:
    """A work calendar, which copies spell as HR does."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    parts = {day: Column(name=day[:3]) for day in days}
    return PartColumn(name=name, parts={**parts, "holidays": Column(name="days_off")})


def minutes_of(hours: Any) -> int | None:
    return None if hours is None else int(hours) * 60


def hours_of(minutes: int | None) -> int | None:
    """Whole hours; raises Invalid for minutes that are none."""
    if minutes is None:
        return None
    if minutes % 60:
        raise Invalid(f"{minutes} minutes are not whole hours, which is all this system holds.")
    return minutes // 60


def duration_of(hours: Any) -> Minutes | None:
    """Decimal hours, as many systems print durations; two digits are enough for each minute."""
    exact = decimal_of(hours)
    return None if exact is None else minutes_of_hours(exact)


def hours_text(duration: Minutes | None) -> str | None:
    """The duration as decimal hours with two digits."""
    return None if duration is None else str(printed_hours(duration))


def ledger_status_of(word: Any) -> InvoiceLedgerStatus | None:
    """The ledger's word; a document that it still drafts has none."""
    return None if word in (None, "DRAFT") else LEDGER_STATUS[word]


def payment_state_of(word: Any) -> PaymentState | None:
    """What a ledger document's status says about payment; a draft owes nothing yet."""
    return None if word in (None, "DRAFT") else PAYMENT_OF_STATUS[word]


def fraction_of(percent: Any) -> Decimal | None:
    return None if percent is None else Decimal(percent) / 100


def percent_of(fraction: Decimal | None) -> int | None:
    """Whole percents; raises Invalid for a fraction that is none."""
    if fraction is None:
        return None
    if fraction * 100 % 1:
        raise Invalid(f"{fraction} is not a whole percent, which is all this system holds.")
    return int(fraction * 100)
