"""Tryton as the ERP: owner of projects, of the accounting side of clients, and of the ledger.

Acts: `post` on an invoice, and the steps of a project. Removes: lines of time that is no longer
approved. Exempt: credit status, which Tryton does not have; copies of contracts, milestones and
retainers, of assignments and expenses, of people and of delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.entities.invoice import Invoice
from schema.entities.project import Project
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.binding import Binding
from sync.connectors.encoding import encode
from sync.connectors.tryton import Act, Role, Tryton
from sync.connectors.tryton_erp_bindings import (
    CLIENT,
    INVOICE,
    PAYMENT_STATUS,
    PROJECT,
    PROJECT_STATUS,
)
from sync.connectors.tryton_erp_entities import LEGAL_ENTITY
from sync.connectors.tryton_erp_rows import SHAPES
from sync.connectors.tryton_erp_time import TIME_ENTRY, TIME_LINES
from sync.connectors.tryton_erp_values import ENCODERS, project_values
from sync.connectors.tryton_shapes import Record, typed_day


async def post(
    tryton: Tryton, binding: Binding, record: Record, arguments: Mapping[str, Any]
) -> None:
    """Make an invoice legal on `posting_date`.

    A refused posting leaves a draft, with that date as its invoice date.
    """
    if record["state"] == "draft":
        day = typed_day(str(arguments["posting_date"]))
        await tryton.write(binding, record, {"invoice_date": day})
    await tryton.press(binding, record, "post")


def move(action: str) -> Act:
    """A step of a project; raises NotAllowed where its lifecycle does not let it go."""

    async def step(
        tryton: Tryton, binding: Binding, record: Record, arguments: Mapping[str, Any]
    ) -> None:
        state = PROJECT_STATUS[record["status"]["name"]]
        target = LIFECYCLES[Project].step(action, state).target
        row = encode(PROJECT, {"status": target})
        await tryton.write(binding, record, await project_values(tryton, row, record))

    return step


ERP = Role(
    system=System.ERP,
    bindings=(LEGAL_ENTITY, CLIENT, PROJECT, TIME_ENTRY, INVOICE, PAYMENT_STATUS),
    shapes=SHAPES,
    encoders=ENCODERS,
    removable=frozenset({TIME_LINES}),
    actions={
        (Invoice, "post"): post,
        **{(Project, action): move(action) for action in LIFECYCLES[Project].actions},
    },
)
