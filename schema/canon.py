"""The list of canonical types, and the way from an id to its type."""

from __future__ import annotations

from typing import Any

from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.invoice import Invoice
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.resource import Resource
from schema.entity import prefix
from schema.errors import Invalid
from schema.ids import (
    ClientId,
    EngagementId,
    InvoiceId,
    PaymentStatusId,
    ProjectId,
    ResourceId,
    prefix_of,
)

BY_ID_TYPE: dict[Any, type] = {
    ClientId: Client,
    EngagementId: Engagement,
    ProjectId: Project,
    ResourceId: Resource,
    InvoiceId: Invoice,
    PaymentStatusId: PaymentStatus,
}
ENTITIES: tuple[type, ...] = tuple(BY_ID_TYPE.values())
BY_PREFIX: dict[str, type] = {prefix(entity): entity for entity in ENTITIES}


def entity_of(canonical_id: str) -> type:
    """The canonical type an id belongs to.

    Raises Invalid when the text is not the form of any canonical id.
    """
    found = BY_PREFIX.get(prefix_of(canonical_id) or "")
    if found is None:
        raise Invalid(
            f"{canonical_id[:60]!r} is not a canonical id. Ids look like cli_ followed by 26 "
            "characters and are found in the `id` field of any object."
        )
    return found


def require_id(entity: type, canonical_id: str) -> None:
    """Raise Invalid unless the id is one of `entity`."""
    found = entity_of(canonical_id)
    if found is not entity:
        raise Invalid(
            f"{canonical_id} is the id of a {found.__name__}; a {entity.__name__} id starts "
            f"with {prefix(entity)}_."
        )
