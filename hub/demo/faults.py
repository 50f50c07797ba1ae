"""Faults on demand and a count of the calls, around the app of one stand-in."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.demo.refusals import Reason, Refusal

READS = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST_WAIT_SECONDS = 600.0


class Mode(Enum):
    NONE = "none"
    DOWN = "down"
    SLOW = "slow"
    GARBAGE = "garbage"
    THROTTLE = "throttle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong until it is switched off.

    With `after_effect` the call is carried out first, and its answer lost or late.
    """

    mode: Mode = Mode.NONE
    seconds: float = 2.5
    only_writes: bool = False
    after_effect: bool = False

    def hits(self, method: str) -> bool:
        return self.mode is not Mode.NONE and not (self.only_writes and method in READS)


@dataclass(slots=True)
class Disturbance:
    """The fault in force and the calls seen so far."""

    fault: Fault = field(default_factory=Fault)
    calls: Counter[str] = field(default_factory=Counter)


class Disturbed:
    """Middleware: counts each call by its route, then lets it through, or not."""

    def __init__(self, app: ASGIApp, disturbance: Disturbance, routes: Sequence[BaseRoute]) -> None:
        self._app = app
        self._disturbance = disturbance
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_"):
            await self._app(scope, receive, send)
            return
        self._disturbance.calls[f"{scope['method']} {self._route_path(scope)}"] += 1
        fault = self._disturbance.fault
        if not fault.hits(scope["method"]):
            await self._app(scope, receive, send)
        elif fault.after_effect:
            await self._carry_out_then_fail(fault, scope, receive, send)
        elif fault.mode is Mode.SLOW:
            await asyncio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        else:
            await answer(fault.mode)(scope, receive, send)

    async def _carry_out_then_fail(
        self, fault: Fault, scope: Scope, receive: Receive, send: Send
    ) -> None:
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        if fault.mode is not Mode.SLOW:
            await answer(fault.mode)(scope, receive, send)
            return
        await asyncio.sleep(fault.seconds)
        for message in held:
            await send(message)

    def _route_path(self, scope: Scope) -> str:
        for route in self._routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                return route.path
        return "(no such route)"


def answer(mode: Mode) -> Response:
    """What a caller sees of a fault other than slowness."""
    if mode is Mode.THROTTLE:
        return Response(status_code=429, headers={"Retry-After": "1"})
    if mode is Mode.GARBAGE:
        page = "<html><body>Please sign in to continue.</body></html>"
        return Response(page, media_type="text/html")
    return Response(status_code=503)


def control_routes(disturbance: Disturbance) -> list[Route]:
    """`/_fault` and `/_calls`: open to everybody and never counted."""

    async def put_fault(request: Request) -> Response:
        try:
            disturbance.fault = read_fault(await request.body())
        except Refusal as refusal:
            return Response(refusal.message, status_code=400)
        return Response(status_code=204)

    async def get_calls(request: Request) -> Response:
        calls = disturbance.calls
        counted = {"total": calls.total(), "by_route": dict(sorted(calls.items()))}
        return Response(orjson.dumps(counted), media_type="application/json")

    async def delete_calls(request: Request) -> Response:
        disturbance.calls.clear()
        return Response(status_code=204)

    return [
        Route("/_fault", put_fault, methods=["PUT"]),
        Route("/_calls", get_calls, methods=["GET"]),
        Route("/_calls", delete_calls, methods=["DELETE"]),
    ]


def read_fault(body: bytes) -> Fault:
    """The fault a body asks for; what it leaves out is as in `Fault`."""
    try:
        wanted = orjson.loads(body)
        fault = Fault(**{**wanted, "mode": Mode(wanted["mode"])})
    except (ValueError, TypeError, KeyError) as error:
        raise Refusal(Reason.UNREADABLE, f"This is no fault: {error}") from error
    is_switch = isinstance(fault.only_writes, bool) and isinstance(fault.after_effect, bool)
    is_wait = isinstance(fault.seconds, int | float) and 0 <= fault.seconds <= LONGEST_WAIT_SECONDS
    if not (is_switch and is_wait):
        raise Refusal(Reason.UNREADABLE, "seconds is a number up to 600; the others are booleans.")
    return fault
