"""The ERP's words for the actions of projects and invoices."""

from __future__ import annotations

from schema.entities.invoice import Invoice
from schema.entities.project import Project
from sync.connectors.calls import Call, Calls


def _set_status(word: str) -> Call:
    return Call(path="set-status", fixed={"new_status": word})


WHY = {"reason": "reason_text"}

CALLS: Calls = {
    (Project, "provision"): _set_status("IN_SETUP"),
    (Project, "activate"): _set_status("OPEN"),
    (Project, "suspend"): _set_status("ON_HOLD"),
    (Project, "resume"): _set_status("OPEN"),
    (Project, "wind_down"): _set_status("WINDING_UP"),
    (Project, "close"): _set_status("CLOSED"),
    (Invoice, "post"): Call(path="post", names={"posting_date": "posting_date"}),
    (Invoice, "send"): Call(path="dispatch", names={"sent_on": "dispatched_on"}),
    (Invoice, "cancel"): Call(path="cancel", names=WHY),
    (Invoice, "write_off"): Call(path="write-off", names=WHY),
}
