"""What PSA, ERP and billing know of plans, time and expenses; made row by row, when asked for."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from hub.demo.drawing.billables import PriceList, is_billed
from hub.demo.drawing.expenses import draw_expenses
from hub.demo.drawing.time_entries import draw_time_entries
from hub.demo.firm import Firm
from hub.demo.rows.documents import book_rate
from hub.demo.work import TimeEntry

ROUNDED = Decimal("0.01")
LEDGER_PLAN = {
    "requested": "REQUESTED",
    "pencilled": "SOFT",
    "booked": "FIRM",
    "running": "STARTED",
    "done": "ENDED",
    "released": "CANCELLED",
    "superseded": "REPLACED",
}
LEDGER_TIME = {"open": "DRAFT", "waiting": "PENDING", "approved": "APPROVED", "returned": "DENIED"}
LEDGER_EXPENSE = {
    "open": "DRAFT",
    "waiting": "PENDING",
    "cleared": "APPROVED",
    "returned": "DENIED",
    "booked": "POSTED",
    "paid_out": "REIMBURSED",
}


@cache
def hours(minutes: int) -> Decimal:
    return (Decimal(minutes) / 60).quantize(ROUNDED)


def psa_work(firm: Firm) -> dict[str, Iterable[dict[str, Any]]]:
    return {
        "allocations": (
            {
                "id": one.psa_id,
                "project_id": one.project.psa_id,
                "user_id": one.person and one.person.psa_id,
                "seat_role": one.role,
                "booking_state": one.status,
                "start_date": one.starts_on,
                "finish_date": one.ends_on,
                "daily_hours": hours(one.minutes_per_day),
                "is_chargeable": one.is_billable,
                "special_rate": one.own_rate,
                "special_currency": one.own_rate and one.project.engagement.client.currency,
                "special_unit": one.own_rate_unit,
                "successor_id": one.successor_id,
            }
            for one in firm.assignments
        ),
        "time_entries": (
            {
                "id": one.number,
                "user_id": one.assignment.worker.psa_id,
                "project_id": one.assignment.project.psa_id,
                "allocation_id": one.assignment.psa_id,
                "task_name": one.assignment.project.name.rpartition(": ")[2],
                "work_day": one.work_date,
                "timezone": one.assignment.worker.time_zone,
                "hours": hours(one.worked),
                "chargeable_hours": hours(one.billable),
                "is_chargeable": one.is_billable,
                "work_type": one.activity,
                "memo": one.note,
                "entry_state": one.status,
                "approver": one.approver,
                "approved_at": one.approved_at,
                "returned_by": one.returned_by,
                "remark": one.remark,
                "lock_reason": one.locked_reason,
            }
            for one in draw_time_entries(firm)
        ),
        "expense_lines": (
            {
                "id": one.number,
                "user_id": one.assignment.worker.psa_id,
                "project_id": one.assignment.project.psa_id,
                "spent_day": one.incurred_on,
                "category": one.category,
                "spent_amount": one.amount,
                "tax_amount": one.tax,
                "spent_currency": one.currency,
                "is_tax_reclaimable": one.is_tax_recoverable,
                "payout_rate": one.home_fx.rate,
                "payout_currency": one.home_fx.quote,
                "payout_rate_day": one.home_fx.since,
                "payout_rate_source": one.home_fx.source,
                "exchange_rate": one.billing_fx.rate,
                "exchange_currency": one.billing_fx.quote,
                "exchange_day": one.billing_fx.since,
                "exchange_source": one.billing_fx.source,
                "is_chargeable": one.is_billable,
                "uplift": one.markup,
                "receipt_sha256": one.receipt_hash,
                "is_refundable": one.is_reimbursable,
                "line_state": one.status,
                "approver": one.approver,
                "returned_by": one.returned_by,
                "remark": one.remark,
            }
            for one in draw_expenses(firm)
        ),
    }


def erp_work(firm: Firm) -> dict[str, Iterable[dict[str, Any]]]:
    return {
        "commitments": (
            {
                "id": number,
                "psa_ref": str(one.psa_id),
                "project_no": one.project.project_no,
                "employee_no": one.person and one.person.employee_number,
                "grade": one.role,
                "plan_status": LEDGER_PLAN[one.status],
                "from_on": one.starts_on,
                "to_on": one.ends_on,
                "hours_per_day": hours(one.minutes_per_day),
                "is_billable": one.is_billable,
            }
            for number, one in enumerate(firm.assignments, start=1)
        ),
        "labour_costs": (
            {
                "id": one.number,
                "psa_ref": str(one.number),
                "project_no": one.assignment.project.project_no,
                "employee_no": one.assignment.worker.employee_number,
                "commitment_ref": str(one.assignment.psa_id),
                "worked_on": one.work_date,
                "quantity_hours": hours(one.worked),
                "is_billable": one.is_billable,
                "activity": one.activity,
                "line_text": one.note,
                "line_status": LEDGER_TIME[one.status],
                "approved_by": one.approver,
                "approved_at": one.approved_at,
            }
            for one in draw_time_entries(firm)
        ),
        "expense_costs": (
            {
                "id": one.number,
                "psa_ref": str(one.number),
                "project_no": one.assignment.project.project_no,
                "employee_no": one.assignment.worker.employee_number,
                "spent_on": one.incurred_on,
                "expense_type": one.category,
                "currency": one.currency,
                "amount_gross": one.amount,
                "amount_tax": one.tax,
                "is_tax_deductible": one.is_tax_recoverable,
                **book_rate(one.home_fx),
                "is_billable": one.is_billable,
                "is_reimbursed": one.is_reimbursable,
                "receipt_digest": one.receipt_hash,
                "line_status": LEDGER_EXPENSE[one.status],
            }
            for one in draw_expenses(firm)
        ),
    }


def frozen_price(one: TimeEntry, prices: PriceList, since: date) -> dict[str, Any]:
    """The hub's price of the time, once there is one."""
    is_priced = is_billed(one) and one.work_date >= since
    price = prices.of(one.assignment, one.work_date.replace(day=1)) if is_priced else None
    client = one.assignment.project.engagement.client
    return {
        "unit_price": price and price.amount,
        "price_currency": price and client.currency,
        "price_unit": price and "hour",
    }


