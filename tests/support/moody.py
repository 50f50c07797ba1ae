"""A target in a bad mood: some calls are refused, put off, lost, or answered too late."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOODS = {"throttles": 1, "fails": 3, "refuses": 3, "loses": 3, "is late": 2}
"""What may happen to a write, and in how many of a hundred."""

_LATE_S = 1.5
"""Longer than the delivery workers of the tests wait."""
_REFUSAL = {"errors": [{"code": "not_today", "detail": "Nobody may write this today."}]}


class Moody:
    """In front of a stand-in while `is_moody`; `met` counts what it did to writes."""

    def __init__(self, rng: random.Random) -> None:
        self.is_moody = True
        self.met: Counter[str] = Counter()
        self._rng = rng
        self._app: ASGIApp | None = None

    def around(self, app: ASGIApp) -> ASGIApp:
        self._app = app
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        mood = self._mood(scope)
        if mood is None:
            await self._app(scope, receive, send)
            return
        self.met[mood] += 1
        if mood in ("loses", "is late"):
            held = await self._carried_out(scope, receive)
        if mood == "is late":
            await asyncio.sleep(_LATE_S)
            for message in held:
                await send(message)
        else:
            await _answer(mood)(scope, receive, send)

    def _mood(self, scope: Scope) -> str | None:
        if not self.is_moody or scope["method"] not in ("POST", "PATCH"):
            return None
        moods = [*MOODS, None]
        weights = [*MOODS.values(), 100 - sum(MOODS.values())]
        return self._rng.choices(moods, weights)[0]

    async def _carried_out(self, scope: Scope, receive: Receive) -> list[Message]:
        """The call has its effect; the answer is kept back."""
        assert self._app is not None
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)

        await self._app(scope, receive, hold)
        return held


def _answer(mood: str) -> Response:
    if mood == "throttles":
        return Response(status_code=429, headers={"retry-after": "1"})
    if mood == "refuses":
        return JSONResponse(_REFUSAL, status_code=422)
    return Response(status_code=503)
