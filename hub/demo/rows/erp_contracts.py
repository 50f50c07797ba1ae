"""What the ERP knows of the firm's contracts, in the CRM's words."""

from hub.demo.firm import Firm
from hub.demo.rows.words import Rows


def erp_contract_rows(firm: Firm) -> dict[str, Rows]:
    agreements = firm.agreements
    return {
        "contracts": [
            {
                "contract_no": one.erp_id,
                "crm_contract": one.sow_id,
                "crm_opportunity": one.engagement.opportunity_id,
                "contract_reference": one.contract_no,
                "issue": one.revision,
                "contract_text": one.subject,
                "billing_type": one.pricing_model,
                "contract_status": one.status,
                "limit_amount": one.ceiling,
                "currency": one.currency,
                "valid_from": one.valid_from,
                "valid_to": one.valid_to,
                "terms_days": one.payment_days,
                "customer_order_no": one.customer_po,
            }
            for one in agreements.sows
        ],
        "billing_plan_lines": [
            {
                "id": one.number,
                "crm_deliverable": one.deliverable_id,
                "contract_no": one.sow.erp_id,
                "project_no": one.project and one.project.project_no,
                "line_no": one.position_no,
                "line_text": one.name,
                "line_status": one.status,
                "planned_on": one.due_on,
                "amount": one.fee,
                "currency": one.sow.currency,
                "accepted_at": one.accepted_at,
            }
            for one in agreements.deliverables
        ],
        "periodic_plans": [
            {
                "id": one.number,
                "crm_retainer": one.plan_id,
                "contract_no": one.sow.erp_id,
                "cycle": one.billing_period,
                "first_period_on": one.first_day,
                "period_amount": one.fee,
                "currency": one.sow.currency,
                "unearned_amount": one.remaining,
                "last_day": one.expires_on,
            }
            for one in agreements.retainers
        ],
    }
