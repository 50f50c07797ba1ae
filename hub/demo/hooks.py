"""Billing's webhooks: what happened to an invoice, signed, in order, until somebody took it.

Events are written in the transaction that they tell of. Off unless an address is given.
"""

import asyncio
import contextlib
import hashlib
import hmac
import time
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
import orjson

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
CREATE OR REPLACE FUNCTION tell_of_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    happened text := CASE
        WHEN TG_OP = 'INSERT' THEN 'created'
        WHEN NEW.status = OLD.status THEN 'updated'
        WHEN NEW.status = 'approved' THEN 'finalized'
        WHEN NEW.status = 'void' THEN 'voided'
        ELSE 'updated'
    END;
BEGIN
    INSERT INTO webhook_outbox (type, object) VALUES (
        'invoice.' || happened,
        jsonb_build_object('object', 'invoice', 'id', NEW.id, 'status', NEW.status));
    NOTIFY webhook_outbox;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER tell_of_invoice AFTER INSERT OR UPDATE ON invoices
    FOR EACH ROW EXECUTE FUNCTION tell_of_invoice();
"""
SILENCE = "DROP TRIGGER IF EXISTS tell_of_invoice ON invoices"

_NEXT = "SELECT * FROM webhook_outbox ORDER BY id LIMIT 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Who is told, and what the calls are signed by."""

    url: str
    secret: str = field(repr=False)


async def prepare_hooks(connection: Connection, hook: Hook | None) -> None:
    """Tell of invoices from now on, or no longer."""
    await connection.execute(SILENCE if hook is None else OUTBOX)


async def tell(pool: "asyncpg.Pool[Any]", hook: Hook) -> None:
    """Send what is in the outbox until cancelled; one that is not taken holds the others."""
    is_new = asyncio.Event()

    def hear(*_: object) -> None:
        is_new.set()

    async with pool.acquire() as connection, httpx.AsyncClient(trust_env=False) as client:
        await connection.add_listener("webhook_outbox", hear)
        try:
            while True:
                is_new.clear()
                await _empty(connection, client, hook)
                await is_new.wait()
        finally:
            await connection.remove_listener("webhook_outbox", hear)


async def _empty(connection: Connection, client: httpx.AsyncClient, hook: Hook) -> None:
    wait = 0.05
    while (event := await connection.fetchrow(_NEXT)) is not None:
        if await _send(client, hook, event):
            wait = 0.05
            await connection.execute("DELETE FROM webhook_outbox WHERE id = $1", event["id"])
        else:
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)


async def _send(client: httpx.AsyncClient, hook: Hook, event: Any) -> bool:
    body = orjson.dumps(
        {
            "id": event["event"],
            "type": event["type"],
            "created": int(event["created"].timestamp()),
            "data": {"object": event["object"]},
        }
    )
    headers = {"content-type": "application/json", "stripe-signature": sign(hook.secret, body)}
    with contextlib.suppress(httpx.HTTPError):
        answer = await client.post(hook.url, content=body, headers=headers, timeout=ANSWER_S)
        return answer.is_success
    return False


def sign(secret: str, body: bytes) -> str:
    now = str(int(time.time()))
    digest = hmac.new(secret.encode(), now.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"t={now},v1={digest}"
