"""The decoder: what a record of the log means for canonical records, or why it means nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson
import pytest
from support.envelopes import envelope, record, whole

from cdc.capture.api_rows import HINT, MET
from cdc.decode import Decoder
from cdc.envelope.markers import HEARTBEAT
from cdc.envelope.outbox import Outbox
from cdc.envelope.placeholder import UNAVAILABLE
from cdc.envelope.reader import EnvelopeReader
from schema.position import Topic
from sync.changes import Change, Reject, Touched
from sync.connectors import crm, erp, erp_bindings, tryton_erp_bindings

TABLE = "crm.public.accounts"
KEY = {"id": "ACC-1"}
ROW = whole(TABLE, {"id": "ACC-1", "account_name": "Acme", "segment": "SMB"})


@pytest.fixture
def decoder() -> Decoder:
    return Decoder([crm.CLIENT, erp.CLIENT, tryton_erp_bindings.CLIENT])


def test_a_lost_column_breaks_the_contract(decoder: Decoder) -> None:
    """A bound column that a whole row lacks was dropped or renamed: the row is parked by name."""
    renamed = {("title" if name == "account_name" else name): cell for name, cell in ROW.items()}
    [reject] = decoder.decode(record(TABLE, KEY, envelope(TABLE, renamed)))
    assert isinstance(reject, Reject)
    assert (reject.reason, "account_name" in reject.detail) == ("contract_break", True)


def test_a_column_that_is_gained_breaks_nothing(decoder: Decoder) -> None:
    """Nobody binds it yet."""
    [change] = decoder.decode(record(TABLE, KEY, envelope(TABLE, ROW | {"shoe_size": 43})))
    assert isinstance(change, Change)
    assert (change.values["name"], change.extra) == ("Acme", {"shoe_size": 43})


def test_a_row_is_told_by_its_own_columns_whatever_the_rows_before_had(decoder: Decoder) -> None:
    """More shapes than are remembered, and the first of them again."""
    gained = [{f"column_{n}": n} for n in range(300)]
    for extra in [{}, *gained, gained[0], {}]:
        [change] = decoder.decode(record(TABLE, KEY, envelope(TABLE, ROW | extra)))
        assert isinstance(change, Change)
        assert change.extra == (extra or None)


def test_a_hint_is_no_envelope_where_transactions_are_waited_for_either(decoder: Decoder) -> None:
    """A system may have been captured through its API before, and its log still tells of that."""
    hint = msgspec.structs.replace(record(TABLE, KEY, None), headers={HINT: b"read back"})
    told = decoder.told(hint)
    assert told.part is None
    assert told.meaning == decoder.decode(hint)
    assert [type(one) for one in told.meaning] == [Touched]


@pytest.mark.parametrize(("said", "is_read"), [(MET, True), (b"read back", False)])
def test_a_hint_of_a_record_that_is_only_touched_reads_it_back(said: bytes, is_read: bool) -> None:
    """It stands in the topic of the first table, whose rows touch it; and no other's."""
    entities = Decoder([erp_bindings.LEGAL_ENTITY])
    for table, count in (("entities", 1), ("periods", 0)):
        of = f"erp.public.{table}"
        hint = msgspec.structs.replace(
            record(of, {"entity_code": "NL01"}, None), headers={HINT: said}
        )
        told = entities.decode(hint)
        assert [(type(one), one.key, one.is_read) for one in told] == [  # type: ignore[union-attr]
            (Touched, "NL01", is_read)
        ] * count


def test_an_unchanged_column_is_left_out_of_the_change(decoder: Decoder) -> None:
    """It is no lost column: what is known of it stays."""
    row = ROW | {"account_name": UNAVAILABLE}
    [change] = decoder.decode(record(TABLE, KEY, envelope(TABLE, row)))
    assert isinstance(change, Change)
    assert change.values.keys() == crm.CLIENT.owns.keys() - {"name"}


def test_a_table_that_only_touches_needs_the_column_with_the_key(decoder: Decoder) -> None:
    """Without it nobody knows which record to read back."""
    table = "erp.public.party_address"
    [reject] = decoder.decode(record(table, {"id": 1}, envelope(table, {"id": 1, "person": 7})))
    assert isinstance(reject, Reject)
    assert (reject.reason, "party" in reject.detail) == ("contract_break", True)


@pytest.mark.parametrize(
    ("topic", "key", "value"),
    [
        ("__debezium-heartbeat.crm", {"serverName": "crm"}, {"ts_ms": 1}),
        ("crm.transaction", {"id": "7:8"}, {"status": "BEGIN", "id": "7:8"}),
        ("crm", {"databaseName": "crm"}, {"source": {"name": "crm"}, "ddl": "DROP TABLE x"}),
    ],
)
def test_what_stands_beside_the_rows_means_nothing(
    decoder: Decoder, topic: str, key: Mapping[str, Any], value: Mapping[str, Any]
) -> None:
    """Neither a change nor a reject."""
    assert decoder.decode(record(topic, key, orjson.dumps(value))) == []


def test_a_tombstone_is_of_the_table_its_delete_named(decoder: Decoder) -> None:
    """Also on a topic whose name says nothing; there, alone, it is of nobody knows which table."""
    deleted = record("all-changes", KEY, envelope(TABLE, None, op="d"), offset=1)
    decoder.decode(deleted)
    [change] = decoder.decode(record("all-changes", KEY, None, offset=2))
    assert isinstance(change, Change)
    assert (change.binding, change.lsn, change.is_delete) == (crm.CLIENT, 100, True)
    [reject] = decoder.decode(record("all-changes", KEY, None, offset=9))
    assert isinstance(reject, Reject)
    assert reject.reason == "unknown_table"


def test_the_tombstone_of_a_delete_that_is_parked_is_not_parked_again(decoder: Decoder) -> None:
    """One reject is enough for a table that nobody reads."""
    table = "crm.public.nobody"
    [reject] = decoder.decode(record(table, KEY, envelope(table, None, op="d"), offset=1))
    assert isinstance(reject, Reject)
    assert decoder.decode(record(table, KEY, None, offset=2)) == []


def test_only_what_tells_of_records_is_read(decoder: Decoder) -> None:
    """A rebuild needs all of these, and waits for nothing else: no reading brings others back."""
    outboxes = {"outbox.clients": Outbox(system="crm", table="public.accounts", key="id")}
    reads = Decoder([crm.CLIENT], EnvelopeReader(outboxes=outboxes)).reads
    assert all(map(reads, map(Topic, (TABLE, "crm.events", "outbox.clients"))))
    beside = (f"{HEARTBEAT}crm", "crm.transaction", "crm.public.unbound", "erp.public.customers")
    assert not any(map(reads, map(Topic, beside)))
    assert not decoder.reads(Topic("outbox.clients"))
