"""The bindings against the ownership policy: who owns a field binds it, who is owed a copy too."""

from __future__ import annotations

import pytest

from schema.canon import ENTITIES
from schema.entities.client import Client
from schema.entity import owned_fields
from schema.system import System
from sync.connectors import billing, crm, erp, hr, hub, psa
from sync.connectors.binding import Binding, Column

BINDINGS = {
    (binding.system, binding.entity): binding
    for connector in (crm.Crm, psa.Psa, hr.Hr, erp.Erp, billing.Billing, hub.Hub)
    for binding in connector.bindings
}

ENTITY_DETAILS = {
    *("code", "time_zone", "tax_registrations", "rounding", "fiscal_year_start_month"),
    *("invoice_series", "periods"),
}
"""What the ledger alone knows of a legal entity; for the others its code is the anchor."""

HAS_NO_COLUMN = {
    (System.CRM, "LegalEntity"): ENTITY_DETAILS,
    (System.PSA, "LegalEntity"): ENTITY_DETAILS,
    (System.HR, "LegalEntity"): ENTITY_DETAILS,
    (System.BILLING, "LegalEntity"): ENTITY_DETAILS,
    (System.CRM, "Client"): {"addresses", "tax_ids"},
    (System.CRM, "Project"): {
        "code", "engagement_id", "legal_entity_id", "currency", "starts_on", "ends_on",
        "sow_id", "method", "cost_centre", "tax_region",
    },
    (System.PSA, "Client"): {"trading_name", "language"},
    (System.BILLING, "Client"): {"parent_id"},
    (System.PSA, "Sow"): {
        "payment_terms_days", "po_number", "approved_at", "approved_by", "document_hash",
        "decided_by", "decision_reason",
    },
    (System.ERP, "Sow"): {
        "rate_card_version_id", "approved_at", "approved_by", "document_hash",
        "decided_by", "decision_reason",
    },
    (System.BILLING, "Sow"): {
        "engagement_id", "approved_at", "approved_by", "document_hash",
        "decided_by", "decision_reason",
    },
    (System.PSA, "Amendment"): {
        "signed_at", "changes", "approved_by", "voided_by", "void_reason",
    },
    (System.BILLING, "Amendment"): {"signed_at", "approved_by", "voided_by", "void_reason"},
    (System.PSA, "Milestone"): {"accepted_at", "accepted_by", "evidence"},
    (System.ERP, "Milestone"): {"requires_acceptance", "accepted_by", "evidence"},
    (System.BILLING, "Milestone"): {"accepted_by", "evidence"},
    (System.PSA, "Retainer"): {"balance", "balance_minutes"},
    (System.ERP, "Retainer"): {"included", "rollover", "balance_minutes"},
    (System.BILLING, "Retainer"): {"balance_minutes"},
    (System.PSA, "RateLine"): {"increment_rule"},
    (System.BILLING, "RateLine"): {"increment_rule"},
    (System.CRM, "Invoice"): {
        "gross", "tax_lines", "fx_to_functional", "rounding_adjustment", "cancellation_number",
        "closing_reason",
    },
    (System.CRM, "PaymentStatus"): {"invoice_id", "applications", "written_off"},
    (System.PSA, "Engagement"): {"account_manager", "legal_entity_id"},
    (System.PSA, "Project"): {
        "code", "engagement_id", "legal_entity_id", "currency", "starts_on", "ends_on",
        "sow_id", "cost_centre", "tax_region", "po_number",
    },
    (System.PSA, "Resource"): {
        "worker_type", "time_zone", "legal_entity_id", "employed_from", "employed_to",
        "manager_id",
    },
    (System.PSA, "PaymentStatus"): {
        "invoice_id", "applications", "written_off", "dunning_level",
    },
    (System.ERP, "Resource"): {
        "worker_type", "time_zone", "legal_entity_id", "employed_from", "employed_to",
        "grade", "manager_id", "calendar",
    },
    (System.ERP, "Invoice"): {
        "description", "issued_on", "draft_status", "disputes", "approved_by", "void_reason",
    },
    (System.ERP, "Assignment"): {"rate_override", "replaced_by_id", "total"},
    (System.ERP, "TimeEntry"): {
        "task", "time_zone", "billable", "rejected_by", "rejection_reason", "locked_reason",
    },
    (System.ERP, "ExpenseItem"): {
        "billing_fx", "markup", "approved_by", "rejected_by", "rejection_reason",
    },
    (System.BILLING, "TimeEntry"): {
        "assignment_id", "task", "time_zone", "approved_by", "rejected_by", "rejection_reason",
        "locked_reason", "rate_line_id",
        "rate_source", "rate_version", "cost_snapshot", "billing_state", "billed_share",
        "written_off_share",
    },
    (System.BILLING, "ExpenseItem"): {
        "receipt_hash", "is_reimbursable", "fx_to_functional", "billing_state", "billed_share",
        "written_off_share", "approved_by", "rejected_by", "rejection_reason",
    },
    (System.BILLING, "Project"): {
        "code", "engagement_id", "legal_entity_id", "starts_on", "ends_on",
        "sow_id", "cost_centre", "region",
    },
    (System.BILLING, "Invoice"): {
        "gross", "fx_to_functional", "rounding_adjustment", "standing_holds", "cancellation_number",
        "closing_reason",
    },
    (System.BILLING, "PaymentStatus"): {"invoice_id", "applications"},
    (System.BILLING, "BillingHold"): {
        "engagement_id", "placed_by", "placed_at", "released_by", "released_at",
    },
    (System.BILLING, "BillingEvent"): {
        "time_entry_ids", "expense_item_ids", "milestone_id", "retainer_id", "quantity", "rate",
        "billing_hold_ids", "allocations", "invoice_ids", "written_off_by", "written_off_at",
        "write_off_reason",
    },
}  # fmt: skip
"""Fields of a copied group that the replica has no column for, or that its anchor key says."""


