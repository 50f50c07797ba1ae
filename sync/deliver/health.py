"""Whether a target answers: one that does not is left alone for a moment, then probed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from sync.deliver.retry import Backoff


class Health:
    """One target as one process sees it. The clock answers monotonic seconds."""

    def __init__(
        self, clock: Callable[[], float], random: Callable[[], float], probing: Backoff
    ) -> None:
        self._clock = clock
        self._random = random
        self._probing = probing
        self._failures = 0
        self._rests_until = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether its last word was an answer; otherwise it is worth one probe at a time."""
        return self._failures == 0

    @property
    def rest(self) -> timedelta:
        """How long it is to be left alone still."""
        return timedelta(seconds=max(self._rests_until - self._clock(), 0))

    def failed(self, asked: timedelta | None = None) -> None:
        """It did not answer, or asked for a pause. Calls that fail together count once."""
        if not self.rest:
            self._failures += 1
        wait = self._probing.wait(self._failures, self._random, asked)
        self._rests_until = max(self._rests_until, self._clock() + wait.total_seconds())

    def answered(self) -> None:
        """It answered; unless that was to a call from before the trouble, all is well again."""
        if not self.rest:
            self._failures = 0
