"""What billing can bill: time and expenses as the PSA reports them."""

from hub.demo.kinds import COUNT, CURRENCY, DATE, FLAG, FRACTION, FX, INSTANT, MONEY, RATE
from hub.demo.tables import EXACT, RANGE, Table, anchor, copied, text_key

TIME_USAGE = Table(
    name="time_usage",
    key=text_key("id"),
    prefix="tu_",
    digits=9,
    columns=(
        anchor("psa_entry"),
        anchor("project_code", is_nullable=True),
        copied("worker", by=EXACT),
        copied("service_day", DATE, by=RANGE),
        copied("minutes_worked", COUNT),
        copied("minutes_billable", COUNT),
        copied("billable", FLAG),
        copied("activity"),
        copied("description"),
        copied("status", by=EXACT),
        copied("approved_at", INSTANT),
        copied("unit_price", RATE),
        copied("price_currency", CURRENCY),
        copied("price_unit"),
    ),
)

EXPENSE_USAGE = Table(
    name="expense_usage",
    key=text_key("id"),
    prefix="eu_",
    digits=9,
    columns=(
        anchor("psa_line"),
        anchor("project_code", is_nullable=True),
        copied("worker", by=EXACT),
        copied("spent_on", DATE, by=RANGE),
        copied("category", by=EXACT),
        copied("currency", CURRENCY),
        copied("amount", MONEY),
        copied("tax", MONEY),
        copied("tax_recoverable", FLAG),
        copied("fx_rate", FX),
        copied("fx_to", CURRENCY),
        copied("fx_day", DATE),
        copied("fx_source"),
        copied("billable", FLAG),
        copied("markup", FRACTION),
        copied("status", by=EXACT),
    ),
)
