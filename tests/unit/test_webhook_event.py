"""What a call tells, and what the record that keeps it means."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from support.envelopes import envelope, whole

from cdc.decode import Decoder
from cdc.log.port import LogRecord, NewRecord
from cdc.webhook.event import CLOUD_EVENT, JSON, Event, read_event
from cdc.webhook.forms import STANDARD, STRIPE, Form
from cdc.webhook.meaning import EventForm
from schema.errors import Invalid
from schema.position import Position
from schema.system import System
from sync.changes import Change, Incoming, Reject, Touched
from sync.connectors.billing import Billing
from sync.connectors.billing_bindings import INVOICE, PAYMENT_STATUS

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SAID = datetime(2026, 11, 20, 9, 29, tzinfo=UTC)
EVENTS = EventForm(Billing.bindings)
STANDARD_BODY = {
    "type": "invoice.updated",
    "timestamp": SAID.isoformat(),
    "data": {"id": "in_000001", "amount": "1.00"},
}
STRIPE_BODY = {
    "id": "evt_1",
    "type": "invoice.updated",
    "created": int(SAID.timestamp()),
    "data": {"object": {"id": "in_000001"}},
}
CLOUD = {
    "specversion": "1.0",
    "id": "evt_1",
    "source": "/billing",
    "type": "invoice.updated",
    "time": SAID.isoformat(),
    "subject": "in_000001",
}
BINARY = {f"ce-{name}": value for name, value in CLOUD.items()}


def read(
    body: Mapping[str, Any], form: Form = STANDARD, content: str = JSON, **headers: str
) -> Event:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    told = {"content-type": content, "webhook-id": "evt_1", **named}
    return read_event(form, told, json.dumps(body).encode(), NOW)


def meaning(record: NewRecord) -> Sequence[Incoming]:
    kept = LogRecord(
        position=Position(topic=record.topic, partition=1, offset=5),
        key=record.key,
        value=record.value,
        headers=record.headers,
        appended_at=NOW,
    )
    return Decoder(Billing.bindings).decode(kept)


def kept(event: Event) -> NewRecord:
    return EVENTS.keep(System.BILLING, event, NOW)


@pytest.mark.parametrize(
    "event",
    [
        read(STANDARD_BODY),
        read(STRIPE_BODY, STRIPE),
        read({**CLOUD, "data": {}}, content=f"{CLOUD_EVENT}; charset=utf-8"),
        read({**CLOUD, "subject": "x", "data": {"id": "in_000001"}}, content=CLOUD_EVENT),
        read({}, **BINARY),
        read({"id": "in_000001"}, **{**BINARY, "ce-subject": "another"}),
    ],
    ids=["standard", "stripe", "subject", "data", "binary subject", "binary data"],
)
def test_every_form_touches_the_record_and_tells_nothing_else_of_it(event: Event) -> None:
    """Both types that are read of an invoice are read back; no amount is taken from the event."""
    record = kept(event)
    assert (record.topic, record.key) == ("billing.events", b'{"record":"in_000001"}')
    told = meaning(record)
    assert [one.binding for one in told if isinstance(one, Touched)] == [INVOICE, PAYMENT_STATUS]
    for one in told:
        assert isinstance(one, Touched)
        assert (one.key, one.as_of, one.is_beside, one.is_read) == ("in_000001", SAID, True, False)


def test_a_declared_type_that_changes_nothing_means_nothing() -> None:
    assert meaning(kept(read({**STANDARD_BODY, "type": "invoice.upcoming"}))) == []


def test_a_type_that_nobody_declared_is_parked_with_its_bytes_and_holds_nothing_else() -> None:
    record = kept(read({**STANDARD_BODY, "type": "invoice.sneezed"}))
    assert record.key == b'{"event":"evt_1"}'
    [reject] = meaning(record)
    assert isinstance(reject, Reject)
    assert reject.reason == "unknown_event"
    assert "invoice.sneezed" in reject.detail
    assert json.loads(reject.record.value or b"")["data"]["amount"] == "1.00"


@pytest.mark.parametrize("data", [{}, {"id": None}, {"id": ""}, {"id": True}, {"id": {}}, "in_1"])
def test_an_event_that_names_no_record_is_parked(data: Any) -> None:
    [reject, *_] = meaning(kept(read({**STANDARD_BODY, "data": data})))
    assert isinstance(reject, Reject)
    assert reject.reason == "missing_key"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({**STANDARD_BODY, "type": 7}, {}),
        ({**STANDARD_BODY, "type": "x" * 256}, {}),
        ({**STANDARD_BODY, "timestamp": "yesterday"}, {}),
        ({**STANDARD_BODY, "timestamp": 10**30}, {}),
        (STANDARD_BODY, {"webhook_id": "a\0b"}),
        (STANDARD_BODY, {**BINARY, "ce-specversion": "0.3"}),
        (STANDARD_BODY, {**BINARY, "ce-type": ""}),
        ({"op": "u"}, {**BINARY, "ce-iodebeziumop": "u"}),
        (STANDARD_BODY, {"content": CLOUD_EVENT}),
        ({**CLOUD, "subject": 7}, {"content": CLOUD_EVENT}),
    ],
)
def test_what_is_no_event_is_refused_with_what_is_wrong(
    body: dict[str, Any], headers: dict[str, str]
) -> None:
    with pytest.raises(Invalid):
        read(body, **headers)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"x"', b"null", b"\xff", b'{"a":' * 2000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="no JSON object"):
        read_event(STANDARD, {"webhook-id": "1"}, body, NOW)


def row_event(table: str = "billing.public.invoices", op: str = "u", **row: Any) -> Event:
    """A row as Debezium's CloudEvents converter writes it."""
    told = whole(table, {"id": "in_000001", **row})
    image = None if op == "d" else told
    written = json.loads(envelope(table, image, op=op, before=told if op == "d" else None))
    source = {f"iodebezium{name.replace('_', '')}": v for name, v in written["source"].items()}
    data = {"before": written["before"], "after": written["after"]}
    body = {**CLOUD, **source, "iodebeziumop": op, "data": data}
    return read(body, content=CLOUD_EVENT)


@pytest.mark.parametrize("op", ["u", "d"])
def test_a_whole_row_goes_to_the_topic_of_its_table(op: str) -> None:
    record = kept(row_event(op=op))
    assert (record.topic, record.key) == ("billing.public.invoices", b'{"id":"in_000001"}')
    told = meaning(record)
    assert [one.key for one in told if isinstance(one, Change)] == ["in_000001", "in_000001"]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (row_event("crm.public.accounts"), "you are billing"),
        (row_event("billing.public.secrets"), "No binding reads"),
        (row_event(id=None), "does not tell id"),
        (row_event(op="t"), "truncated"),
    ],
)
def test_nobody_writes_another_systems_rows_or_unknown_topics(event: Event, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        kept(event)
