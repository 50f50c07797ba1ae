"""What the CRM knows of the firm."""

from hub.demo.company import ENTITIES
from hub.demo.firm import Firm
from hub.demo.rows.crm_contracts import crm_contract_rows
from hub.demo.rows.words import Rows, in_ledger, payment_word


def crm_rows(firm: Firm) -> dict[str, Rows]:
    return {
        **crm_contract_rows(firm),
        "accounts": [
            {
                "id": one.account_id,
                "account_name": one.name,
                "segment": one.segment,
                "owner_email": one.owner_email,
                "billing_country": one.country,
                "trading_as": one.trading_as,
                "language_code": one.language,
                "parent_account_id": one.parent and one.parent.account_id,
                "erp_customer_no": one.customer_no,
                "payment_terms_days": one.terms_days,
                "credit_status": one.credit_block,
                "bill_to": one.address,
                "tax_id": one.vat_id,
                "invoice_currency": one.currency,
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
                "win_chance": one.win_chance,
                "currency": one.client.currency,
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
                "region": one.region,
                "po_number": one.po_number,
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
                "sent_on": one.sent_on,
                "tax_amount": one.tax,
                "currency": one.project.engagement.client.currency,
                "amount_paid": one.paid,
                "balance": one.open,
                "payment_status": payment_word(one),
                "reminders_sent": one.dunning_level,
                "last_payment_on": one.last_payment_on,
            }
            for number, one in enumerate(in_ledger(firm), start=1)
        ],
        "entities": [
            {
                "id": number,
                "erp_entity": one.code,
                "entity_name": one.name,
                "country": one.country,
                "base_currency": one.currency,
            }
            for number, one in enumerate(ENTITIES, start=1)
        ],
    }
