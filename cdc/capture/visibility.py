"""Which transactions of an owner a snapshot sees."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

_CYCLE = 2**32
"""The stream tells the lower 32 bits of a transaction's number."""

_LOOK = "SELECT pg_current_snapshot()::text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visibility:
    """What a snapshot sees: all that is older than `xmin`, nothing from `xmax` on.

    `running` are those in between that it does not see, by their lower 32 bits.
    """

    xmin: int
    xmax: int
    running: frozenset[int]

    def sees(self, transaction: int) -> bool:
        """Whether the transaction, by its lower 32 bits, had ended; of a recent one only."""
        is_later = (transaction - self.xmax) % _CYCLE < _CYCLE // 2
        return not is_later and transaction not in self.running


def parse_snapshot(text: str) -> Visibility:
    """Of Postgres's own form, `xmin:xmax:running,running`."""
    xmin, xmax, running = text.split(":")
    numbers = (int(one) % _CYCLE for one in running.split(",") if one)
    return Visibility(xmin=int(xmin), xmax=int(xmax), running=frozenset(numbers))


async def look(connection: asyncpg.Connection) -> Visibility:
    """What the statement's, or the transaction's, snapshot sees."""
    return parse_snapshot(await connection.fetchval(_LOOK))
