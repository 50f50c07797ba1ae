"""The PSA stand-in's copies of contracts and rates: what planning and pricing of time need."""

from hub.demo.kinds import COUNT, CURRENCY, DATE, FLAG, FRACTION, ID, INSTANT, MONEY, RATE
from hub.demo.tables import EXACT, LIKE, RANGE, Table, anchor, copied, number_key

RATE_SHEETS = Table(
    name="rate_sheets",
    key=number_key("id"),
    columns=(
        anchor("crm_price_book_id"),
        copied("label", by=LIKE),
        copied("currency", CURRENCY),
        copied("client_id", ID, by=EXACT, references="clients"),
    ),
)

RATE_SHEET_VERSIONS = Table(
    name="rate_sheet_versions",
    key=number_key("id"),
    columns=(
        anchor("crm_price_version_id"),
        copied("rate_sheet_id", ID, by=EXACT, references="rate_sheets"),
        copied("sheet_version", COUNT),
        copied("valid_from", DATE, by=RANGE),
        copied("state", by=EXACT),
        copied("released_at", INSTANT),
    ),
)

RATES = Table(
    name="rates",
    key=number_key("id"),
    columns=(
        anchor("crm_price_line_id"),
        copied("rate_sheet_version_id", ID, by=EXACT, references="rate_sheet_versions"),
        copied("job_role", by=EXACT),
        copied("grade"),
        copied("region"),
        copied("office"),
        copied("service"),
        copied("user_id", ID, by=EXACT, references="users"),
        copied("amount", RATE),
        copied("currency", CURRENCY),
        copied("per"),
        copied("step_minutes", COUNT),
        copied("overtime_factor", FRACTION),
        copied("limit_amount", MONEY),
    ),
)

CONTRACTS = Table(
    name="contracts",
    key=number_key("id"),
    columns=(
        anchor("crm_contract_id"),
        copied("engagement_id", ID, by=EXACT, references="engagements"),
        copied("reference", by=EXACT),
        copied("contract_version", COUNT),
        copied("title", by=LIKE),
        copied("pricing", by=EXACT),
        copied("state", by=EXACT),
        copied("limit_amount", MONEY),
        copied("currency", CURRENCY),
        copied("start_date", DATE, by=RANGE),
        copied("finish_date", DATE),
        copied("rate_sheet_version_id", ID, by=EXACT, references="rate_sheet_versions"),
    ),
)

CONTRACT_CHANGES = Table(
    name="contract_changes",
    key=number_key("id"),
    columns=(
        anchor("crm_change_id"),
        copied("contract_id", ID, by=EXACT, references="contracts"),
        copied("change_number", COUNT),
        copied("about", by=EXACT),
        copied("state", by=EXACT),
        copied("effective_date", DATE, by=RANGE),
        copied("summary"),
        copied("replaces_id", ID, references="contract_changes"),
    ),
)

MILESTONES = Table(
    name="milestones",
    key=number_key("id"),
    columns=(
        anchor("crm_deliverable_id"),
        copied("contract_id", ID, by=EXACT, references="contracts"),
        copied("project_id", ID, by=EXACT, references="projects"),
        copied("place", COUNT),
        copied("title", by=LIKE),
        copied("state", by=EXACT),
        copied("due_date", DATE, by=RANGE),
        copied("amount", MONEY),
        copied("currency", CURRENCY),
        copied("needs_acceptance", FLAG),
    ),
)

RETAINERS = Table(
    name="retainers",
    key=number_key("id"),
    columns=(
        anchor("crm_retainer_id"),
        copied("contract_id", ID, by=EXACT, references="contracts"),
        copied("cycle", by=EXACT),
        copied("start_date", DATE, by=RANGE),
        copied("fee_amount", MONEY),
        copied("currency", CURRENCY),
        copied("included_minutes", COUNT),
        copied("carry_over"),
        copied("last_date", DATE),
    ),
)

AGREEMENTS = (RATE_SHEETS, RATE_SHEET_VERSIONS, RATES, CONTRACTS, CONTRACT_CHANGES, RETAINERS)
"""Before the projects, which work under them; milestones come after, as they name a project."""

CONTRACT_IDS = (
    "contract_id",
    "engagement_id",
    "project_id",
    "rate_sheet_id",
    "rate_sheet_version_id",
    "replaces_id",
    "user_id",
)
