"""Registers a client's payment, with the wizard that Tryton's own users work with."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import date
from decimal import Decimal
from typing import Any

from hub.tryton.rpc import Session, Values
from hub.tryton.running import RunningTryton


async def pay(erp: RunningTryton, number: str, amount: Decimal, day: date) -> None:
    """A client's payment of an invoice, registered by the clerk."""

    def register() -> None:
        with closing(erp.log_in_clerk()) as session:
            pay_invoice(session, number, amount, day)

    await asyncio.to_thread(register)


def pay_invoice(session: Session, number: str, amount: Decimal, day: date) -> None:
    """Book a payment of the posted invoice; the one that settles it makes it paid.

    Raises TrytonRefused with Tryton's words, for one, when more is paid than is owed.
    """
    [invoice] = session.read("account.invoice", [("number", "=", number)], "company")
    company = invoice["company"]
    [method] = session.search("account.invoice.payment.method", [("company", "=", company)])
    wizard = session.within(company=company, companies=[company]).start_wizard(
        "account.invoice.pay",
        active_model="account.invoice",
        active_id=invoice["id"],
        active_ids=[invoice["id"]],
    )
    paid = {"amount": amount, "date": day, "payment_method": method}
    answer = wizard.press("start", {**_filled_in(wizard.proceed("start")), **paid}, "choice")
    if "view" in answer:  # it does not settle the invoice, and Tryton asks what to make of that
        wizard.press("ask", {**_filled_in(answer), "type": "partial"}, "pay")
    wizard.end()


def _filled_in(answer: Any) -> Values:
    """What a form of a wizard holds before anybody has typed; the names beside ids are left out."""
    defaults = answer["view"]["defaults"]
    return {name: value for name, value in defaults.items() if not name.endswith(".")}
