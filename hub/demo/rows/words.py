"""What the rows of several systems have in common."""

from collections.abc import Iterable
from typing import Any

from hub.demo.bills import Invoice
from hub.demo.firm import Firm
from hub.demo.parties import Person

Rows = Iterable[dict[str, Any]]
"""Read once and in order, so that they need not be in memory together."""


def in_ledger(firm: Firm) -> list[Invoice]:
    """CRM and PSA hear of an invoice when the ledger has said something about it."""
    return [one for one in firm.invoices if one.is_in_ledger]


def payment_word(invoice: Invoice) -> str | None:
    """A posted document without payments is open; a draft owes nothing yet."""
    words = {"DRAFT": None, "POSTED": "OPEN", "SENT": "OPEN"}
    return words.get(invoice.document_status, invoice.document_status)


def work_pattern(person: Person) -> dict[str, Any]:
    """Minutes of each weekday, and the days off beside the weekends."""
    days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    days_off = [day.isoformat() for day in person.holidays]
    return {**dict(zip(days, person.week, strict=True)), "days_off": days_off}
