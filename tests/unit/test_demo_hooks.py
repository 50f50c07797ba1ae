"""Every event that a stand-in can send is signed, worded and declared as we read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from cdc.log.port import LogRecord
from cdc.webhook.event import read_event
from cdc.webhook.forms import FORMS
from cdc.webhook.meaning import EventForm
from cdc.webhook.signature import Sender, Unsigned, signed_at
from hub.demo.hooks import TELLERS
from schema.position import Position
from schema.system import System
from sync.connectors.billing import Billing
from sync.connectors.binding import Binding
from sync.connectors.crm import Crm
from sync.connectors.psa import Psa

SECRET = "a secret of at least 24 bytes"
KEY = "77"
FORM = {"billing": "stripe"}
BINDINGS: Mapping[str, tuple[Binding, ...]] = {
    "crm": Crm.bindings,
    "psa": Psa.bindings,
    "billing": Billing.bindings,
}
EVENTS = [
    (system, f"{told.noun}.{happened}", told.table)
    for system, teller in TELLERS.items()
    for told in teller.tables
    for happened in ("created", "updated", *told.words.values())
]


def row(kind: str) -> dict[str, Any]:
    told = {"object": kind.partition(".")[0], "id": KEY, "status": None}
    return {"event": "evt_1", "type": kind, "created": datetime.now(UTC), "object": told}


@pytest.mark.parametrize(("system", "kind", "table"), EVENTS)
def test_an_event_names_the_record_that_is_read_back(system: str, kind: str, table: str) -> None:
    body, headers = TELLERS[system].write(row(kind), SECRET)
    sender = Sender(form=FORMS[FORM.get(system, "standard")], secrets=(SECRET.encode(),))
    now = datetime.now(UTC)
    event = read_event(sender.form, headers, body, signed_at(sender, headers, body, now))
    form = EventForm(BINDINGS[system])
    kept = form.keep(System(system), event, now)
    at = Position(topic=kept.topic, partition=0, offset=0)
    logged = LogRecord(
        position=at, key=kept.key, value=kept.value, headers=kept.headers, appended_at=now
    )
    touched = form.meaning(logged)
    assert touched[0].binding.table == f"public.{table}"
    assert {one.key for one in touched} == {KEY}


@pytest.mark.parametrize("system", TELLERS)
def test_a_body_that_was_changed_is_not_signed(system: str) -> None:
    body, headers = TELLERS[system].write(row("x.updated"), SECRET)
    sender = Sender(form=FORMS[FORM.get(system, "standard")], secrets=(SECRET.encode(),))
    with pytest.raises(Unsigned):
        signed_at(sender, headers, body.replace(b"77", b"78"), datetime.now(UTC))
