"""A sender of webhooks, and the endpoint it sends to."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
from starlette.applications import Starlette

from cdc.log.port import AppendsOnce
from cdc.webhook.forms import STANDARD, Form
from cdc.webhook.inbox import Inbox
from cdc.webhook.meaning import EventForm
from cdc.webhook.signature import Sender, sign
from hub.webhooks import webhook_routes
from schema.system import System
from sync.clock import utc_now
from sync.connectors.billing import Billing

SECRET = b"a secret for tests, long enough"
PATH = "/webhooks/billing"
BODY = json.dumps({"type": "invoice.updated", "data": {"id": "in_000001"}}).encode()


def signed(
    body: bytes = BODY, *, event: str = "evt_1", age_s: float = 0, secret: bytes = SECRET
) -> dict[str, str]:
    """The headers of a call in the standard form."""
    headers = {"webhook-id": event, "content-type": "application/json"}
    timestamp = str(int(time.time() - age_s))
    signature = sign(STANDARD, secret, headers, timestamp, body)
    return {**headers, "webhook-timestamp": timestamp, "webhook-signature": f"v1,{signature}"}


def inbox_of(log: AppendsOnce, *, form: Form = STANDARD) -> Inbox:
    """Billing may send, and the CRM has no secret."""
    senders = {
        System.BILLING: Sender(form=form, secrets=(SECRET,), window=timedelta(minutes=5)),
        System.CRM: Sender(form=form, secrets=()),
    }
    return Inbox(senders, EventForm(Billing.bindings), log, utc_now)


@asynccontextmanager
async def endpoint(inbox: Inbox) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=webhook_routes(inbox))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


def counted(inbox: Inbox) -> Mapping[Any, int]:
    return {outcome.value: n for (_, outcome), n in inbox.counted.items()}
