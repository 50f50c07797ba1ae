"""What billing knows of the firm's contracts, in the CRM's words."""

from hub.demo.agreements import ChangeOrder
from hub.demo.firm import Firm
from hub.demo.prices import PriceLine
from hub.demo.rows.words import Rows


def billing_contract_rows(firm: Firm) -> dict[str, Rows]:
    agreements = firm.agreements
    project_nos = (one.project_no for one in firm.projects)
    project_ids = {one: f"bp_{number:06d}" for number, one in enumerate(project_nos, start=1)}
    return {
        "price_lists": [
            {
                "id": one.billing_id,
                "crm_price_book": one.book_id,
                "name": one.name,
                "currency": one.currency,
                "customer": one.client and one.client.billing_id,
            }
            for one in agreements.prices.books
        ],
        "price_list_versions": [
            {
                "id": one.billing_id,
                "crm_price_version": one.version_id,
                "price_list": one.book.billing_id,
                "number": one.version_no,
                "active_from": one.effective_on,
                "status": one.status,
                "published_at": one.published_at,
            }
            for one in agreements.prices.versions
        ],
        "prices": [billing_price(one) for one in agreements.prices.lines],
        "contracts": [
            {
                "id": one.billing_id,
                "crm_contract": one.sow_id,
                "number": one.contract_no,
                "revision": one.revision,
                "description": one.subject,
                "billing_scheme": one.pricing_model,
                "status": one.status,
                "cap_amount": one.ceiling,
                "currency": one.currency,
                "starts_on": one.valid_from,
                "ends_on": one.valid_to,
                "price_list_version": one.prices and one.prices.billing_id,
                "payment_terms": one.payment_days,
                "purchase_order": one.customer_po,
            }
            for one in agreements.sows
        ],
        "contract_changes": [billing_change(one) for one in agreements.changes],
        "milestones": [
            {
                "id": f"mst_{one.number:06d}",
                "crm_deliverable": one.deliverable_id,
                "contract": one.sow.billing_id,
                "project": one.project and project_ids[one.project.project_no],
                "number": one.position_no,
                "name": one.name,
                "status": one.status,
                "due_on": one.due_on,
                "amount": one.fee,
                "currency": one.sow.currency,
                "needs_acceptance": one.needs_acceptance,
                "accepted_at": one.accepted_at,
            }
            for one in agreements.deliverables
        ],
        "retainers": [
            {
                "id": f"rtn_{one.number:06d}",
                "crm_retainer": one.plan_id,
                "contract": one.sow.billing_id,
                "cadence": one.billing_period,
                "starts_on": one.first_day,
                "amount": one.fee,
                "currency": one.sow.currency,
                "included_minutes": one.included_hours * 60,
                "rollover": one.unused_rule,
                "balance": one.remaining,
                "expires_on": one.expires_on,
            }
            for one in agreements.retainers
        ],
    }


def billing_price(line: PriceLine) -> dict[str, object]:
    return {
        "id": f"price_{line.number:06d}",
        "crm_price_line": line.line_id,
        "price_list_version": line.version.billing_id,
        "role": line.role,
        "grade": line.grade,
        "worker": line.worker and line.worker.employee_number,
        "unit_amount": line.unit_price,
        "currency": line.version.book.currency,
        "unit": "HOURLY",
        "increment_minutes": line.step_minutes,
        "overtime_factor": line.overtime,
        "cap_amount": line.ceiling,
    }


def billing_change(change: ChangeOrder) -> dict[str, object]:
    terms = [
        {"name": one["term"], "from": one["old_value"], "to": one["new_value"]}
        for one in change.changed_terms
    ]
    return {
        "id": change.billing_id,
        "crm_change_order": change.change_id,
        "contract": change.sow.billing_id,
        "number": change.sequence_no,
        "type": change.change_type,
        "status": change.status,
        "effective_on": change.effective_on,
        "terms": terms,
        "reason": change.rationale,
        "replaces": change.replaces and change.replaces.billing_id,
    }
