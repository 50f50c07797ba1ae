"""The PSA's expense reports, line by line: what was spent, and how it is cleared."""

from collections.abc import Callable, Mapping

from hub.demo.approvals import Step, broken
from hub.demo.kinds import CURRENCY, DATE, FLAG, FRACTION, FX, ID, MONEY
from hub.demo.tables import (
    EXACT,
    RANGE,
    Connection,
    Row,
    Table,
    choice,
    given,
    number_key,
    optional,
    own,
)

CATEGORIES = ("travel", "lodging", "meals", "mileage", "software", "materials")
CLEARED = ("cleared", "booked", "paid_out")


def refuse_cleared(row: Row) -> None:
    if row["line_state"] in CLEARED:
        message = f"Expense line {row['id']} is {row['line_state']} and can no longer be changed."
        raise broken("line_immutable", message)


async def refuse_odd_tax(connection: Connection, row: Row) -> None:
    if not 0 <= row["tax_amount"] <= row["spent_amount"]:
        message = f"{row['tax_amount']} of tax is not within {row['spent_amount']} spent."
        raise broken("tax_out_of_range", message)


EXPENSE_LINES = Table(
    name="expense_lines",
    key=number_key("id"),
    guard=refuse_cleared,
    verify=refuse_odd_tax,
    columns=(
        own("user_id", ID, by=EXACT, references="users"),
        own("project_id", ID, by=EXACT, references="projects"),
        own("spent_day", DATE, by=RANGE),
        choice("category", *CATEGORIES),
        own("spent_amount", MONEY),
        own("tax_amount", MONEY, default="0"),
        own("spent_currency", CURRENCY),
        own("is_tax_reclaimable", FLAG, by=EXACT, default="false"),
        optional("payout_rate", FX),
        optional("payout_currency", CURRENCY),
        optional("payout_rate_day", DATE),
        optional("payout_rate_source"),
        optional("exchange_rate", FX),
        optional("exchange_currency", CURRENCY),
        optional("exchange_day", DATE),
        optional("exchange_source"),
        own("is_chargeable", FLAG, by=EXACT, default="true"),
        own("uplift", FRACTION, default="0"),
        optional("receipt_sha256"),
        own("is_refundable", FLAG, by=EXACT, default="true"),
        optional("external_ref", by=EXACT),
        given("line_state", by=EXACT, default="'open'"),
        given("approver"),
        given("returned_by"),
        given("remark"),
    ),
)


def _step(
    verb: str,
    source: str,
    *,
    to: str,
    takes: tuple[str, ...] = (),
    changes: Callable[[], Mapping[str, object]] = dict,
) -> Step:
    return Step(
        table=EXPENSE_LINES,
        state="line_state",
        verb=verb,
        sources=(source,),
        target=to,
        takes=takes,
        changes=changes,
    )


EXPENSE_STEPS = (
    _step("submit", "open", to="waiting"),
    _step("clear", "waiting", to="cleared", takes=("approver",)),
    _step("send-back", "waiting", to="returned", takes=("returned_by", "remark")),
    _step("reopen", "returned", to="open", changes=lambda: {"returned_by": None, "remark": None}),
    _step("book", "cleared", to="booked"),
    _step("pay-out", "booked", to="paid_out"),
)
"""The ledger causes `book` and `pay-out`."""
