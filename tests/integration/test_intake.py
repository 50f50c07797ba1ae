"""The intake on real Postgres: once, in order, and with everything that follows from a change."""

from __future__ import annotations

import random

import asyncpg
import pytest
from support.envelopes import envelope, record
from support.intaking import ACCOUNTS, ACME, CUSTOMERS, DECODER, INVOICES, PROJECTS, Desk
from support.targets import FakeTarget

from cdc.log.port import LogRecord
from schema.entities.client import Client
from schema.ids import mint
from schema.position import Topic
from schema.system import System
from sync.connectors import psa
from sync.intake import Claim, Superseded

PROJECT_ROW = {
    "project_no": "P-1",
    "customer_no": "C10001",
    "crm_opportunity": None,
    "description": "Plan",
    "entity_code": "NL01",
    "currency": "EUR",
    "project_status": "OPEN",
    "budget_hours": 10,
    "budget_amount": "5.00",
    "start_on": 20_700,
    "end_on": None,
}


@pytest.fixture
def desk(pool: asyncpg.Pool) -> Desk:
    return Desk(pool)


async def test_commit_order_wins_over_the_order_of_change_positions(desk: Desk) -> None:
    """A transaction that began first may commit last; of one row, the later lsn is the newer."""
    await desk.take(desk.account("First", "c", lsn=100))
    await desk.take(desk.account("Second", lsn=300))
    await desk.take(desk.account("Re-sent", lsn=200))
    assert await desk.name() == "Second"


async def test_a_snapshot_read_never_holds_up_the_stream(desk: Desk) -> None:
    """A snapshot row carries a high lsn; the change it did not see has a lower one and follows."""
    await desk.take(desk.account("Before", "r", lsn=900, snapshot="true"))
    await desk.take(desk.account("Open transaction", lsn=400))
    assert await desk.name() == "Open transaction"
    await desk.take(desk.account("Repaired", "r", lsn=None, snapshot="incremental"))
    assert await desk.name() == "Repaired"
    await desk.take(desk.account("Old news", lsn=300))
    assert await desk.name() == "Repaired"


async def test_a_new_epoch_starts_a_new_history(desk: Desk) -> None:
    """After a failover positions start again; the operator's epoch makes them count."""
    await desk.take(desk.account("Old server", lsn=9000))
    await desk.pool.execute("INSERT INTO source_epoch VALUES ('crm', 2)")
    await desk.take(desk.account("New server", lsn=10))
    assert await desk.name() == "New server"


async def test_a_delete_stays_known_and_a_new_row_revives_the_record(desk: Desk) -> None:
    """The fence outlives the row: what is older than the delete cannot bring it back."""
    await desk.take(desk.account("Acme", "c", lsn=100), desk.account("", "d", lsn=300))
    assert await desk.name() is None
    await desk.take(desk.account("Late", lsn=200))
    assert await desk.name() is None
    await desk.take(desk.account("Back", "c", lsn=400))
    assert await desk.name() == "Back"


async def test_a_delete_that_is_sent_again_with_its_tombstone_deletes_nothing_newer(
    desk: Desk,
) -> None:
    """A capture that restarts repeats what it had sent, when the record is there again already."""
    key = {"id": "ACC-00001"}
    await desk.take(desk.account("First", "c", lsn=10))
    await desk.take(desk.account("", "d", lsn=20), desk.tombstone(ACCOUNTS, key))
    await desk.take(desk.account("Again", "c", lsn=30))
    await desk.take(desk.account("", "d", lsn=20), desk.tombstone(ACCOUNTS, key))
    assert await desk.name() == "Again"
    await desk.take(desk.tombstone(ACCOUNTS, key))
    assert await desk.name() is None, "a tombstone whose delete was compacted away"


async def test_unchanged_columns_keep_what_an_earlier_change_of_the_batch_said(desk: Desk) -> None:
    """A placeholder means keep, also for a value that came in the same batch."""
    partial = {"id": "ACC-00001", "account_name": "__debezium_unavailable_value", "segment": "SMB"}
    await desk.take(
        desk.account("Long name", "c", lsn=100),
        desk.event(
            ACCOUNTS, {"id": "ACC-00001"}, partial | {"owner_email": "new@b.example"}, lsn=200
        ),
    )
    row = await desk.pool.fetchrow("SELECT name, account_manager FROM projection.client")
    assert tuple(row) == ("Long name", "new@b.example")


