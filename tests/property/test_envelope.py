"""Whatever stands in a log, the reader answers or says why not; nothing else is ever raised."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.envelopes import MOMENT, envelope, record

from cdc.decode import Decoder
from cdc.envelope.outbox import Outbox
from cdc.envelope.reader import EnvelopeReader
from cdc.log.port import LogRecord
from schema.errors import Poison
from schema.position import Position, Topic
from sync.changes import Change, Reject
from sync.connectors import crm
from sync.connectors.codec import columns_of

TOPIC = "crm.public.accounts"
DEEP = b"[" * 100_000 + b"]" * 100_000
OUTBOXES = {"outbox.event.a": Outbox(system="crm", table="public.accounts", key="id")}
TOPICS = (TOPIC, "outbox.event.a", "crm.transaction", "crm.public.debezium_signal")
WORDS = (
    *(
        "op",
        "before",
        "after",
        "source",
        "schema",
        "payload",
        "data",
        "specversion",
        "status",
        "id",
    ),
    *(
        "ts_ms",
        "ddl",
        "tableChanges",
        "updateDescription",
        "message",
        "transaction",
        "$date",
        "$oid",
    ),
    *(
        "name",
        "connector",
        "table",
        "db",
        "lsn",
        "file",
        "pos",
        "ord",
        "snapshot",
        "fields",
        "field",
    ),
    *("iodebeziumop", "iodebeziumtsms", "iodebeziumname", "iodebeziumconnector", "parameters"),
    *("c", "u", "d", "r", "t", "m", "BEGIN", "END", "postgresql", "mysql", "mongodb", "public"),
    *("org.apache.kafka.connect.data.Decimal", "io.debezium.time.Timestamp", "scale", "AeJA"),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
jsons = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=6),
    ),
    max_leaves=20,
)
octets = st.one_of(
    st.none(),
    st.binary(max_size=60),
    jsons.map(lambda told: json.dumps(told).encode(errors="replace")),
)
headers = st.dictionaries(
    st.sampled_from(("__debezium.newkey", "__debezium.oldkey", "id")), octets, max_size=2
)


def _at(topic: str, key: bytes | None, value: bytes | None, told: Mapping[str, Any]) -> LogRecord:
    return LogRecord(
        position=Position(topic=Topic(topic), partition=0, offset=0),
        key=key,
        value=value,
        headers={name: raw for name, raw in told.items() if raw is not None},
        appended_at=MOMENT,
    )


def _envelopes(table: str = TOPIC) -> Any:
    """What looks like an envelope, with anything in the place of one of its members."""
    good = json.loads(envelope(table, {"id": "ACC-1"}))
    paths = [(name,) for name in good] + [("source", name) for name in good["source"]]

    def spoiled(path: tuple[str, ...], told: Any) -> bytes:
        value = json.loads(json.dumps(good))
        inner = value if len(path) == 1 else value[path[0]]
        inner[path[-1]] = told
        return json.dumps(value).encode(errors="replace")

    return st.builds(spoiled, st.sampled_from(paths), jsons)


@given(st.sampled_from(TOPICS), octets, octets | _envelopes(), headers)
@settings(max_examples=200, deadline=None)
def test_anything_is_read_or_poison(
    topic: str, key: bytes | None, value: bytes | None, told: Mapping[str, Any]
) -> None:
    """Arbitrary bytes and arbitrary JSON, in the key, the value and the headers."""
    assert _outcome(_at(topic, key, value, told)).isidentifier()


@given(st.dictionaries(st.sampled_from([*sorted(columns_of(crm.CLIENT)), "version"]), jsons))
@settings(max_examples=100, deadline=None)
def test_any_row_is_a_change_or_a_reject(cells: Mapping[str, Any]) -> None:
    """The decoder never raises, whatever a bound column holds."""
    value = json.loads(envelope(TOPIC, {}))
    value["after"] = dict.fromkeys(columns_of(crm.CLIENT)) | {"id": "ACC-1"} | dict(cells)
    raw = json.dumps(value).encode(errors="replace")
    [told] = Decoder([crm.CLIENT]).decode(record(TOPIC, {"id": "ACC-1"}, raw))
    assert isinstance(told, Change | Reject)


@given(jsons)
@settings(max_examples=100, deadline=None)
def test_any_schema_part_is_read_or_poison(schema: Any) -> None:
    """A schema nobody understands never brings down what reads it."""
    body = json.dumps({"schema": schema, "payload": json.loads(envelope(TOPIC, {"id": "ACC-1"}))})
    raw = body.encode(errors="replace")
    told = _outcome(record(TOPIC, {"id": "ACC-1"}, raw))
    assert told in ("Envelope", "bad_schema", "bad_value", "bad_json")


@pytest.mark.parametrize(
    "value",
    [
        DEEP,
        b'{"schema":' + DEEP + b',"payload":null}',
        b'{"specversion":"1.0","iodebeziumop":"u","data":' + DEEP + b"}",
        envelope(TOPIC, {}).replace(b'"after":{}', b'"after":"' + DEEP + b'"'),
    ],
)
def test_depth_is_no_way_in(value: bytes) -> None:
    """Nesting that no parser follows is poison, wherever it stands."""
    assert _outcome(record(TOPIC, {"id": "ACC-1"}, value)).startswith(("bad_", "not_"))


def _outcome(read: LogRecord) -> str:
    """The kind of what was read, or the reason why nothing was."""
    try:
        return type(EnvelopeReader(outboxes=OUTBOXES).read(read)).__name__
    except Poison as poison:
        return poison.reason
