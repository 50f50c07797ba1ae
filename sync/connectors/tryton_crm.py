"""Tryton as the CRM: owner of the commercial side of clients, of engagements and of contracts.

Acts: by the buttons of a sale and of an amendment. Exempt: what no sales module of Tryton holds.
That is rates, milestones and retainers; of a contract its last day, its rates, its approval and its
document; suspending, completing and terminating it, and voiding an amendment; copies of what
happens elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

from schema.entities.amendment import Amendment
from schema.entities.sow import Sow
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.binding import Binding
from sync.connectors.contract_words import AMENDMENT_STATUS, SOW_STATUS
from sync.connectors.tryton import Act, Role, Tryton
from sync.connectors.tryton_crm_bindings import AMENDMENT, CLIENT, ENGAGEMENT, SOW
from sync.connectors.tryton_crm_rows import SHAPES
from sync.connectors.tryton_crm_values import ENCODERS
from sync.connectors.tryton_shapes import Record

BUTTONS = {
    (Sow, "submit"): "quote",
    (Sow, "approve"): "confirm",
    (Sow, "reject"): "cancel",
    (Sow, "activate"): "process",
    (Amendment, "approve"): "validate_amendment",
}
STATUS: Mapping[type, Mapping[str, Enum]] = {Sow: SOW_STATUS, Amendment: AMENDMENT_STATUS}


def press(action: str, button: str) -> Act:
    """A button; raises NotAllowed where the lifecycle has no such step, which Tryton ignores."""

    async def step(
        tryton: Tryton, binding: Binding, record: Record, arguments: Mapping[str, Any]
    ) -> None:
        row = tryton.row_of(binding, record)
        state = STATUS[binding.entity][row["status"]]
        LIFECYCLES[binding.entity].step(action, state)
        await tryton.press(binding, record, button, version=row["version"])

    return step


CRM = Role(
    system=System.CRM,
    bindings=(CLIENT, ENGAGEMENT, SOW, AMENDMENT),
    shapes=SHAPES,
    encoders=ENCODERS,
    actions={key: press(key[1], button) for key, button in BUTTONS.items()},
)
