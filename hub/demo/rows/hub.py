"""What the hub itself owns of the firm; it makes these tables, and only they are seeded here."""

from hub.demo.firm import Firm
from hub.demo.rows.words import Rows
from hub.demo.tables import Table, text_key

HUB_TABLES = (
    Table(name="hub.billing_hold", key=text_key("id"), prefix="H", digits=7, columns=()),
    Table(name="hub.billing_event", key=text_key("id"), prefix="B", digits=10, columns=()),
)


def hub_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "hub.billing_hold": [
            {
                "id": one.hold_id,
                "crm_account": one.key if one.scope == "account" else None,
                "project_no": one.key if one.scope == "project" else None,
                "invoice": one.key if one.scope == "invoice" else None,
                "effect": one.effect,
                "status": one.status,
                "reason": one.reason,
                "placed_by": one.placed_by,
                "placed_at": one.placed_at,
                "review_by": one.review_by,
                "released_by": one.placed_by if one.released_at else None,
                "released_at": one.released_at,
            }
            for one in firm.holds
        ],
        "hub.billing_event": [
            {
                "id": one.event_id,
                "project_no": one.project.project_no,
                "kind": one.kind,
                "status": one.status,
                "service_from": one.service_from,
                "service_to": one.service_to,
                "quantity": one.quantity,
                "rate": one.rate,
                "rate_unit": one.unit,
                "amount": one.amount,
                "currency": one.currency,
                "holds": [one.hold_id] if one.hold_id else [],
                "allocations": one.allocations,
            }
            for one in firm.events
        ],
    }
