"""What must be true once a storm is over: nothing lost, nothing twice, and all of it accounted for.

`support.oracle` knows what the projection must hold; here is what lies before it and behind it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
from support.busier import BusyFirm
from support.captured import Kept
from support.oracle import lag
from support.storm import WHIM

from schema.canon import Client
from schema.system import System
from sync.connectors import crm, psa
from sync.connectors.codec import decode

AUDIT = """
CREATE TABLE effect (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    op text NOT NULL, account text NOT NULL, title text NOT NULL);
CREATE FUNCTION note_effect() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.title IS DISTINCT FROM OLD.title THEN
        INSERT INTO effect (op, account, title) VALUES (TG_OP, NEW.crm_account_id, NEW.title);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER effect AFTER INSERT OR UPDATE ON clients
FOR EACH ROW EXECUTE FUNCTION note_effect();
"""
"""The replica's own log of what deliveries changed; nobody else changes a title there."""

_OWED = """
SELECT record_id, state, last_error FROM delivery
WHERE target = 'psa' AND state IN ('pending', 'sending')
"""
_OPEN_WRITES = "SELECT * FROM write_ledger WHERE target = 'psa' AND echoed_at IS NULL"
_REPLICA_STATE = """
SELECT key, version, copies FROM replica_state WHERE (system, entity) = ('psa', 'client')
"""
_UNACCOUNTED = """
WITH dead AS (
    SELECT topic, partition, key, min("offset") AS first FROM dead_letter
    WHERE class = 'poison' GROUP BY topic, partition, key),
must AS (
    SELECT topic, partition, "offset", key, value, coalesce(headers, '{}') AS headers,
        CASE WHEN "offset" = first THEN 'open' ELSE 'waiting' END AS state
    FROM log_record JOIN dead USING (topic, partition, key)
    WHERE "offset" >= first
        AND NOT (value IS NULL AND coalesce(headers, '{}') ? '__debezium.newkey')),
are AS (
    SELECT topic, partition, "offset", key, value, headers, state FROM dead_letter
    WHERE class = 'poison')
(SELECT 'lost', * FROM must EXCEPT ALL SELECT 'lost', * FROM are)
UNION ALL
(SELECT 'unexpected', * FROM are EXCEPT ALL SELECT 'unexpected', * FROM must)
"""
"""The tombstone of a former key is no letter: the key change before it says it all."""
_TAKEN_IN = """
SELECT (SELECT count(*) FROM log_record) AS logged,
    (SELECT sum(next_offset) FROM consumer_offset)::bigint AS taken
"""
_LAST_WORD = """
SELECT DISTINCT ON (record_id, field) record_id, field, state, last_error
FROM delivery, unnest(fields) AS field WHERE target = 'psa' AND state IN ('delivered', 'dead')
ORDER BY record_id, field, settled_at DESC
"""

Look = Callable[[], Awaitable[Sequence[Any]]]


async def calm(pool: asyncpg.Pool, replica: asyncpg.Pool) -> None:
    """Return once nothing is on its way any more; fails with what still is.

    Offsets are at the end of the log, nothing is owed to the replica, every write to it has come
    back, and what the hub believes of its rows is what they hold.
    """

    async def on_its_way() -> Sequence[Any]:
        return [
            *await lag(pool),
            *await pool.fetch(_OWED),
            *await pool.fetch(_OPEN_WRITES),
            *await misjudged(pool, replica),
        ]

    await _becomes_empty(on_its_way, seconds=90)


async def misjudged(pool: asyncpg.Pool, replica: asyncpg.Pool) -> list[Any]:
    """The replica's rows of which the hub believes something else than they hold, and that."""
    believed = {r["key"]: (r["version"], r["copies"]) for r in await pool.fetch(_REPLICA_STATE)}
    held = {str(row["id"]): (row["version"], copies_in(row)) for row in await _rows(replica)}
    keys = believed.keys() | held.keys()
    return [
        (key, believed.get(key), held.get(key))
        for key in sorted(keys)
        if believed.get(key) != held.get(key)
    ]


