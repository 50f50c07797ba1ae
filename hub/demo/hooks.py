"""The stand-ins' webhooks: what happened to a record, signed, in order, until somebody took it.

Events are written in the transaction that they tell of. Off unless an address is given.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import orjson

from hub.demo.hook_forms import Write, cloud_event, standard, stripe
from hub.demo.tables import Connection

LONGEST_WAIT_S = 5.0
ANSWER_S = 10.0

OUTBOX = """
CREATE TABLE IF NOT EXISTS webhook_outbox (
    id      bigserial PRIMARY KEY,
    event   text NOT NULL DEFAULT 'evt_' || replace(gen_random_uuid()::text, '-', ''),
    type    text NOT NULL,
    object  jsonb NOT NULL,
    created timestamptz NOT NULL DEFAULT now()
);
CREATE OR REPLACE FUNCTION tell_of_record() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    noun text := TG_ARGV[0];
    state text := to_jsonb(NEW) ->> TG_ARGV[1];
    happened text := 'updated';
BEGIN
    IF TG_OP = 'INSERT' THEN
        happened := 'created';
    ELSIF state <> to_jsonb(OLD) ->> TG_ARGV[1] THEN
        happened := coalesce(TG_ARGV[2]::jsonb ->> state, 'updated');
    END IF;
    INSERT INTO webhook_outbox (type, object) VALUES (
        noun || '.' || happened,
        jsonb_build_object('object', noun, 'id', NEW.id::text, 'status', state));
    NOTIFY webhook_outbox;
    RETURN NULL;
END $$;
"""
TRIGGER = """
CREATE OR REPLACE TRIGGER tell_of_record AFTER INSERT OR UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION tell_of_record('{noun}', '{state}', '{words}')
"""
SILENCE = "DROP TRIGGER IF EXISTS tell_of_record ON {table}"

_NEXT = "SELECT * FROM webhook_outbox ORDER BY id LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A table that is told of: what a record of it is called, and a step to another state."""

    table: str
    noun: str
    state: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """What a system tells of, and how it words and signs that."""

    tables: tuple[Told, ...]
    write: Write


TELLERS: Mapping[str, Teller] = {
    "crm": Teller(
        write=cloud_event,
        tables=(
            Told(table="accounts", noun="account"),
            Told(
                table="opportunities",
                noun="opportunity",
                state="stage",
                words={"CLOSED_WON": "won", "CLOSED_LOST": "lost"},
            ),
        ),
    ),
    "psa": Teller(
        write=standard,
        tables=(
            Told(
                table="time_entries",
                noun="time-entry",
                state="entry_state",
                words={"waiting": "submitted", "approved": "approved", "returned": "returned"},
            ),
            Told(
                table="expense_lines",
                noun="expense-line",
                state="line_state",
                words={"waiting": "submitted", "cleared": "cleared", "returned": "returned"},
            ),
        ),
    ),
    "billing": Teller(
        write=stripe,
        tables=(
            Told(
                table="invoices",
                noun="invoice",
                state="status",
                words={"approved": "finalized", "void": "voided"},
            ),
        ),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Who is told, and what the calls are signed by."""

    url: str
    secret: str = field(repr=False)


async def prepare_hooks(system: str, connection: Connection, hook: Hook | None) -> None:
    """Tell of the system's records from now on, or no longer."""
    statements = [_triggered(told, hook) for told in TELLERS[system].tables]
    await connection.execute(";\n".join(statements if hook is None else [OUTBOX, *statements]))


def _triggered(told: Told, hook: Hook | None) -> str:
    if hook is None:
        return SILENCE.format(table=told.table)
    words = orjson.dumps(told.words).decode()
    return TRIGGER.format(table=told.table, noun=told.noun, state=told.state, words=words)


async def tell(system: str, pool: "asyncpg.Pool[Any]", hook: Hook) -> None:
    """Send what is in the outbox until cancelled; one that is not taken holds the others."""
    is_new = asyncio.Event()

    def hear(*_: object) -> None:
        is_new.set()

    async with pool.acquire() as connection, httpx.AsyncClient(trust_env=False) as client:
        await connection.add_listener("webhook_outbox", hear)
        try:
            while True:
                is_new.clear()
                await _empty(TELLERS[system].write, connection, client, hook)
                await is_new.wait()
        finally:
            await connection.remove_listener("webhook_outbox", hear)


async def _empty(
    write: Write, connection: Connection, client: httpx.AsyncClient, hook: Hook
) -> None:
    wait = 0.05
    while (event := await connection.fetchrow(_NEXT)) is not None:
        body, headers = write(event, hook.secret)
        if await _send(client, hook.url, body, headers):
            wait = 0.05
            await connection.execute("DELETE FROM webhook_outbox WHERE id = $1", event["id"])
        else:
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)


async def _send(
    client: httpx.AsyncClient, url: str, body: bytes, headers: Mapping[str, str]
) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        answer = await client.post(url, content=body, headers=dict(headers), timeout=ANSWER_S)
        return answer.is_success
    return False
