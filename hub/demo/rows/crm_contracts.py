"""What the CRM knows of the firm's contracts and prices."""

from hub.demo.firm import Firm
from hub.demo.rows.words import Rows


def crm_contract_rows(firm: Firm) -> dict[str, Rows]:
    agreements = firm.agreements
    return {
        "price_books": [
            {
                "id": one.book_id,
                "book_name": one.name,
                "currency_iso": one.currency,
                "account_id": one.client and one.client.account_id,
            }
            for one in agreements.prices.books
        ],
        "price_book_versions": [
            {
                "id": one.version_id,
                "price_book_id": one.book.book_id,
                "version_no": one.version_no,
                "effective_date": one.effective_on,
                "status": one.status,
                "published_at": one.published_at,
            }
            for one in agreements.prices.versions
        ],
        "price_lines": [
            {
                "id": one.line_id,
                "price_book_version_id": one.version.version_id,
                "job_role": one.role,
                "job_grade": one.grade,
                "worker_no": one.worker and one.worker.employee_number,
                "unit_price": one.unit_price,
                "currency_iso": one.version.book.currency,
                "price_unit": "HOURLY",
                "billing_step_minutes": one.step_minutes,
                "overtime_multiplier": one.overtime,
                "ceiling_amount": one.ceiling,
            }
            for one in agreements.prices.lines
        ],
        "statements_of_work": [
            {
                "id": one.sow_id,
                "opportunity_id": one.engagement.opportunity_id,
                "contract_no": one.contract_no,
                "revision": one.revision,
                "subject": one.subject,
                "pricing_model": one.pricing_model,
                "status": one.status,
                "ceiling_amount": one.ceiling,
                "currency_iso": one.currency,
                "valid_from": one.valid_from,
                "valid_to": one.valid_to,
                "price_book_version_id": one.prices and one.prices.version_id,
                "payment_days": one.payment_days,
                "customer_po": one.customer_po,
                "approved_at": one.approved_at,
                "approver_email": one.approver_email,
                "decider_email": one.decider_email,
                "decision_note": one.decision_note,
                "document_sha256": one.document_sha256,
            }
            for one in agreements.sows
        ],
        "change_orders": [
            {
                "id": one.change_id,
                "sow_id": one.sow.sow_id,
                "sequence_no": one.sequence_no,
                "change_type": one.change_type,
                "status": one.status,
                "effective_date": one.effective_on,
                "signed_at": one.signed_at,
                "changed_terms": one.changed_terms,
                "rationale": one.rationale,
                "replaces_id": one.replaces and one.replaces.change_id,
                "approver_email": one.approver_email,
                "decider_email": one.decider_email,
                "decision_note": one.decision_note,
            }
            for one in agreements.changes
        ],
        "deliverables": [
            {
                "id": one.deliverable_id,
                "sow_id": one.sow.sow_id,
                "erp_project_no": one.project and one.project.project_no,
                "position_no": one.position_no,
                "deliverable_name": one.name,
                "status": one.status,
                "due_date": one.due_on,
                "fee_amount": one.fee,
                "currency_iso": one.sow.currency,
                "needs_acceptance": one.needs_acceptance,
                "accepted_at": one.accepted_at,
                "accepted_by": one.accepted_by,
                "acceptance_link": one.acceptance_link,
            }
            for one in agreements.deliverables
        ],
        "retainer_plans": [
            {
                "id": one.plan_id,
                "sow_id": one.sow.sow_id,
                "billing_period": one.billing_period,
                "first_day": one.first_day,
                "period_fee": one.fee,
                "currency_iso": one.sow.currency,
                "included_hours": one.included_hours,
                "unused_rule": one.unused_rule,
                "remaining_amount": one.remaining,
                "remaining_hours": int(one.included_hours * one.remaining / one.fee),
                "expires_on": one.expires_on,
            }
            for one in agreements.retainers
        ],
    }