async def assert_letters(pool: asyncpg.Pool, firm: BusyFirm) -> None:
    """Each record of the log was applied, or is a dead letter with its bytes, or waits behind one.

    Nobody has settled any yet. What belonged to no record was settled by its next row, or shared
    a batch with it and was no letter at all.
    """
    logged, taken = await pool.fetchrow(_TAKEN_IN)
    assert logged == taken, (logged, taken)
    unaccounted = await pool.fetch(_UNACCOUNTED)
    assert not unaccounted, unaccounted
    rows = await pool.fetch("SELECT value, class, state FROM dead_letter")
    parked = Counter(row["value"] for row in rows if row["class"] == "poison")
    assert parked >= Counter(firm.undecodable), Counter(firm.undecodable) - parked
    business = Counter((row["value"], row["state"]) for row in rows if row["class"] == "business")
    settled = Counter((stray, "superseded") for stray in firm.strays)
    assert business <= settled, business - settled
    assert business, "no stray was ever a letter"


async def assert_delivered(pool: asyncpg.Pool, replica: asyncpg.Pool, firm: BusyFirm) -> None:
    """Each client is in the replica as its owner has it, unless an exception says why not.

    An exception is a delivery that the replica refused, or a copy that somebody there has edited.
    """
    known = _clients(firm)
    rows = {known[row["crm_account_id"]].id: row for row in await _rows(replica)}
    refused = await _refused(pool)
    for client in {one.id: one for one in known.values() if one.row}.values():
        exceptions = {field for record_id, field in refused if record_id == client.id}
        if client.id in rows:
            _assert_copied(client, copies_in(rows[client.id]), exceptions)
        else:
            assert exceptions or not _has_changed(client), client


def _assert_copied(client: Kept, held: dict[str, Any], exceptions: set[str]) -> None:
    wanted = decode(crm.CLIENT, client.row or {})
    for field in {"name", "segment", "account_manager"} - exceptions:
        is_edited = held[field].startswith(WHIM)
        assert is_edited or held[field] == plain(wanted[field]), (client.id, field, held)


async def assert_once(replica: asyncpg.Pool, firm: BusyFirm) -> None:
    """Each client was created once; its names came in the owner's order, each at most once."""
    known, told = _clients(firm), defaultdict(list)
    for row in await replica.fetch("SELECT op, account, title FROM effect ORDER BY id"):
        told[known[row["account"]].id].append((row["op"], row["title"]))
    by_id = {one.id: one for one in known.values()}
    for record_id, effects in told.items():
        assert [op for op, _ in effects] == ["INSERT"] + ["UPDATE"] * (len(effects) - 1), effects
        names = [v.row["account_name"] for v in by_id[record_id].history if v.row]
        places = [names.index(title) for _, title in effects]
        assert places == sorted(set(places)), (record_id, places)


def copies_in(row: asyncpg.Record) -> dict[str, Any]:
    """What a row of the PSA holds of fields it does not own, by their names."""
    values = decode(psa.CLIENT, dict(row), copies=True)
    return {name: plain(value) for name, value in values.items()}


def plain(value: Any) -> Any:
    """An enum as its word."""
    return getattr(value, "value", value)


async def _rows(replica: asyncpg.Pool) -> list[asyncpg.Record]:
    return list(await replica.fetch("SELECT * FROM clients ORDER BY id"))


async def _refused(pool: asyncpg.Pool) -> set[tuple[str, str]]:
    """The fields of records of which the replica's last word was a refusal."""
    rows = [row for row in await pool.fetch(_LAST_WORD) if row["state"] == "dead"]
    others = [row for row in rows if not row["last_error"].startswith("not_today")]
    assert not others, others
    return {(row["record_id"], row["field"]) for row in rows}


def _clients(firm: BusyFirm) -> dict[str, Kept]:
    """By every account number they ever had."""
    [source] = [s for s in firm.sources if s.binding.system is System.CRM]
    assert source.binding.entity is Client
    return {key: known for known in source.records.values() for key in known.keys}


def _has_changed(client: Kept) -> bool:
    """In sight of the capture; what a snapshot finds first is owed to nobody."""
    names = {version.row["account_name"] for version in client.history if version.row}
    return client.history[0].op == "c" or len(names) > 1


async def _becomes_empty(look: Look, *, seconds: float) -> None:
    left: Sequence[Any] = []
    try:
        async with asyncio.timeout(seconds):
            while left := await look():  # noqa: ASYNC110  # a condition with a deadline
                await asyncio.sleep(0.1)
    except TimeoutError:
        assert not left, left
        raise
