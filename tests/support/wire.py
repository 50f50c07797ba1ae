"""Systems that misbehave on the wire, a byte at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Answering = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(answering: Answering) -> AsyncIterator[str]:
    """A server that reads each request's head, answers as told, and hangs up."""

    open_calls: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await answering(writer)
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_calls.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for call in open_calls:
            call.cancel()
        await asyncio.gather(*open_calls, return_exceptions=True)


def saying(status: str, body: bytes = b"", header: str = "") -> Answering:
    """Answer the same to every request."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n{header}"
        writer.write(head.encode() + b"\r\n" + body)
        await writer.drain()

    return answer


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Take the request, say nothing."""


async def stop_halfway(writer: asyncio.StreamWriter) -> None:
    """Promise a hundred bytes, send one."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{")
    await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    """Send a byte now and then, so that no single wait is ever long."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.01)