async def test_a_renamed_key_keeps_the_canonical_id(desk: Desk) -> None:
    """The `d` half says nothing; the `c` half carries the row under the id it always had."""
    await desk.take(desk.account("Acme", "c", lsn=100))
    new = {"id": "ACC-90001"}
    away = desk.event(
        ACCOUNTS,
        {"id": "ACC-00001"},
        None,
        "d",
        lsn=200,
        headers={"__debezium.newkey": b'{"id":"ACC-90001"}'},
    )
    arrived = desk.event(
        ACCOUNTS,
        new,
        new | {"account_name": "Acme II", "segment": "SMB"},
        "c",
        lsn=200 + 1,
        headers={"__debezium.oldkey": b'{"id":"ACC-00001"}'},
    )
    await desk.take(away, arrived)
    rows = await desk.pool.fetch("SELECT id, name, crm_key FROM projection.client")
    assert [tuple(row) for row in rows] == [(ACME, "Acme II", "ACC-90001")]


async def test_the_same_batch_twice_has_one_effect(desk: Desk) -> None:
    """The offset is moved by compare-and-set: who comes second changes nothing."""
    first = desk.account("Acme", "c", lsn=100)
    lane = first.position.lane
    claim = Claim(lane=lane, expected=await desk.intake.start_of(lane), next_offset=1)
    await desk.intake.apply(list(DECODER.decode(first)), [claim])
    before = await desk.owed()
    with pytest.raises(Superseded):
        await desk.intake.apply(list(DECODER.decode(first)), [claim])
    assert await desk.owed() == before
    assert await desk.intake.start_of(lane) == 1


async def test_changed_fields_are_owed_to_the_systems_that_hold_copies(desk: Desk) -> None:
    """One unsent delivery per target unites what changed; nothing is owed for what did not."""
    await desk.take(desk.account("Acme", "r", lsn=1, snapshot="true"))
    assert await desk.owed() == {}
    await desk.take(desk.account("Acme", lsn=100))
    assert await desk.owed() == {}
    await desk.take(desk.account("Acme II", lsn=200))
    assert await desk.owed() == {"psa": ["name"], "erp": ["name"], "billing": ["name"]}
    row = {"id": "ACC-00001", "account_name": "Acme II", "segment": "ENTERPRISE"}
    await desk.take(
        desk.event(ACCOUNTS, {"id": "ACC-00001"}, row | {"owner_email": "a@b.example"}, lsn=300)
    )
    assert await desk.owed() == {
        target: ["name", "segment"] for target in ("psa", "erp", "billing")
    }


async def test_a_field_is_owed_to_nobody_who_has_no_column_for_it(desk: Desk) -> None:
    """The policy promises a group of fields; a connected system is owed those that it binds."""
    connected = Desk(desk.pool, FakeTarget(System.PSA, psa.PROJECT))
    key = {"project_no": "P-1"}
    await connected.take(connected.event(PROJECTS, key, PROJECT_ROW, "r", lsn=None))
    await connected.take(connected.event(PROJECTS, key, PROJECT_ROW | {"end_on": 20_800}, lsn=20))
    assert await connected.owed() == {"crm": ["ends_on"], "billing": ["ends_on"]}
    renamed = PROJECT_ROW | {"end_on": 20_800, "description": "Plan B"}
    await connected.take(connected.event(PROJECTS, key, renamed, lsn=30))
    assert (await connected.owed())["psa"] == ["name"]


async def test_a_replica_row_that_holds_nothing_is_remembered_once_something_was(
    desk: Desk,
) -> None:
    """Empty copies of an unknown record say nothing; of a known one they say it was cleared."""
    key = {"id": "in_000001"}
    empty = {**key, "status": "draft", "ledger_number": None, "version": 1}
    number = "SELECT copies->>'number' FROM replica_state"
    await desk.take(desk.event(INVOICES, key, empty, "c", lsn=100))
    assert await desk.pool.fetchval("SELECT count(*) FROM replica_state") == 0
    await desk.take(desk.event(INVOICES, key, empty | {"ledger_number": "N-1", "version": 2}))
    assert await desk.pool.fetchval(number) == "N-1"
    await desk.take(desk.event(INVOICES, key, empty | {"version": 3}))
    assert await desk.pool.fetchval("SELECT copies->'number' = 'null' FROM replica_state")


async def test_a_snapshot_that_finds_a_missed_change_passes_it_on(desk: Desk) -> None:
    """First sight owes nothing, but a repair of what the projection had wrong does."""
    await desk.take(desk.account("Acme", "r", lsn=1, snapshot="true"))
    await desk.take(desk.account("Missed", "r", lsn=None, snapshot="incremental"))
    assert await desk.owed() == {"psa": ["name"], "erp": ["name"], "billing": ["name"]}


