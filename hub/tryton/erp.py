"""Tryton as the ERP: its modules, its books, and the firm in them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hub.demo.company import ENTITIES
from hub.demo.firm import Firm
from hub.tryton import books, ledger, seeding, staff
from hub.tryton.blueprint import Blueprint, LogIn
from hub.tryton.books import open_books
from hub.tryton.environment import Say
from hub.tryton.seeding import Seeding

YEARS = (2025, 2026, 2027)


def fill(log_in: LogIn, firm: Firm, say: Say) -> Sequence[int]:
    say("opening the books of the legal entities")
    opened = open_books(log_in(), ENTITIES, YEARS)
    Seeding(session=log_in(), books=opened, say=say).put(firm)
    return [one.id for one in opened.companies.values()]


ERP = Blueprint(
    role="erp",
    modules=(
        *("ir", "res", "party", "company", "currency", "account", "account_invoice"),
        *("account_payment", "project", "timesheet", "timesheet_cost", "project_revenue"),
        *("project_invoice", "company_work_time", "account_invoice_history"),
    ),
    fill=fill,
    sources=(sys.modules[__name__], books, seeding, staff, ledger),
)
