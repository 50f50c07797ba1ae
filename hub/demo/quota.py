"""How many calls a caller may make: a bucket of tokens that fills with time."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from hub.demo.refusals import Reason, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`burst` calls at once, and `per_second` more of them in the long run."""

    per_second: float
    burst: int


class Bucket:
    """What is left of a quota to one caller."""

    def __init__(self, quota: Quota, clock: Callable[[], float] = time.monotonic) -> None:
        self._quota = quota
        self._clock = clock
        self._left = float(quota.burst)
        self._filled_at = clock()

    def take(self) -> None:
        """Spend one call. Raises Refusal, with the seconds to wait, when none is left."""
        now = self._clock()
        gained = (now - self._filled_at) * self._quota.per_second
        self._left, self._filled_at = min(self._quota.burst, self._left + gained), now
        if self._left < 1:
            wait = math.ceil((1 - self._left) / self._quota.per_second)
            message = f"More than {self._quota.per_second:g} calls a second; wait {wait} s."
            raise Refusal(Reason.TOO_MANY, message, retry_after=wait)
        self._left -= 1
