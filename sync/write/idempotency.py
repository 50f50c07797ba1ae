"""One effect per idempotency key: the first answer is kept and given again."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import orjson

from schema.errors import ConcordError, InFlight, Invalid, KeyReused, OutcomeUnknown, Unavailable
from sync.clock import Clock

Answer = Mapping[str, Any]
"""What is kept of a finished request: plain JSON."""

Attempt = Callable[[datetime | None], Awaitable[Answer]]
"""Carries the request out. It is given the start of an earlier attempt whose outcome nobody knows:
then it must look for that attempt's effect before it causes another."""

SETTLE = timedelta(seconds=30)
"""After this long a request that has not answered is dead, and its effect visible at the owner."""

_LONGEST_KEY = 200
_ROUNDS = 3

_INSERT = """
INSERT INTO idempotency (scope, key, fingerprint, state, started_at)
VALUES ($1, $2, $3, 'started', $4) ON CONFLICT DO NOTHING RETURNING true
"""
_SELECT = "SELECT * FROM idempotency WHERE scope = $1 AND key = $2"
_TAKE_OVER = """
UPDATE idempotency SET started_at = $4, done_at = NULL
WHERE scope = $1 AND key = $2 AND state = 'started' AND started_at = $3 RETURNING true
"""
_FINISH = """
UPDATE idempotency SET state = 'done', answer = $4, done_at = $5
WHERE scope = $1 AND key = $2 AND state = 'started' AND started_at = $3
"""
_SUSPEND = """
UPDATE idempotency SET started_at = $4, done_at = $5
WHERE scope = $1 AND key = $2 AND state = 'started' AND started_at = $3
"""
_RELEASE = """
DELETE FROM idempotency
WHERE scope = $1 AND key = $2 AND state = 'started' AND started_at = $3
"""
_TRIM = "DELETE FROM idempotency WHERE state = 'done' AND done_at < $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """The right to carry a request out, held from `started_at` on.

    `lost_at` is when the attempt started whose outcome nobody knows.
    """

    scope: str
    key: str
    started_at: datetime
    lost_at: datetime | None = None


class Idempotency:
    """Requests by (scope, key), in the table `idempotency`.

    A row is `started` while a request runs, and stays so when it crashed or its outcome is
    unknown; `done_at` on a started row says that nobody is running it any more.
    """

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def once(self, scope: str, key: str, request: object, attempt: Attempt) -> Answer:
        """The answer to `request`, causing its effect at most once per key.

        A definite refusal frees the key. An unknown outcome keeps it: the next call with the key
        is told, and looks. Raises KeyReused when the key was used for another request, InFlight
        while the same one is still running.
        """
        _require_form(key)
        claim = await self._claim(scope, key, _fingerprint(scope, request))
        if not isinstance(claim, _Claim):
            return claim
        try:
            answer = await attempt(claim.lost_at)
        except ConcordError as error:
            await self._give_up(claim, error)
            raise
        await self._write(_FINISH, claim, answer, self._clock())
        return answer

    async def trim(self, before: datetime) -> int:
        """Forget the answers given before then; answers how many.

        What has not been answered stays: its effect may be under way.
        """
        status = await self._pool.execute(_TRIM, before)
        return int(status.rpartition(" ")[2])

    async def _claim(self, scope: str, key: str, fingerprint: str) -> _Claim | Answer:
        for _ in range(_ROUNDS):
            now = self._clock()
            if await self._pool.fetchval(_INSERT, scope, key, fingerprint, now):
                return _Claim(scope=scope, key=key, started_at=now)
            row = await self._pool.fetchrow(_SELECT, scope, key)
            if row is None:  # released since
                continue
            if row["fingerprint"] != fingerprint:
                raise KeyReused(
                    f"The idempotency key {key!r} was used for another request; use a new one."
                )
            if row["state"] == "done":
                answer: Answer = row["answer"]
                return answer
            return await self._take_over(scope, key, row, now)
        raise _still_running()

    async def _take_over(self, scope: str, key: str, row: asyncpg.Record, now: datetime) -> _Claim:
        lost_at: datetime = row["started_at"]
        is_free = row["done_at"] is not None or lost_at < now - SETTLE
        if not (is_free and await self._pool.fetchval(_TAKE_OVER, scope, key, lost_at, now)):
            raise _still_running()
        return _Claim(scope=scope, key=key, started_at=now, lost_at=lost_at)

    async def _give_up(self, claim: _Claim, error: ConcordError) -> None:
        """Free the key unless an effect may be under way.

        An owner that is down while an earlier attempt is looked for says nothing about it.
        """
        is_open = claim.lost_at is not None and isinstance(error, InFlight | Unavailable)
        if is_open or isinstance(error, OutcomeUnknown):
            await self._write(_SUSPEND, claim, claim.lost_at or claim.started_at, self._clock())
        else:
            await self._write(_RELEASE, claim)

    async def _write(self, statement: str, claim: _Claim, *values: object) -> None:
        await self._pool.execute(statement, claim.scope, claim.key, claim.started_at, *values)


def _fingerprint(scope: str, request: object) -> str:
    canonical = orjson.dumps([scope, request], default=_plain, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a request")


def _require_form(key: str) -> None:
    if not key.strip() or len(key) > _LONGEST_KEY or "\0" in key:
        raise Invalid(
            f"An idempotency key is a text of 1 to {_LONGEST_KEY} characters; a UUID is a good one."
        )


def _still_running() -> InFlight:
    return InFlight("A request with this idempotency key is still running; ask again in a moment.")