def billing_work(firm: Firm) -> dict[str, Iterable[dict[str, Any]]]:
    """Billing says in small letters what the ledger says in capitals."""
    prices = PriceList(firm.agreements.prices)
    return {
        "time_usage": (
            {
                "id": f"tu_{one.number:09d}",
                "psa_entry": str(one.number),
                "project_code": one.assignment.project.project_no,
                "worker": one.assignment.worker.employee_number,
                "service_day": one.work_date,
                "minutes_worked": one.worked,
                "minutes_billable": one.billable,
                "billable": one.is_billable,
                "activity": one.activity,
                "description": one.note,
                "status": LEDGER_TIME[one.status].lower(),
                "approved_at": one.approved_at,
                **frozen_price(one, prices, firm.size.billed_since),
            }
            for one in draw_time_entries(firm)
        ),
        "expense_usage": (
            {
                "id": f"eu_{one.number:09d}",
                "psa_line": str(one.number),
                "project_code": one.assignment.project.project_no,
                "worker": one.assignment.worker.employee_number,
                "spent_on": one.incurred_on,
                "category": one.category,
                "currency": one.currency,
                "amount": one.amount,
                "tax": one.tax,
                "tax_recoverable": one.is_tax_recoverable,
                "fx_rate": one.billing_fx.rate,
                "fx_to": one.billing_fx.quote,
                "fx_day": one.billing_fx.since,
                "fx_source": one.billing_fx.source,
                "billable": one.is_billable,
                "markup": one.markup,
                "status": LEDGER_EXPENSE[one.status].lower(),
            }
            for one in draw_expenses(firm)
        ),
    }
