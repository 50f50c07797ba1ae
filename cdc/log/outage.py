"""One translation of asyncpg's ways to say that a database does not answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from schema.errors import Unavailable


@contextmanager
def outage_of(database: str) -> Iterator[None]:
    """Raise `Unavailable` when the connection is refused, lost, closed or taken away by the server.

    Refused statements pass through: they are bugs or misconfiguration, and no retry mends them.
    """
    try:
        yield
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,  # the session was ended between two steps of one statement
        asyncpg.OperatorInterventionError,
        asyncpg.TooManyConnectionsError,
    ) as refusal:
        raise Unavailable(f"{database} does not answer ({refusal}): try again later") from refusal
