"""One translation of asyncpg's ways to say that a database does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schema.errors import Unavailable
from sync.outage import OUTAGE


@contextmanager
def outage_of(database: str) -> Iterator[None]:
    """Raise `Unavailable` when the connection is refused, lost, closed or taken away by the server.

    Refused statements pass through: they are bugs or misconfiguration, and no retry mends them.
    """
    try:
        yield
    except OUTAGE as refusal:
        raise Unavailable(f"{database} does not answer ({refusal}): try again later") from refusal
