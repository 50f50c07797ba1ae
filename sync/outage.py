"""The ways asyncpg says that Concord's own database does not answer now."""

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
