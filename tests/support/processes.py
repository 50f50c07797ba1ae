"""Processes of our own under test: started, watched, frozen and killed."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

TESTS = Path(__file__).parents[1]


class Worker:
    """One program that may be killed and started again; what it says is kept in a file."""

    def __init__(self, words: Path, *command: str) -> None:
        self._command = command
        self._words = words
        self._process: Process | None = None

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        with self._words.open("ab") as words:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", *self._command),
                stdout=words,
                stderr=words,
                env={**os.environ, "PYTHONPATH": str(TESTS)},
            )

    async def runs_for(self, seconds: float) -> None:
        """Let it work; that it ends by itself is a failure, told with its last words."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.process.wait()
        self.is_alive()

    def is_alive(self) -> None:
        """Fails when it has ended by itself."""
        code = self.process.returncode
        assert code is None, f"ended with {code}:\n{self.words()[-4000:]}"

    def words(self) -> str:
        return self._words.read_text()

    async def kill(self) -> None:
        """As the kernel does when memory runs out: nothing is said and nothing tidied."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def running(words: Path, *command: str) -> AsyncIterator[Worker]:
    """A worker at work while the block runs, and killed after it."""
    worker = Worker(words, *command)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.kill()
