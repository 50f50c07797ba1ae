"""Processes of our own under test: started, watched, frozen and killed.

They are forked from a server that has imported what they need, because a worker that is killed a
dozen times should not spend its life on starting.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from hub.telemetry import configure_logs

Work = Callable[..., Coroutine[Any, Any, None]]

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["hub.wiring"])


class Worker:
    """One role that may be killed and started again; what it says is kept in a file."""

    def __init__(self, words: Path, work: Work, *arguments: Any) -> None:
        self._words = words
        self._arguments = (words, work, *arguments)
        self._process: ForkServerProcess | None = None

    @property
    def process(self) -> ForkServerProcess:
        assert self._process is not None
        return self._process

    @property
    def said(self) -> str:
        """All it has said so far, in all its lives."""
        return self._words.read_text() if self._words.exists() else ""

    async def start(self) -> None:
        self._process = _FORKS.Process(target=_run, args=self._arguments, daemon=True)
        await asyncio.to_thread(self._process.start)

    async def runs_for(self, seconds: float) -> None:
        """Let it work; that it ends by itself is a failure, told with its last words."""
        await asyncio.to_thread(self.process.join, seconds)
        self.is_alive()

    def is_alive(self) -> None:
        """Fails when it has ended by itself."""
        code = self.process.exitcode
        assert code is None, f"ended with {code}:\n{self.said[-4000:]}"

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    async def kill(self) -> None:
        """As the kernel does when memory runs out: nothing is said and nothing tidied."""
        self._send(signal.SIGKILL)
        await asyncio.to_thread(self.process.join)

    def _send(self, number: signal.Signals) -> None:
        assert self.process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, number)


@asynccontextmanager
async def running(words: Path, work: Work, *arguments: Any) -> AsyncIterator[Worker]:
    """A worker at work while the block runs, and killed after it."""
    worker = Worker(words, work, *arguments)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.kill()


def _run(words: Path, work: Work, *arguments: Any) -> None:
    with words.open("ab") as said:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
    configure_logs()
    asyncio.run(work(*arguments))
