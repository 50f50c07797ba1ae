"""`POST /webhooks/{system}`: the HTTP side of the inbox.

Whoever sends is told little: nothing of a system that may not send, nor which part of a signature
was wrong. 202 means that the event is kept; anything else means that it is to be sent again, or
not at all.
"""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cdc.webhook.event import CONTENT_TYPES, content_type
from cdc.webhook.inbox import Inbox, Outcome
from cdc.webhook.signature import Stale, Unsigned
from schema.errors import Invalid, NotFound, Unavailable
from schema.system import System

LARGEST_EVENT = 256 * 1024
_READ_S = 10
_KEEP_S = 10
_RETRY_AFTER_S = 5


class _TooLarge(Exception):
    """More than an event may have."""


_REFUSALS = (
    *(_TooLarge, TimeoutError, ClientDisconnect),
    *(Unsigned, Stale, Invalid, Unavailable),
)


def webhook_routes(inbox: Inbox) -> list[Route]:
    """The one route that owners send to."""

    async def take(request: Request) -> Response:
        try:
            system = inbox.sender(request.path_params["system"])
        except NotFound as error:
            return _refuse(404, error.message)
        if content_type(request.headers) not in CONTENT_TYPES:
            return _refuse(415, f"Send one event as {' or '.join(sorted(CONTENT_TYPES))}.")
        try:
            async with asyncio.timeout(_READ_S):
                body = await _body(request)
            outcome = await _kept(inbox, system, dict(request.headers), body)
        except _REFUSALS as error:
            return _refused(error)
        return JSONResponse({"status": outcome.value}, status_code=202)

    return [Route("/webhooks/{system}", take, methods=["POST"])]


async def _kept(inbox: Inbox, system: System, headers: dict[str, str], body: bytes) -> Outcome:
    """A log that hangs is down: whoever sends it again is told whether it was kept after all."""
    try:
        async with asyncio.timeout(_KEEP_S):
            return await inbox.take(system, headers, body)
    except TimeoutError as error:
        raise Unavailable(f"The log did not answer within {_KEEP_S} s.") from error


async def _body(request: Request) -> bytes:
    """The whole body; what is too large is not read to its end."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_EVENT:
            raise _TooLarge
    return bytes(body)


def _refused(error: Exception) -> Response:
    match error:
        case _TooLarge():
            return _refuse(413, f"An event has {LARGEST_EVENT} bytes at most.")
        case TimeoutError():
            return _refuse(408, f"Send the whole event within {_READ_S} s.")
        case ClientDisconnect():
            return _refuse(400, "The event was not sent to its end.")
        case Unsigned():
            return _refuse(401, "Not signed by a secret of this system.")
        case Stale():
            return _refuse(401, "Signed too long ago, or for a time to come: sign it again.")
        case Invalid():
            return _refuse(400, error.message)
        case Unavailable():
            return _refuse(503, "Not kept; send it again.", {"retry-after": str(_RETRY_AFTER_S)})
        case _:
            raise error


def _refuse(status: int, why: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": why}, status_code=status, headers=headers)