@pytest.mark.parametrize("entity", ENTITIES)
def test_the_owner_of_a_field_binds_it(entity: type) -> None:
    """No stored field is without the one column it is read from and written to."""
    for name, owned in owned_fields(entity).items():
        assert name in BINDINGS[owned.owner, entity].owns


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("system", System)
def test_a_declared_copy_has_a_column_and_nothing_else_has(system: System, entity: type) -> None:
    """What the policy promises a replica is bound there, except what it has no column for."""
    owed = {n for n, owned in owned_fields(entity).items() if system in owned.group.copies}
    binding = BINDINGS.get((system, entity))
    bound = set(binding.copies) if binding else set()
    assert bound == owed - HAS_NO_COLUMN.get((system, entity.__name__), set())


@pytest.mark.parametrize("binding", BINDINGS.values(), ids=lambda b: f"{b.system}-{b.entity}")
def test_a_record_can_be_found_by_what_its_anchor_calls_it(binding: Binding) -> None:
    """The anchor's key is the row's own, or the row says through which reference it is found."""
    if binding.is_anchor:
        assert binding.anchor_key == binding.key
    if binding.found_by is not None:
        assert binding.found_by in owned_fields(binding.entity)
    if binding.is_part_of is not None:
        whole = BINDINGS[binding.system, binding.is_part_of]
        assert (whole.resource, whole.key) == (binding.resource, binding.key)


def test_binding_a_field_of_another_owner_fails_at_import() -> None:
    """The mistake is named where it is made, not in production."""
    with pytest.raises(TypeError, match="name is owned by CRM"):
        _client_of_erp(owns={"name": Column(name="customer_name")})


def test_binding_a_copy_nobody_promised_fails_at_import() -> None:
    """A replica that the policy does not name would never be written."""
    with pytest.raises(TypeError, match="is not copied here"):
        _client_of_erp(copies={"bill_to": Column(name="address")})


def test_binding_a_field_nobody_declared_fails_at_import() -> None:
    """A misspelt field is named."""
    with pytest.raises(TypeError, match="Client has no field shoe_size"):
        _client_of_erp(owns={"shoe_size": Column(name="shoe_size")})


def _client_of_erp(**places: dict[str, Column]) -> Binding:
    return Binding(
        entity=Client,
        system=System.ERP,
        resource="customers",
        key="customer_no",
        anchor_key="crm_account",
        **places,  # type: ignore[arg-type]  # one of `owns` and `copies`
    )
