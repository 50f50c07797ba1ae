"""Subscriptions over graphql-transport-ws and server-sent events, resumed from a cursor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
from support.graph import GraphFirm, served
from support.sockets import PROTOCOL, Socket, socket_to
from websockets.asyncio.client import connect as open_socket
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from schema.ids import mint
from sync.clock import utc_now
from sync.feed import Transition, _Sealed, append_events
from sync.opaque import seal

CLIENT = mint("cli", "crm", "ACC-00001")
FIELDS = "{ cursor before after invoice { id } }"


@pytest.fixture
async def host(firm: GraphFirm) -> AsyncIterator[str]:
    async with served(firm.services) as host:
        yield host


async def happen(pool: asyncpg.Pool, *numbers: int, after: str = "posted") -> None:
    """Append one transition per invoice number, each to CLIENT."""
    events = [
        Transition(
            entity="invoice",
            record_id=mint("inv", "billing", str(number)),
            before="draft",
            after=after,
            subject={"client_id": CLIENT, "project_id": None},
            at=utc_now(),
        )
        for number in numbers
    ]
    async with pool.acquire() as connection, connection.transaction():
        await append_events(connection, events)


@pytest.fixture
async def socket(host: str) -> AsyncIterator[Socket]:
    async with socket_to(host) as connected:
        yield connected


async def subscribe(socket: Socket, arguments: str = "") -> None:
    await socket.subscribe(f"subscription {{ invoiceStatusChanged{arguments} {FIELDS} }}")


async def following(pool: asyncpg.Pool, socket: Socket) -> str:
    """Subscribe from a first event on; answers its cursor."""
    await socket.start()
    await happen(pool, 1)
    await subscribe(socket, f'(after: "{await first_cursor(pool)}")')
    return str((await socket.event())["cursor"])


async def first_cursor(pool: asyncpg.Pool) -> str:
    """The cursor just before the oldest event."""
    return seal(_Sealed(v=1, n=await pool.fetchval("SELECT min(id) FROM feed_event") - 1))


async def test_events_arrive_live_and_again_after_a_cursor(
    pool: asyncpg.Pool, host: str, socket: Socket
) -> None:
    """What happens is pushed; a second connection resumes after a cursor with no gap or repeat."""
    cursor = await following(pool, socket)
    await happen(pool, 2)
    live = await socket.event()
    assert (live["before"], live["after"], live["invoice"]) == ("DRAFT", "POSTED", None)
    await happen(pool, 3)
    async with socket_to(host) as other:
        await other.start()
        await subscribe(other, f'(after: "{cursor}")')
        replayed = [await other.event(), await other.event()]
        await happen(pool, 4)
        replayed.append(await other.event())
    assert replayed[:2] == [live, await socket.event()]
    assert replayed[2] == await socket.event()


async def test_a_filter_keeps_other_events_away(pool: asyncpg.Pool, socket: Socket) -> None:
    """Only transitions into the named state pass."""
    await socket.start()
    await happen(pool, 1)
    start = await first_cursor(pool)
    arguments = f'(after: "{start}", filter: {{to: [PAID], clientId: ["{CLIENT}"]}})'
    await subscribe(socket, arguments)
    await happen(pool, 2, after="paid")
    assert (await socket.event())["after"] == "PAID"


async def test_a_malformed_cursor_is_a_coded_error(socket: Socket) -> None:
    """The subscription ends with BAD_USER_INPUT; the connection stays."""
    await socket.start()
    await subscribe(socket, '(after: "?")')
    message = await socket.receive()
    assert message["payload"]["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert (await socket.receive())["type"] == "complete"
    await socket.send(type="ping")
    assert (await socket.receive())["type"] == "pong"


async def test_an_invalid_subscription_is_an_error_message(socket: Socket) -> None:
    """Validation errors keep their code and do not end the connection."""
    await socket.start()
    await socket.send(id="1", type="subscribe", payload={"query": "subscription { nope }"})
    message = await socket.receive()
    assert message["type"] == "error"
    assert message["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"


async def test_queries_of_one_socket_do_not_share_state(socket: Socket) -> None:
    """Two operations of a connection each have their own errors."""
    await socket.start()
    bad, good = '{ client(id: "x") { id } }', "{ __typename }"
    await socket.send(id="1", type="subscribe", payload={"query": bad})
    await socket.send(id="2", type="subscribe", payload={"query": good})
    answers = {m["id"]: m for m in [await socket.receive() for _ in range(4)] if "payload" in m}
    assert "errors" in answers["1"]["payload"]
    assert "errors" not in answers["2"]["payload"]


@pytest.mark.parametrize(
    "message", ["[]", "5", "{", '{"type": "subscribe", "id": "1", "payload": []}', '{"type": 1}']
)
async def test_what_is_no_message_closes_the_socket(host: str, message: str) -> None:
    """4400, as the protocol has it, and no traceback."""
    async with open_socket(f"ws://{host}/graphql", subprotocols=[PROTOCOL]) as connection:
        await connection.send(message)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(connection.recv(), 5)
        assert connection.close_code == 4400


async def test_the_legacy_protocol_is_refused(host: str) -> None:
    """A client that speaks only graphql-ws is turned away."""
    legacy = Subprotocol("graphql-ws")
    async with open_socket(f"ws://{host}/graphql", subprotocols=[legacy]) as connection:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(connection.recv(), 5)
        assert connection.close_code == 4406


async def test_server_sent_events_carry_the_same_events(pool: asyncpg.Pool, host: str) -> None:
    """Distinct-connections mode: one POST, one stream of `next` events."""
    await happen(pool, 1, 2)
    arguments = f'(after: "{await first_cursor(pool)}")'
    body = {"query": f"subscription {{ invoiceStatusChanged{arguments} {FIELDS} }}"}
    headers = {"accept": "text/event-stream"}
    seen: list[Any] = []
    async with (
        asyncio.timeout(5),
        httpx.AsyncClient() as http,
        http.stream("POST", f"http://{host}/graphql", json=body, headers=headers) as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        async for line in stream.aiter_lines():
            if line.startswith("data: ") and line != "data: ":
                seen.append(json.loads(line.removeprefix("data: ")))
            if len(seen) == 2:
                break
    assert [event["data"]["invoiceStatusChanged"]["after"] for event in seen] == ["POSTED"] * 2