async def test_what_nobody_can_decode_is_parked_and_the_rest_goes_on(desk: Desk) -> None:
    """Bytes, position and reason are kept; the good record of the same batch is applied."""
    table = "crm.public.ghosts"
    bad = [
        record(ACCOUNTS, {"id": "ACC-00002"}, b'{"op": "u", "after"', offset=0),
        record(ACCOUNTS, None, envelope(ACCOUNTS, {"id": "x"}), offset=1),
        record(ACCOUNTS, {"id": "x"}, envelope(ACCOUNTS, {"id": "x"}, op="q"), offset=2),
        record(ACCOUNTS, {"id": "y"}, envelope(table, {"id": "y"}), offset=3),
        record(ACCOUNTS, {"id": "z"}, envelope(ACCOUNTS, {"id": "z", "segment": "HUGE"}), offset=4),
    ]
    desk.offsets[ACCOUNTS] = 5
    await desk.take(*bad, desk.account("Acme", "c", lsn=100))
    rows = await desk.pool.fetch('SELECT reason, value FROM dead_letter ORDER BY "offset"')
    assert [row["reason"] for row in rows] == [
        "bad_json",
        "missing_key",
        "unknown_op",
        "unknown_table",
        "bad_value",
    ]
    assert [row["value"] for row in rows] == [one.value for one in bad]
    assert await desk.name() == "Acme"


async def test_status_transitions_reach_the_feed_once_and_in_order(desk: Desk) -> None:
    """A new draft, its approval, the ledger's posting; a repeated state is no event."""
    key, day = {"id": "in_000001"}, 20_700
    draft = {
        **key,
        "customer": None,
        "project_code": "P-1",
        "entity_code": "NL01",
        "currency": "EUR",
        "amount_net": "10.00",
        "status": "draft",
        "issued_on": day,
        "due_on": day,
        "description": "x",
    }
    posted = {
        "doc_id": 7,
        "billing_ref": "in_000001",
        "document_no": "NL01-1",
        "posted_on": day,
        "document_status": "POSTED",
        "tax_amount": "2.10",
        "gross_amount": "12.10",
        "currency": "EUR",
    }
    await desk.take(desk.event(INVOICES, key, draft, "c", lsn=100))
    await desk.take(desk.event(INVOICES, key, draft | {"description": "y"}, lsn=200))
    await desk.take(desk.event(INVOICES, key, draft | {"status": "approved"}, lsn=300))
    await desk.take(desk.event("erp.public.ar_invoices", {"doc_id": 7}, posted, "c", lsn=50))
    rows = await desk.pool.fetch("SELECT before, after, subject FROM feed_event ORDER BY id")
    assert [(r["before"], r["after"]) for r in rows] == [
        (None, "draft"),
        ("draft", "approved"),
        ("approved", "posted"),
    ]
    assert rows[-1]["subject"]["project_id"] == mint("prj", "erp", "P-1")


async def test_a_reference_is_filled_in_when_its_target_arrives(desk: Desk) -> None:
    """A project may be captured before the customer it names by the ERP's own number."""
    customer = {
        "customer_no": "C10001",
        "crm_account": "ACC-00001",
        "invoice_address": "Here",
        "vat_id": None,
        "terms_days": 30,
        "credit_block": "NONE",
    }
    await desk.take(desk.event(PROJECTS, {"project_no": "P-1"}, PROJECT_ROW, "c", lsn=10))
    assert await desk.pool.fetchval("SELECT client_id FROM projection.project") is None
    await desk.take(desk.event(CUSTOMERS, {"customer_no": "C10001"}, customer, "c", lsn=20))
    assert await desk.pool.fetchval("SELECT client_id FROM projection.project") == ACME
    assert await desk.pool.fetchval("SELECT count(*) FROM pending_reference") == 0


async def test_a_replay_forgets_no_reference_that_is_waited_for(desk: Desk) -> None:
    """What the fence refuses says nothing of references either, neither before nor after."""

    def project(customer: str, lsn: int) -> LogRecord:
        row = PROJECT_ROW | {"customer_no": customer}
        return desk.event(PROJECTS, {"project_no": "P-1"}, row, lsn=lsn)

    def customer(number: str, account: str) -> LogRecord:
        row = {"customer_no": number, "crm_account": account}
        return desk.event(CUSTOMERS, {"customer_no": number}, row, "c", lsn=5)

    await desk.take(customer("C1", "ACC-00001"))
    await desk.take(project("C1", 10))
    await desk.take(project("C2", 20))
    await desk.take(project("C1", 10))
    await desk.take(project("C2", 20))
    await desk.take(customer("C2", "ACC-00002"))
    linked = await desk.pool.fetchval("SELECT client_id FROM projection.project")
    assert linked == mint("cli", "crm", "ACC-00002")


