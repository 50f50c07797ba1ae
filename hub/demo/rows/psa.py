"""What the PSA knows of the firm."""

from decimal import Decimal

from hub.demo.company import ENTITIES
from hub.demo.firm import Firm
from hub.demo.rows.psa_contracts import psa_contract_rows
from hub.demo.rows.words import Rows, in_ledger, payment_word, work_pattern
from hub.demo.rows.work import psa_work


def psa_rows(firm: Firm) -> dict[str, Rows]:
    return {
        **psa_contract_rows(firm),
        "clients": [
            {
                "id": one.psa_id,
                "crm_account_id": one.account_id,
                "title": one.name,
                "market_segment": one.segment,
                "account_owner": one.owner_email,
                "parent_client_id": one.parent and one.parent.psa_id,
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
                "planned_currency": one.client.currency,
                "win_probability": Decimal(one.win_chance) / 100,
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
                "grade": one.grade,
                "working_hours": work_pattern(one),
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
                "billing_method": one.method,
                "region": one.region,
                "budget_hours": one.budget_hours,
                "budget_amount": one.budget_amount,
                "budget_currency": one.engagement.client.currency,
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
                "currency": one.project.engagement.client.currency,
                "payment_state": payment_word(one),
                "last_payment_on": one.last_payment_on,
            }
            for number, one in enumerate(in_ledger(firm), start=1)
        ],
        **psa_work(firm),
        "entities": [
            {
                "id": number,
                "erp_entity": one.code,
                "title": one.name,
                "country": one.country,
                "default_currency": one.currency,
            }
            for number, one in enumerate(ENTITIES, start=1)
        ],
    }
