"""The list of canonical types, and the way from an id to its type."""

from __future__ import annotations

from typing import Any

from schema import ids
from schema.entities.amendment import Amendment
from schema.entities.assignment import Assignment
from schema.entities.billing_event import BillingEvent
from schema.entities.billing_hold import BillingHold
from schema.entities.client import Client
from schema.entities.engagement import Engagement
from schema.entities.expense_item import ExpenseItem
from schema.entities.invoice import Invoice
from schema.entities.legal_entity import LegalEntity
from schema.entities.milestone import Milestone
from schema.entities.payment_status import PaymentStatus
from schema.entities.project import Project
from schema.entities.rate_card import RateCard
from schema.entities.rate_card_version import RateCardVersion
from schema.entities.rate_line import RateLine
from schema.entities.resource import Resource
from schema.entities.retainer import Retainer
from schema.entities.sow import Sow
from schema.entities.time_entry import TimeEntry
from schema.entity import entity_name, plural, prefix
from schema.errors import Invalid
from schema.ids import prefix_of

BY_ID_TYPE: dict[Any, type] = {
    ids.ClientId: Client,
    ids.LegalEntityId: LegalEntity,
    ids.EngagementId: Engagement,
    ids.SowId: Sow,
    ids.AmendmentId: Amendment,
    ids.RateCardId: RateCard,
    ids.RateCardVersionId: RateCardVersion,
    ids.RateLineId: RateLine,
    ids.ProjectId: Project,
    ids.MilestoneId: Milestone,
    ids.RetainerId: Retainer,
    ids.ResourceId: Resource,
    ids.AssignmentId: Assignment,
    ids.TimeEntryId: TimeEntry,
    ids.ExpenseItemId: ExpenseItem,
    ids.BillingEventId: BillingEvent,
    ids.BillingHoldId: BillingHold,
    ids.InvoiceId: Invoice,
    ids.PaymentStatusId: PaymentStatus,
}
ENTITIES: tuple[type, ...] = tuple(BY_ID_TYPE.values())
BY_PREFIX: dict[str, type] = {prefix(entity): entity for entity in ENTITIES}
BY_NAME: dict[str, type] = {entity_name(entity): entity for entity in ENTITIES}


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
            f"{canonical_id} names one of the {plural(found)}; ids of {plural(entity)} start with "
            f"{prefix(entity)}_."
        )
