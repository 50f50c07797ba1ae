"""What the rows of several systems have in common."""

from typing import Any

from hub.demo.firm import Firm, Invoice

Rows = list[dict[str, Any]]


def in_ledger(firm: Firm) -> list[Invoice]:
    """CRM and PSA hear of an invoice when the ledger has said something about it."""
    return [one for one in firm.invoices if one.is_in_ledger]


def payment_word(invoice: Invoice) -> str | None:
    """A posted document without payments is open; a draft owes nothing yet."""
    words = {"DRAFT": None, "POSTED": "OPEN", "SENT": "OPEN"}
    return words.get(invoice.document_status, invoice.document_status)
