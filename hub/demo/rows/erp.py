"""What the ERP knows of the firm."""

from decimal import Decimal
from typing import Any

from hub.demo.company import ENTITIES
from hub.demo.firm import Firm
from hub.demo.parties import Client
from hub.demo.rows.documents import applications, positions, posted_rate, tax_lines
from hub.demo.rows.erp_contracts import erp_contract_rows
from hub.demo.rows.words import Rows
from hub.demo.rows.work import erp_work

SETTLEMENTS = {
    "time_and_materials": "TM",
    "fixed_price": "FP",
    "milestone": "MS",
    "retainer": "RT",
    "mixed": "MX",
}


def erp_rows(firm: Firm) -> dict[str, Rows]:
    return {
        **erp_contract_rows(firm),
        "customers": [
            {
                "customer_no": one.customer_no,
                "crm_account": one.account_id,
                "customer_name": one.name,
                "customer_group": one.segment,
                "rep_email": one.owner_email,
                "search_name": one.trading_as,
                "language_key": one.language,
                "head_office_no": one.parent and one.parent.customer_no,
                "invoice_address": one.address,
                "addresses": [
                    {
                        "street": address.street,
                        "town": address.city,
                        "country": address.country,
                        "gets_invoices": address.is_bill_to,
                    }
                    for address in one.addresses
                ],
                "vat_id": one.vat_id,
                "tax_numbers": tax_numbers(one),
                "invoice_currency": one.currency,
                "terms_days": one.terms_days,
                "credit_block": one.credit_block,
            }
            for one in firm.clients
        ],
        "projects": [
            {
                "project_no": one.project_no,
                "customer_no": one.engagement.client.customer_no,
                "crm_opportunity": one.engagement.opportunity_id,
                "description": one.name,
                "entity_code": one.engagement.client.entity.code,
                "currency": one.engagement.client.currency,
                "crm_contract": one.sow and one.sow.sow_id,
                "project_status": one.status,
                "settlement": SETTLEMENTS[one.method],
                "cost_centre": one.cost_centre,
                "region": one.region,
                "tax_area": one.tax_region,
                "customer_po": one.po_number,
                "budget_hours": one.budget_hours,
                "budget_amount": one.budget_amount,
                "start_on": one.start_on,
                "end_on": one.end_on,
                "delivery_percent": one.percent_done,
                "delivery_health": one.health,
                "delivery_manager": one.manager.employee_number,
            }
            for one in firm.projects
        ],
        "employees": [
            {
                "id": number,
                "hr_number": one.employee_number,
                "full_name": one.name,
                "email": one.email,
                "status": one.status,
                "country": one.country,
            }
            for number, one in enumerate(firm.people, start=1)
        ],
        "cancellations": [],
        "ar_invoices": [
            {
                "doc_id": number,
                "billing_ref": one.invoice_id,
                "customer_no": one.project.engagement.client.customer_no,
                "project_no": one.project.project_no,
                "entity_code": one.project.engagement.client.entity.code,
                "currency": one.project.engagement.client.currency,
                "doc_type": "CRN" if one.corrects else "INV",
                "corrects_ref": one.corrects,
                "net_amount": one.amount_net,
                "positions": positions(one),
                "due_on": one.due_on,
                "in_dispute": one.is_disputed,
                "document_no": one.document_no,
                "document_status": one.document_status,
                "status_reason": one.withdrawn,
                "posted_on": one.posted_on,
                "sent_on": one.sent_on,
                "tax_amount": one.tax,
                "tax_lines": tax_lines(one),
                "rounding_amount": None if one.posted_on is None else Decimal(0),
                **posted_rate(one, firm.exchange),
                "gross_amount": one.gross,
                "paid_amount": one.paid,
                "open_amount": one.open,
                "last_payment_on": one.last_payment_on,
                "applications": applications(one, firm.exchange),
                "dunning_level": one.dunning_level,
            }
            for number, one in enumerate(firm.invoices, start=1)
        ],
        **erp_work(firm),
        "entities": [
            {
                "entity_code": one.code,
                "registered_name": one.name,
                "country": one.country,
                "book_currency": one.currency,
                "time_zone": one.time_zone,
                "year_starts_in": 1,
                "number_prefix": one.code,
                "tax_registrations": [
                    {
                        "country": one.country,
                        "tax_kind": one.tax_kind,
                        "tax_number": one.tax_number,
                    }
                ],
                "rounding": {
                    "net_at": "LINE",
                    "tax_at": one.taxed_at,
                    "half_goes": "UP",
                    "step": "0.01",
                },
            }
            for one in ENTITIES
        ],
    }


def tax_numbers(client: Client) -> list[dict[str, Any]]:
    if client.vat_id is None:
        return []
    return [{"country": client.country, "tax_kind": "VAT", "tax_number": client.vat_id}]
