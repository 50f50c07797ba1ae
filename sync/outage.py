"""The ways asyncpg says that Concord's own database does not answer, or cannot hold a value."""

from __future__ import annotations

import asyncpg

OUTAGE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.TooManyConnectionsError,
)
"""Wait and try again; any other error of a statement is a bug that no retry mends."""

UNSTORABLE = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,  # more than an index takes
    OverflowError,
    UnicodeError,
)
"""How the server refuses a value, and how the driver does that cannot even send it."""
