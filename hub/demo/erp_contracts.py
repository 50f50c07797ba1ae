"""The ERP stand-in's copies of contracts: what revenue and receivables are planned by."""

from hub.demo.kinds import COUNT, CURRENCY, DATE, INSTANT, MONEY
from hub.demo.tables import EXACT, LIKE, RANGE, Table, anchor, copied, number_key, text_key

CONTRACTS = Table(
    name="contracts",
    key=text_key("contract_no"),
    prefix="K",
    digits=5,
    first=50001,
    columns=(
        anchor("crm_contract"),
        anchor("crm_opportunity", is_nullable=True),
        copied("contract_reference", by=EXACT),
        copied("issue", COUNT),
        copied("contract_text", by=LIKE),
        copied("billing_type", by=EXACT),
        copied("contract_status", by=EXACT),
        copied("limit_amount", MONEY),
        copied("currency", CURRENCY),
        copied("valid_from", DATE, by=RANGE),
        copied("valid_to", DATE),
        copied("terms_days", COUNT),
        copied("customer_order_no", by=EXACT),
    ),
)

BILLING_PLAN_LINES = Table(
    name="billing_plan_lines",
    key=number_key("id"),
    columns=(
        anchor("crm_deliverable"),
        copied("contract_no", by=EXACT, references="contracts"),
        copied("project_no", by=EXACT, references="projects"),
        copied("line_no", COUNT),
        copied("line_text", by=LIKE),
        copied("line_status", by=EXACT),
        copied("planned_on", DATE, by=RANGE),
        copied("amount", MONEY),
        copied("currency", CURRENCY),
        copied("accepted_at", INSTANT),
    ),
)

PERIODIC_PLANS = Table(
    name="periodic_plans",
    key=number_key("id"),
    columns=(
        anchor("crm_retainer"),
        copied("contract_no", by=EXACT, references="contracts"),
        copied("cycle", by=EXACT),
        copied("first_period_on", DATE, by=RANGE),
        copied("period_amount", MONEY),
        copied("currency", CURRENCY),
        copied("unearned_amount", MONEY),
        copied("last_day", DATE),
    ),
)

CONTRACT_TABLES = (CONTRACTS, BILLING_PLAN_LINES, PERIODIC_PLANS)
