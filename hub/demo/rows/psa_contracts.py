"""What the PSA knows of the firm's contracts, in the CRM's words."""

from hub.demo.firm import Firm
from hub.demo.rows.words import Rows


def psa_contract_rows(firm: Firm) -> dict[str, Rows]:
    agreements = firm.agreements
    opportunities = (one.opportunity_id for one in firm.engagements)
    engagement_ids = {one: number for number, one in enumerate(opportunities, start=1)}
    return {
        "rate_sheets": [
            {
                "id": one.number,
                "crm_price_book_id": one.book_id,
                "label": one.name,
                "currency": one.currency,
                "client_id": one.client and one.client.psa_id,
            }
            for one in agreements.prices.books
        ],
        "rate_sheet_versions": [
            {
                "id": one.number,
                "crm_price_version_id": one.version_id,
                "rate_sheet_id": one.book.number,
                "sheet_version": one.version_no,
                "valid_from": one.effective_on,
                "state": one.status,
                "released_at": one.published_at,
            }
            for one in agreements.prices.versions
        ],
        "rates": [
            {
                "id": one.number,
                "crm_price_line_id": one.line_id,
                "rate_sheet_version_id": one.version.number,
                "job_role": one.role,
                "grade": one.grade,
                "user_id": one.worker and one.worker.psa_id,
                "amount": one.unit_price,
                "currency": one.version.book.currency,
                "per": "HOURLY",
                "step_minutes": one.step_minutes,
                "overtime_factor": one.overtime,
                "limit_amount": one.ceiling,
            }
            for one in agreements.prices.lines
        ],
        "contracts": [
            {
                "id": one.number,
                "crm_contract_id": one.sow_id,
                "engagement_id": engagement_ids[one.engagement.opportunity_id],
                "reference": one.contract_no,
                "contract_version": one.revision,
                "title": one.subject,
                "pricing": one.pricing_model,
                "state": one.status,
                "limit_amount": one.ceiling,
                "currency": one.currency,
                "start_date": one.valid_from,
                "finish_date": one.valid_to,
                "rate_sheet_version_id": one.prices and one.prices.number,
            }
            for one in agreements.sows
        ],
        "contract_changes": [
            {
                "id": one.number,
                "crm_change_id": one.change_id,
                "contract_id": one.sow.number,
                "change_number": one.sequence_no,
                "about": one.change_type,
                "state": one.status,
                "effective_date": one.effective_on,
                "summary": one.rationale,
                "replaces_id": one.replaces and one.replaces.number,
            }
            for one in agreements.changes
        ],
        "milestones": [
            {
                "id": one.number,
                "crm_deliverable_id": one.deliverable_id,
                "contract_id": one.sow.number,
                "project_id": one.project and one.project.psa_id,
                "place": one.position_no,
                "title": one.name,
                "state": one.status,
                "due_date": one.due_on,
                "amount": one.fee,
                "currency": one.sow.currency,
                "needs_acceptance": one.needs_acceptance,
            }
            for one in agreements.deliverables
        ],
        "retainers": [
            {
                "id": one.number,
                "crm_retainer_id": one.plan_id,
                "contract_id": one.sow.number,
                "cycle": one.billing_period,
                "start_date": one.first_day,
                "fee_amount": one.fee,
                "currency": one.sow.currency,
                "included_minutes": one.included_hours * 60,
                "carry_over": one.unused_rule,
                "last_date": one.expires_on,
            }
            for one in agreements.retainers
        ],
    }
