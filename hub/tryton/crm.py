"""Tryton as the CRM: its modules, and what the firm sells in them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hub.demo.company import ENTITIES
from hub.demo.firm import Firm
from hub.tryton import amendments, sales, selling
from hub.tryton.blueprint import Blueprint, LogIn
from hub.tryton.environment import Say
from hub.tryton.selling import Selling, open_shop


def fill(log_in: LogIn, firm: Firm, say: Say) -> Sequence[int]:
    say("founding the legal entities that sell")
    shop = open_shop(log_in(), ENTITIES)
    Selling(session=log_in().beside_companies(), shop=shop, say=say).put(firm)
    return [one.id for one in shop.companies.values()]


CRM = Blueprint(
    role="crm",
    modules=(
        *("ir", "res", "party", "company", "currency"),
        *("sale", "sale_opportunity", "sale_amendment"),
    ),
    fill=fill,
    sources=(sys.modules[__name__], selling, sales, amendments),
)
