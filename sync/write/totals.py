"""What the hub works out for itself before an action is sent; see ADR 12."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from schema.entities.invoice import Invoice
from schema.entities.legal_entity import EntityRounding, LegalEntity, policy_of
from schema.errors import Rejected
from schema.system import System
from schema.tally import mismatch
from sync.reading import Reading
from sync.session import ReadSession

Require = Callable[[Reading, str], Awaitable[None]]

_DOCUMENT = frozenset({"legal_entity_id", "net", "lines", "tax_lines"})


async def require_totals(reading: Reading, invoice_id: str) -> None:
    """Raises Rejected (TOTAL_MISMATCH) for a document whose figures contradict each other."""
    session = ReadSession()
    found = await reading.by_ids(session, Invoice, [invoice_id], _DOCUMENT)
    told = found[invoice_id].values
    if not told.get("lines") or told.get("net") is None:
        return
    rounding = await _rounding(reading, session, told.get("legal_entity_id"))
    why = mismatch(told["net"], told["lines"], told.get("tax_lines") or (), policy_of(rounding))
    if why is not None:
        raise Rejected(
            f"The invoice does not add up: {why}. Correct the draft, then post it.",
            system=System.HUB,
            owner_code="TOTAL_MISMATCH",
        )


async def _rounding(
    reading: Reading, session: ReadSession, entity_id: str | None
) -> EntityRounding | None:
    if entity_id is None:
        return None
    found = await reading.by_ids(session, LegalEntity, [entity_id], frozenset({"rounding"}))
    return found[entity_id].values.get("rounding") if entity_id in found else None


BEFORE: Mapping[tuple[type, str], Require] = {(Invoice, "post"): require_totals}
"""What must hold before an action of a type is sent."""
