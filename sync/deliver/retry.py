"""When to try again: exponential backoff with full jitter, as a pure function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits of up to `first`, then twice that, and so on up to `longest`."""

    first: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(minutes=5)

    def wait(
        self, attempt: int, random: Callable[[], float], asked: timedelta | None = None
    ) -> timedelta:
        """How long to wait after the `attempt`-th failure, counted from 1.

        `random` answers numbers in [0, 1). A wait that the system itself `asked` for is honoured
        in full, with the jitter on top.
        """
        ceiling: timedelta = min(self.first * int(2 ** min(attempt - 1, 30)), self.longest)
        jittered = ceiling * (0.5 + random() / 2)
        return jittered if asked is None else asked + jittered / 10
