"""A subscriber that does not read."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from strawberry.http.exceptions import WebSocketDisconnected

from hub import view
from hub.view import TOO_SLOW, BoundedSocket


class Stuck:
    """A WebSocket whose peer has stopped reading: a send never gets out."""

    closed_with: int | None = None

    async def send_text(self, text: str) -> None:
        await asyncio.Event().wait()

    async def close(self, code: int, reason: str) -> None:
        self.closed_with = code


class Encoder:
    def encode_json(self, message: Any) -> str:
        return "{}"


async def test_a_reader_that_stops_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """A send that takes too long closes the socket, with a code that says to resume."""
    monkeypatch.setattr(view, "SEND_DEADLINE", timedelta(milliseconds=10))
    stuck: Any = Stuck()
    encoder: Any = Encoder()
    with pytest.raises(WebSocketDisconnected):
        await BoundedSocket(encoder, stuck, stuck).send_json({})
    assert stuck.closed_with == TOO_SLOW
