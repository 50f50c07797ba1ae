"""Envelopes: every input is an envelope, a tombstone, or a poison with a stable reason."""

from __future__ import annotations

import orjson
import pytest
from support.envelopes import envelope, record

from cdc.envelope.kinds import Envelope, Tombstone
from cdc.envelope.reader import EnvelopeReader
from schema.errors import Poison

READER = EnvelopeReader()
TABLE = "crm.public.accounts"
ROW = {"id": "ACC-00001", "account_name": "Özgür & Söhne"}
KEY = {"id": "ACC-00001"}


def test_a_bare_update_keeps_the_row_and_its_place_in_the_source() -> None:
    """The state after the change, the table by `source`, and the lsn are what is read."""
    read = READER.read(record(TABLE, KEY, envelope(TABLE, ROW, lsn=4711)))
    assert isinstance(read, Envelope)
    assert (read.op, read.system, read.table) == ("u", "crm", "public.accounts")
    assert (read.row, read.key, read.lsn) == (ROW, KEY, 4711)


def test_a_message_with_its_schema_reads_the_same_as_a_bare_one() -> None:
    """`{"schema": ..., "payload": ...}` around key and value changes nothing."""
    bare = envelope(TABLE, ROW)
    wrapped = orjson.dumps({"schema": {"type": "struct"}, "payload": orjson.loads(bare)})
    key = {"schema": {"type": "struct"}, "payload": KEY}
    assert READER.read(record(TABLE, key, wrapped)) == READER.read(record(TABLE, KEY, bare))


@pytest.mark.parametrize("snapshot", ["true", "first", "last", "incremental", True])
def test_a_snapshot_read_has_no_place_in_the_stream(snapshot: object) -> None:
    """The lsn of a snapshot read must never fence a streamed change."""
    value = envelope(TABLE, ROW, op="r", lsn=9, snapshot=snapshot)  # type: ignore[arg-type]  # both spellings occur on the wire
    read = READER.read(record(TABLE, KEY, value))
    assert isinstance(read, Envelope)
    assert read.lsn is None


def test_of_a_delete_only_the_key_is_believed() -> None:
    """Debezium invents values for NOT NULL columns in the `before` of a delete."""
    invented = {"id": "ACC-00001", "account_name": ""}
    read = READER.read(record(TABLE, KEY, envelope(TABLE, None, op="d", before=invented)))
    assert isinstance(read, Envelope)
    assert read.row == KEY


def test_a_null_value_is_a_tombstone_and_no_poison() -> None:
    """The record after a delete has a key and no value."""
    assert READER.read(record(TABLE, KEY, None)) == Tombstone(key=KEY, is_renamed_away=False)


def test_a_key_change_names_both_keys() -> None:
    """The `d` half says that it was renamed away, the `c` half what it was called."""
    away = record(
        TABLE,
        KEY,
        envelope(TABLE, None, op="d"),
        headers={"__debezium.newkey": b'{"id":"ACC-2"}'},
    )
    arrived = record(
        TABLE,
        {"id": "ACC-2"},
        envelope(TABLE, ROW | {"id": "ACC-2"}, op="c"),
        headers={"__debezium.oldkey": orjson.dumps(KEY)},
    )
    first, second = READER.read(away), READER.read(arrived)
    assert isinstance(first, Envelope)
    assert isinstance(second, Envelope)
    assert first.new_key == {"id": "ACC-2"}
    assert second.former_key == KEY


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (KEY, envelope(TABLE, ROW)[:-40], "bad_json"),
        (KEY, b"\xff\xfe", "bad_json"),
        (KEY, b'{"a":' * 200_000, "bad_json"),
        (KEY, b"[]", "not_an_envelope"),
        (KEY, b'{"hello": 1}', "not_an_envelope"),
        (KEY, b'{"op": 5, "source": {}}', "not_an_envelope"),
        (None, envelope(TABLE, ROW), "missing_key"),
        ({}, envelope(TABLE, ROW), "missing_key"),
        (KEY, envelope(TABLE, None, op="c"), "missing_row"),
        (KEY, b'{"op": "u", "after": {"id": "ACC-00001"}}', "missing_source"),
        (KEY, envelope(TABLE, ROW, op="x"), "unknown_op"),
        (KEY, envelope(TABLE, ROW, op="m"), "missing_row"),
        (None, envelope(TABLE, None, op="t"), "truncate"),
    ],
)
def test_what_cannot_be_read_says_why(
    key: dict[str, str] | None, value: bytes, reason: str
) -> None:
    """Each kind of bad input has a reason of its own, so that it can be counted and fixed."""
    with pytest.raises(Poison) as caught:
        READER.read(record(TABLE, key, value))
    assert caught.value.reason == reason
