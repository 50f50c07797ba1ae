"""Canonical ids: opaque, typed by prefix, minted once from the anchor system's own id.

The form follows TypeID: `<prefix>_<26 base32 characters>`. The 128 bits are a UUIDv8 made of a
keyed hash, so two processes that meet the same new record at the same time mint the same id.
The cross-reference table stays the authority: a record renamed in its system keeps its first id.
"""

from __future__ import annotations

import hashlib
import re
from typing import NewType

ClientId = NewType("ClientId", str)
LegalEntityId = NewType("LegalEntityId", str)
EngagementId = NewType("EngagementId", str)
SowId = NewType("SowId", str)
AmendmentId = NewType("AmendmentId", str)
RateCardId = NewType("RateCardId", str)
RateCardVersionId = NewType("RateCardVersionId", str)
RateLineId = NewType("RateLineId", str)
ProjectId = NewType("ProjectId", str)
MilestoneId = NewType("MilestoneId", str)
RetainerId = NewType("RetainerId", str)
ResourceId = NewType("ResourceId", str)
AssignmentId = NewType("AssignmentId", str)
TimeEntryId = NewType("TimeEntryId", str)
ExpenseItemId = NewType("ExpenseItemId", str)
BillingEventId = NewType("BillingEventId", str)
BillingHoldId = NewType("BillingHoldId", str)
InvoiceId = NewType("InvoiceId", str)
PaymentStatusId = NewType("PaymentStatusId", str)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]  # ten bits at a time
_FORM = re.compile(r"([a-z]{3})_([0-7][0-9a-hjkmnp-tv-z]{25})")


def mint(prefix: str, system: str, external_id: str) -> str:
    """The canonical id of the record that `system`, its anchor, knows as `external_id`."""
    digest = hashlib.blake2b(
        f"{system}\0{external_id}".encode(), digest_size=16, key=prefix.encode()
    ).digest()
    bits = int.from_bytes(digest)
    bits = bits & ~(0xF << 76) | (0x8 << 76)  # version 8
    bits = bits & ~(0x3 << 62) | (0x2 << 62)  # RFC 9562 variant
    return f"{prefix}_{_base32(bits)}"


def prefix_of(canonical_id: str) -> str | None:
    """The type prefix, or None when the text has not the form of a canonical id."""
    match = _FORM.fullmatch(canonical_id)
    return match.group(1) if match else None


def _base32(bits: int) -> str:
    return "".join([_PAIRS[(bits >> shift) & 1023] for shift in range(120, -1, -10)])
