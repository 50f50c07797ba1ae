"""The billing stand-in's copies of contracts and prices: the rules that invoices follow."""

from hub.demo.kinds import (
    COUNT,
    CURRENCY,
    DATE,
    FLAG,
    FRACTION,
    INSTANT,
    MONEY,
    RATE,
    TEXT,
    document,
)
from hub.demo.tables import EXACT, LIKE, RANGE, Table, anchor, copied, text_key

PRICE_LISTS = Table(
    name="price_lists",
    key=text_key("id"),
    prefix="pl_",
    digits=6,
    columns=(
        anchor("crm_price_book"),
        copied("name", by=LIKE),
        copied("currency", CURRENCY),
        copied("customer", by=EXACT, references="customers"),
    ),
)

PRICE_LIST_VERSIONS = Table(
    name="price_list_versions",
    key=text_key("id"),
    prefix="plv_",
    digits=6,
    columns=(
        anchor("crm_price_version"),
        copied("price_list", by=EXACT, references="price_lists"),
        copied("number", COUNT),
        copied("active_from", DATE, by=RANGE),
        copied("status", by=EXACT),
        copied("published_at", INSTANT),
    ),
)

PRICES = Table(
    name="prices",
    key=text_key("id"),
    prefix="price_",
    digits=6,
    columns=(
        anchor("crm_price_line"),
        copied("price_list_version", by=EXACT, references="price_list_versions"),
        copied("role", by=EXACT),
        copied("grade"),
        copied("region"),
        copied("entity_code"),
        copied("service"),
        copied("worker"),
        copied("unit_amount", RATE),
        copied("currency", CURRENCY),
        copied("unit"),
        copied("increment_minutes", COUNT),
        copied("overtime_factor", FRACTION),
        copied("cap_amount", MONEY),
    ),
)

CONTRACTS = Table(
    name="contracts",
    key=text_key("id"),
    prefix="ctr_",
    digits=6,
    columns=(
        anchor("crm_contract"),
        copied("number", by=EXACT),
        copied("revision", COUNT),
        copied("description", by=LIKE),
        copied("billing_scheme", by=EXACT),
        copied("status", by=EXACT),
        copied("cap_amount", MONEY),
        copied("currency", CURRENCY),
        copied("starts_on", DATE, by=RANGE),
        copied("ends_on", DATE),
        copied("price_list_version", by=EXACT, references="price_list_versions"),
        copied("payment_terms", COUNT),
        copied("purchase_order", by=EXACT),
    ),
)

TERMS = document({"name": TEXT, "from": TEXT, "to": TEXT}, is_list=True)

CONTRACT_CHANGES = Table(
    name="contract_changes",
    key=text_key("id"),
    prefix="chg_",
    digits=6,
    columns=(
        anchor("crm_change_order"),
        copied("contract", by=EXACT, references="contracts"),
        copied("number", COUNT),
        copied("type", by=EXACT),
        copied("status", by=EXACT),
        copied("effective_on", DATE, by=RANGE),
        copied("terms", TERMS),
        copied("reason"),
        copied("replaces", references="contract_changes"),
    ),
)

MILESTONES = Table(
    name="milestones",
    key=text_key("id"),
    prefix="mst_",
    digits=6,
    columns=(
        anchor("crm_deliverable"),
        copied("contract", by=EXACT, references="contracts"),
        copied("project", by=EXACT, references="projects"),
        copied("number", COUNT),
        copied("name", by=LIKE),
        copied("status", by=EXACT),
        copied("due_on", DATE, by=RANGE),
        copied("amount", MONEY),
        copied("currency", CURRENCY),
        copied("needs_acceptance", FLAG),
        copied("accepted_at", INSTANT),
    ),
)

RETAINERS = Table(
    name="retainers",
    key=text_key("id"),
    prefix="rtn_",
    digits=6,
    columns=(
        anchor("crm_retainer"),
        copied("contract", by=EXACT, references="contracts"),
        copied("cadence", by=EXACT),
        copied("starts_on", DATE, by=RANGE),
        copied("amount", MONEY),
        copied("currency", CURRENCY),
        copied("included_minutes", COUNT),
        copied("rollover"),
        copied("balance", MONEY),
        copied("expires_on", DATE),
    ),
)

AGREEMENTS = (
    PRICE_LISTS,
    PRICE_LIST_VERSIONS,
    PRICES,
    CONTRACTS,
    CONTRACT_CHANGES,
    RETAINERS,
)
"""Before the projects, which work under them; milestones come after, as they name a project."""
