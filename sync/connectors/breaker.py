"""A circuit breaker: a system that keeps failing is left alone for a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta


class Breaker:
    """Opens after `threshold` failures in a row; lets one probe through after `rest`.

    The clock answers monotonic seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        threshold: int = 5,
        rest: timedelta = timedelta(seconds=2),
    ) -> None:
        self._clock = clock
        self._threshold = threshold
        self._rest = rest.total_seconds()
        self._failures = 0
        self._opens_at = 0.0

    def allows(self) -> bool:
        """Whether a call may go out now; the one that may while open is the probe."""
        if self._failures < self._threshold:
            return True
        if self._clock() < self._opens_at:
            return False
        self._opens_at = self._clock() + self._rest
        return True

    def succeeded(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        if self._failures >= self._threshold:
            self._opens_at = self._clock() + self._rest
