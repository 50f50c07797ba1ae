"""How a system's envelopes are spelled is a setting, and reader and connector agree on it."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from pydantic import ValidationError
from support.envelopes import BINDINGS, envelope, record, whole

from cdc.capture.connector_checks import connector_troubles
from cdc.capture.debezium import TopicPlan, connector_of
from cdc.decode import Decoder
from cdc.envelope.kinds import Envelope, Signal
from hub.settings import Settings
from hub.spelling import connector_spelling, has_declared_scales, outbox_topics, reader_of
from schema.errors import Invalid
from schema.system import System
from sync.changes import Change

ACCOUNTS = "crm.public.accounts"
KEY = {"id": "ACC-1"}
PLAN = TopicPlan(partitions=1, retention_ms=1)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings of an environment in which the CRM is told of with these variables."""
    monkeypatch.setenv("CONCORD_DATABASE_URL", "postgresql://localhost/concord")
    for name in ("CRM", "PSA", "HR", "ERP", "BILLING"):
        monkeypatch.setenv(f"CONCORD_{name}__URL", "http://localhost")
        monkeypatch.setenv(f"CONCORD_{name}__KEY", "k")

    def settings(**variables: Any) -> Settings:
        for name, value in variables.items():
            text = value if isinstance(value, str) else orjson.dumps(value).decode()
            monkeypatch.setenv(f"CONCORD_CRM__{name.upper()}", text)
        return Settings.from_env()

    return settings


def test_each_system_has_its_own_placeholder(told: Any) -> None:
    reader = reader_of(told(placeholder="gone"), BINDINGS)
    row = whole(ACCOUNTS, {**KEY, "account_name": "gone"})
    [change] = Decoder(BINDINGS, reader).decode(record(ACCOUNTS, KEY, envelope(ACCOUNTS, row)))
    assert isinstance(change, Change)
    assert "name" not in change.values
    other = "psa.public.users"
    said = reader.read(record(other, {"id": 1}, envelope(other, {"id": 1, "name": "gone"})))
    assert isinstance(said, Envelope)
    assert said.row["name"] == "gone"


def test_a_row_of_the_signal_table_is_a_signal(told: Any) -> None:
    reader = reader_of(told(signal_table="ops.signals"), BINDINGS)
    table = "crm.ops.signals"
    said = reader.read(record(table, {"id": 1}, envelope(table, {"id": 1}, op="c")))
    assert said == Signal(system="crm", table="signals")


def test_the_scale_of_a_decimal_is_declared(told: Any) -> None:
    """The octets of a precise decimal are read, and the connector is told to write them."""
    settings = told(column_types={"public.rates.amount": "decimal(2)"})
    table = "crm.public.rates"
    read = reader_of(settings, BINDINGS).read
    said = read(record(table, {"id": 1}, envelope(table, {"id": 1, "amount": "AeJA"})))
    assert isinstance(said, Envelope)
    assert said.row["amount"] == "1234.56"
    spelling = connector_spelling(settings, System.CRM)
    config = connector_of("crm", "postgresql://u@db/crm", (), PLAN, spelling).config
    assert config["decimal.handling.mode"] == "precise"
    scales = has_declared_scales(settings, System.CRM)
    assert list(connector_troubles("crm", config, has_declared_scales=scales)) == []


def test_an_outbox_is_declared_by_its_topic(told: Any) -> None:
    """It must tell of a table that a binding reads; else the start is refused with what to do."""
    topic = "outbox.event.account"
    settings = told(outboxes={topic: {"table": "public.accounts", "key": "id"}})
    value = orjson.dumps({"id": "ACC-1", "account_name": "Acme"})
    decoder = Decoder(BINDINGS, reader_of(settings, BINDINGS))
    event = msgspec.structs.replace(record(topic, None, value), key=b"ACC-1")
    [change] = decoder.decode(event)
    assert isinstance(change, Change)
    assert change.values["name"] == "Acme"
    assert outbox_topics(settings) == (topic,)
    strange = told(outboxes={topic: {"table": "public.nobody", "key": "id"}})
    with pytest.raises(Invalid, match=r"CONCORD_CRM__OUTBOXES: .*public\.nobody"):
        reader_of(strange, BINDINGS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("column_types", {"public.rates.amount": "decimal"}),
        ("column_types", {"amount": "decimal(2)"}),
        ("outboxes", {"topic": {"table": "accounts", "key": "id"}}),
        ("signal_table", "signals"),
        ("placeholder", ""),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(told: Any, name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=name):
        told(**{name: value})