async def test_a_failure_in_mid_batch_leaves_nothing_behind(desk: Desk) -> None:
    """A value the table cannot hold takes the whole transaction back, the offset included."""
    good, bad = desk.account("Acme", "c", lsn=100), desk.account("A\0B", lsn=200)
    with pytest.raises(asyncpg.DataError):
        await desk.take(good, bad)
    assert await desk.name() is None
    assert await desk.owed() == {}
    assert await desk.intake.start_of(good.position.lane) == 0


@pytest.mark.parametrize("seed", range(8))
async def test_any_interleaving_ends_where_the_owner_ended(desk: Desk, seed: int) -> None:
    """Commit-order stream with lsn going backwards, re-sent suffixes, repair reads, redelivery."""
    rng = random.Random(seed)
    truth: dict[str, str | None] = {}
    stream: list[LogRecord] = []
    keys = [f"ACC-{n:05d}" for n in range(1, 7)]
    history: list[tuple[str, str | None, int]] = []
    for step in range(1, 60):
        key = rng.choice(keys)
        last = max((lsn for k, _, lsn in history if k == key), default=0)
        lsn = max(last + 1, step * 10 - rng.randrange(60))  # rows are locked, transactions overlap
        name = None if rng.random() < 0.15 and truth.get(key) else f"{key} v{step}"
        truth[key] = name
        history.append((key, name, lsn))
        stream.append(_owner_event(desk, key, name, lsn))
        if rng.random() < 0.1:  # the connector crashes and sends a suffix again
            stream += [_owner_event(desk, *again) for again in history[-rng.randrange(1, 6) :]]
        if rng.random() < 0.1 and truth[key]:  # an incremental snapshot reads the present row
            stream.append(_owner_event(desk, key, truth[key], None))
    while stream:
        size = rng.randrange(1, 9)
        await desk.take(*stream[:size])
        stream = stream[size:]
    rows = await desk.pool.fetch(
        "SELECT crm_key, CASE WHEN crm_deleted_at IS NULL THEN name END AS name"
        " FROM projection.client"
    )
    assert {row["crm_key"]: row["name"] for row in rows} == truth


async def test_a_replay_is_refused_before_it_is_staged_and_news_among_it_is_taken(
    desk: Desk,
) -> None:
    """A row that the fence refuses is locked by the upsert; one that is not sent there is not."""

    def told(name: str, lsn: int) -> list[LogRecord]:
        return [_owner_event(desk, f"ACC-{n:05d}", name, lsn) for n in range(1, 11)]

    async def locks() -> list[str]:
        return await desk.pool.fetchval(
            "SELECT array_agg(xmax::text ORDER BY id) FROM projection.client"
        )

    await desk.take(*told("First", 10))
    await desk.take(*told("Second", 20))
    untouched = await locks()
    await desk.take(*told("First", 10))
    refused = await locks()
    assert refused != untouched
    await desk.take(*told("Second", 20))
    assert await locks() == refused
    newer = _owner_event(desk, "ACC-00003", "Third", 30)
    unmet = _owner_event(desk, "ACC-00099", "Unmet", 5)
    await desk.take(*told("First", 10), newer, unmet)
    assert dict(await desk.pool.fetch("SELECT crm_key, name FROM projection.client")) == {
        **{f"ACC-{n:05d}": "Second" for n in range(1, 11)},
        "ACC-00003": "Third",
        "ACC-00099": "Unmet",
    }
    await desk.take(*told("Fourth", 40))
    await desk.take(*told("Fifth", 50))
    assert await desk.name() == "Fifth"


def _owner_event(desk: Desk, key: str, name: str | None, lsn: int | None) -> LogRecord:
    if name is None:
        return desk.event(ACCOUNTS, {"id": key}, None, "d", lsn=lsn)
    row = {"id": key, "account_name": name, "segment": "SMB", "owner_email": None}
    op, snapshot = ("r", "incremental") if lsn is None else ("u", "false")
    return desk.event(ACCOUNTS, {"id": key}, row, op, lsn=lsn, snapshot=snapshot)


def test_topics_name_the_table_they_carry() -> None:
    """The decoder goes by `source`; only a tombstone has nothing but its topic."""
    tombstone = record(ACCOUNTS, {"id": "ACC-00001"}, None)
    [deleted] = DECODER.decode(tombstone)
    assert deleted.binding.entity is Client  # type: ignore[union-attr]  # a Change
    assert tombstone.position.topic == Topic(ACCOUNTS)
