"""Fixtures of the integration tier: the graph over a small firm."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from support.graph import GraphFirm


@pytest.fixture
async def met_firm(pool: asyncpg.Pool) -> AsyncIterator[GraphFirm]:
    """Every record's keys are linked, and the projection holds nothing yet."""
    firm = GraphFirm(pool)
    await firm.meet()
    yield firm
    await firm.feed.close()


@pytest.fixture
def firm(met_firm: GraphFirm) -> GraphFirm:
    """The firm of a test; some modules have more of it in the projection."""
    return met_firm
