"""The ERP's project costing: the PSA's plans, time and expenses as the ledger sees them."""

from hub.demo.documents import BOOK_RATE
from hub.demo.hours import HOURS
from hub.demo.kinds import CURRENCY, DATE, FLAG, INSTANT, MONEY
from hub.demo.tables import EXACT, RANGE, Table, anchor, copied, number_key

COMMITMENTS = Table(
    name="commitments",
    key=number_key("id"),
    columns=(
        anchor("psa_ref"),
        copied("project_no", by=EXACT, references="projects"),
        copied("employee_no", by=EXACT),
        copied("grade", by=EXACT),
        copied("plan_status", by=EXACT),
        copied("from_on", DATE, by=RANGE),
        copied("to_on", DATE),
        copied("hours_per_day", HOURS),
        copied("is_billable", FLAG),
    ),
)

LABOUR_COSTS = Table(
    name="labour_costs",
    key=number_key("id"),
    columns=(
        anchor("psa_ref"),
        copied("project_no", by=EXACT, references="projects"),
        copied("employee_no", by=EXACT),
        copied("commitment_ref"),
        copied("worked_on", DATE, by=RANGE),
        copied("quantity_hours", HOURS),
        copied("is_billable", FLAG),
        copied("activity"),
        copied("line_text"),
        copied("line_status", by=EXACT),
        copied("approved_by"),
        copied("approved_at", INSTANT),
    ),
)

EXPENSE_COSTS = Table(
    name="expense_costs",
    key=number_key("id"),
    columns=(
        anchor("psa_ref"),
        copied("project_no", by=EXACT, references="projects"),
        copied("employee_no", by=EXACT),
        copied("spent_on", DATE, by=RANGE),
        copied("expense_type", by=EXACT),
        copied("currency", CURRENCY),
        copied("amount_gross", MONEY),
        copied("amount_tax", MONEY),
        copied("is_tax_deductible", FLAG),
        *(copied(name, kind) for name, kind in BOOK_RATE.items()),
        copied("is_billable", FLAG),
        copied("is_reimbursed", FLAG),
        copied("receipt_digest"),
        copied("line_status", by=EXACT),
    ),
)
