"""When to try again: exponential backoff with jitter, as a pure function, and the pace it sets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Waits of up to `first`, then twice that, and so on up to `longest`; never less than half."""

    first: timedelta = timedelta(milliseconds=200)
    longest: timedelta = timedelta(minutes=5)

    def wait(
        self, attempt: int, random: Callable[[], float], asked: timedelta | None = None
    ) -> timedelta:
        """How long to wait after the `attempt`-th failure, counted from 1.

        `random` answers numbers in [0, 1). A wait that the system itself `asked` for is honoured
        in full, with some jitter on top.
        """
        doublings = min(max(attempt - 1, 0), 30)
        ceiling: timedelta = min(self.first * 2**doublings, self.longest)
        jittered = ceiling * (0.5 + random() / 2)
        return jittered if asked is None else asked + jittered / 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much is sent at once, and what is waited for how long.

    `lease` is how long a delivery is ours once it is claimed, and again once it is begun; it must
    be longer than the calls of one delivery together. `settle` is how long a target may take until
    an uncertain create can be found there. `refused` spaces attempts that failed, `missing` those
    that wait for something to arrive, `probing` the calls to a target that does not answer.
    """

    batch: int = 50
    concurrency: int = 4
    poll: timedelta = timedelta(seconds=1)
    lease: timedelta = timedelta(seconds=60)
    settle: timedelta = timedelta(seconds=2)
    refused: Backoff = Backoff()
    missing: Backoff = Backoff(longest=timedelta(seconds=30))
    probing: Backoff = Backoff(longest=timedelta(seconds=1))
