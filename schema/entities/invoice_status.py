"""Where an invoice stands: as billing says, as the ledger says, and as the two say together."""

from enum import Enum
from typing import Any

import strawberry

_MEANINGS = {
    "draft": "Drafted by billing; it can still change.",
    "approved": "Approved by finance; the ledger may post it.",
    "void": "Given up before it was posted.",
    "posted": "In the ledger, with its legal number; not sent yet.",
    "sent": "Sent to the client; nothing of it is settled.",
    "partially_paid": "Settled in part, by payments or credit notes.",
    "paid": "Settled in full.",
    "credited": "Settled in full by one credit note alone.",
    "written_off": "Given up as uncollectible; nothing of it was paid.",
    "cancelled": "Taken back before it was sent; `cancellationNumber` names the document.",
}


def _step(word: str) -> Any:
    return strawberry.enum_value(word, description=_MEANINGS[word])


@strawberry.enum(description="Where billing has an invoice.")
class InvoiceDraftStatus(Enum):
    DRAFT = _step("draft")
    APPROVED = _step("approved")
    VOID = _step("void")


@strawberry.enum(description="Where the ledger has an invoice.")
class InvoiceLedgerStatus(Enum):
    POSTED = _step("posted")
    SENT = _step("sent")
    PARTIALLY_PAID = _step("partially_paid")
    PAID = _step("paid")
    CREDITED = _step("credited")
    WRITTEN_OFF = _step("written_off")
    CANCELLED = _step("cancelled")


@strawberry.enum(description="One step of an invoice's life, whoever says it.")
class InvoiceStatus(Enum):
    DRAFT = _step("draft")
    APPROVED = _step("approved")
    VOID = _step("void")
    POSTED = _step("posted")
    SENT = _step("sent")
    PARTIALLY_PAID = _step("partially_paid")
    PAID = _step("paid")
    CREDITED = _step("credited")
    WRITTEN_OFF = _step("written_off")
    CANCELLED = _step("cancelled")
