"""Arrivals: fields of an answer whose values are still waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

Answer = dict[str, Any]


class Arrival:
    """One such field; its value is put in its place in the answer once both are known."""

    __slots__ = ("_answer", "_name", "_value")

    def __init__(self) -> None:
        self._answer: Answer | None = None
        self._name = ""
        self._value: Any = None

    def place(self, answer: Answer, name: str) -> None:
        answer[name] = self._value
        self._answer, self._name = answer, name

    def settle(self, value: Any) -> None:
        self._value = value
        if self._answer is not None:
            self._answer[self._name] = value


class Arrivals:
    """All that one operation waits for. A value is completed in the tick after its arrival.

    So what one batch has brought asks for the next level together, as it would in tasks.
    """

    def __init__(self, is_awaitable: Callable[[Any], bool]) -> None:
        self._is_awaitable = is_awaitable
        self._open = 0
        self._tasks: set[asyncio.Future[Any]] = set()
        self._settled: asyncio.Future[None] | None = None

    def expect(
        self,
        coming: Awaitable[Any],
        complete: Callable[[Any], Any],
        refuse: Callable[[Exception], None],
    ) -> Arrival:
        """A place for what `complete` makes of the value; null, and `refuse`, for an error."""
        arrival = Arrival()
        self._expect(coming, arrival, complete, refuse)
        return arrival

    def complete(self, answer: Any) -> Any:
        """The answer, once nothing of it is waited for any more."""
        return self._wait(answer) if self._open or self._is_awaitable(answer) else answer

    async def _wait(self, answer: Any) -> Any:
        try:
            whole = await answer if self._is_awaitable(answer) else answer
            while self._open:
                self._settled = asyncio.get_running_loop().create_future()
                await self._settled
            return whole
        finally:
            for task in self._tasks:
                task.cancel()

    def _expect(
        self,
        coming: Awaitable[Any],
        arrival: Arrival,
        complete: Callable[[Any], Any],
        refuse: Callable[[Exception], None],
    ) -> None:
        future = asyncio.ensure_future(coming)
        if future is not coming:
            self._tasks.add(future)
            future.add_done_callback(self._tasks.discard)
        self._open += 1
        future.add_done_callback(partial(self._arrived, arrival, complete, refuse))

    def _arrived(
        self,
        arrival: Arrival,
        complete: Callable[[Any], Any],
        refuse: Callable[[Exception], None],
        future: asyncio.Future[Any],
    ) -> None:
        try:
            value = complete(future.result())
            if self._is_awaitable(value):
                self._expect(value, arrival, lambda completed: completed, refuse)
            else:
                arrival.settle(value)
        except asyncio.CancelledError:
            if self._settled is not None:
                self._settled.cancel()
        except Exception as error:  # noqa: BLE001  # reported by the executor
            refuse(error)
        finally:
            self._open -= 1
            if self._settled is not None and not self._open and not self._settled.done():
                self._settled.set_result(None)
