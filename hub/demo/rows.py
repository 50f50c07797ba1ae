"""What each system knows of the firm: its own records, and copies in the words of their owner."""

from typing import Any

from hub.demo.firm import Firm, Invoice

Rows = list[dict[str, Any]]


def crm_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "accounts": [
            {
                "id": one.account_id,
                "account_name": one.name,
                "segment": one.segment,
                "owner_email": one.owner_email,
                "billing_country": one.country,
                "erp_customer_no": one.customer_no,
                "payment_terms_days": one.terms_days,
                "credit_status": one.credit_block,
                "bill_to": one.address,
                "tax_id": one.vat_id,
            }
            for one in firm.clients
        ],
        "opportunities": [
            {
                "id": one.opportunity_id,
                "account_id": one.client.account_id,
                "title": one.title,
                "stage": one.stage,
                "amount": one.amount,
                "currency": one.client.entity.currency,
                "starts_on": one.starts_on,
                "ends_on": one.ends_on,
                "owner_email": one.client.owner_email,
                "entity_code": one.client.entity.code,
            }
            for one in firm.engagements
        ],
        "projects": [
            {
                "id": number,
                "erp_project_no": one.project_no,
                "account_id": one.engagement.client.account_id,
                "project_name": one.name,
                "project_status": one.status,
                "delivery_health": one.health,
                "percent_complete": one.percent_done,
                "manager_no": one.manager.employee_number,
            }
            for number, one in enumerate(firm.projects, start=1)
        ],
        "invoices": [
            {
                "id": number,
                "billing_invoice_id": one.invoice_id,
                "account_id": one.project.engagement.client.account_id,
                "invoice_number": one.document_no,
                "ledger_status": one.document_status,
                "posted_on": one.posted_on,
                "tax_amount": one.tax,
                "currency": one.project.engagement.client.entity.currency,
                "amount_paid": one.paid,
                "balance": one.open,
                "payment_status": payment_word(one),
                "last_payment_on": one.last_payment_on,
            }
            for number, one in enumerate(in_ledger(firm), start=1)
        ],
    }


def psa_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "clients": [
            {
                "id": one.psa_id,
                "crm_account_id": one.account_id,
                "title": one.name,
                "market_segment": one.segment,
                "account_owner": one.owner_email,
            }
            for one in firm.clients
        ],
        "engagements": [
            {
                "id": number,
                "crm_opportunity_id": one.opportunity_id,
                "client_id": one.client.psa_id,
                "title": one.title,
                "phase": one.stage,
                "planned_amount": one.amount,
                "planned_currency": one.client.entity.currency,
                "start_date": one.starts_on,
                "finish_date": one.ends_on,
            }
            for number, one in enumerate(firm.engagements, start=1)
        ],
        "users": [
            {
                "id": one.psa_id,
                "hr_number": one.employee_number,
                "display_name": one.name,
                "email": one.email,
                "employment_state": one.status,
                "country": one.country,
                "job_role": one.role,
                "skills": one.skills,
            }
            for one in firm.people
        ],
        "projects": [
            {
                "id": one.psa_id,
                "erp_code": one.project_no,
                "client_id": one.engagement.client.psa_id,
                "name": one.name,
                "state": one.status,
                "budget_hours": one.budget_hours,
                "budget_amount": one.budget_amount,
                "budget_currency": one.engagement.client.entity.currency,
                "manager_user_id": one.manager.psa_id,
                "percent_done": one.percent_done,
                "health": one.health,
                "member_ids": [member.psa_id for member in one.team],
            }
            for one in firm.projects
        ],
        "receivables": [
            {
                "id": number,
                "billing_invoice_id": one.invoice_id,
                "erp_code": one.project.project_no,
                "paid_amount": one.paid,
                "open_amount": one.open,
                "currency": one.project.engagement.client.entity.currency,
                "payment_state": payment_word(one),
                "last_payment_on": one.last_payment_on,
            }
            for number, one in enumerate(in_ledger(firm), start=1)
        ],
    }


def hr_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "employees": [
            {
                "employee_number": one.employee_number,
                "full_name": one.name,
                "work_email": one.email,
                "worker_type": one.worker_type,
                "employment_status": one.status,
                "country": one.country,
                "time_zone": one.time_zone,
                "entity_code": one.entity.code,
                "hired_on": one.hired_on,
                "left_on": one.left_on,
            }
            for one in firm.people
        ]
    }


def erp_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "customers": [
            {
                "customer_no": one.customer_no,
                "crm_account": one.account_id,
                "customer_name": one.name,
                "customer_group": one.segment,
                "rep_email": one.owner_email,
                "invoice_address": one.address,
                "vat_id": one.vat_id,
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
                "currency": one.engagement.client.entity.currency,
                "project_status": one.status,
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
        "ar_invoices": [
            {
                "doc_id": number,
                "billing_ref": one.invoice_id,
                "customer_no": one.project.engagement.client.customer_no,
                "project_no": one.project.project_no,
                "entity_code": one.project.engagement.client.entity.code,
                "currency": one.project.engagement.client.entity.currency,
                "net_amount": one.amount_net,
                "due_on": one.due_on,
                "document_no": one.document_no,
                "document_status": one.document_status,
                "posted_on": one.posted_on,
                "tax_amount": one.tax,
                "gross_amount": one.gross,
                "paid_amount": one.paid,
                "open_amount": one.open,
                "last_payment_on": one.last_payment_on,
            }
            for number, one in enumerate(firm.invoices, start=1)
        ],
    }


def billing_rows(firm: Firm) -> dict[str, Rows]:
    return {
        "customers": [
            {
                "id": one.billing_id,
                "crm_account": one.account_id,
                "name": one.name,
                "segment": one.segment,
                "account_manager": one.owner_email,
                "address": one.address,
                "tax_number": one.vat_id,
                "payment_terms": one.terms_days,
                "credit_state": one.credit_block,
            }
            for one in firm.clients
        ],
        "projects": [
            {
                "id": f"bp_{number:06d}",
                "project_code": one.project_no,
                "customer": one.engagement.client.billing_id,
                "name": one.name,
                "status": one.status,
                "currency": one.engagement.client.entity.currency,
            }
            for number, one in enumerate(firm.projects, start=1)
        ],
        "invoices": [
            {
                "id": one.invoice_id,
                "customer": one.project.engagement.client.billing_id,
                "project_code": one.project.project_no,
                "entity_code": one.project.engagement.client.entity.code,
                "currency": one.project.engagement.client.entity.currency,
                "amount_net": one.amount_net,
                "status": one.status,
                "issued_on": one.issued_on,
                "due_on": one.due_on,
                "description": one.description,
                "ledger_number": one.document_no,
                "ledger_status": one.document_status if one.is_in_ledger else None,
                "posted_on": one.posted_on,
                "tax_amount": one.tax,
                "amount_paid": one.paid if one.is_in_ledger else None,
                "amount_open": one.open,
                "payment_status": payment_word(one),
                "last_payment_on": one.last_payment_on,
            }
            for one in firm.invoices
        ],
    }


def in_ledger(firm: Firm) -> list[Invoice]:
    """CRM and PSA hear of an invoice when the ledger has said something about it."""
    return [one for one in firm.invoices if one.is_in_ledger]


def payment_word(invoice: Invoice) -> str | None:
    """A posted document without payments is open; a draft owes nothing yet."""
    words = {"DRAFT": None, "POSTED": "OPEN"}
    return words.get(invoice.document_status, invoice.document_status)
