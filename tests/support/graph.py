"""The graph over a small firm: real reading, routing and feed, with owners in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import asyncpg
from support.owners import FakeOwner, crm, erp, psa
from support.stand_ins import serving

from cdc.log.postgres import PostgresLog
from cdc.replay import letter_decoder
from hub.asgi import app
from hub.graph import Graph
from resolvers.limits import Limits
from resolvers.services import Services
from schema.canon import Client, Project
from schema.system import System
from sync.board import Boards
from sync.clock import utc_now
from sync.counts import Counts
from sync.dead_deliveries import DeadDeliveries
from sync.dead_letters import DeadLetters
from sync.extra import ExtraColumns
from sync.feed import Feed
from sync.intake import Intake
from sync.lag import Lags
from sync.lists import Lists
from sync.operations import Operations
from sync.policy import Paging
from sync.reading import Reading
from sync.resnapshots import Resnapshots
from sync.routing import Routing
from sync.search import Search
from sync.session import ReadSession
from sync.setup import Setups
from sync.xref import Xref


def operations_of(pool: asyncpg.Pool) -> Operations:
    """Dead letters, lags and parked topics of a hub that reads the Postgres log in `pool`."""
    intake = Intake(pool, Xref(pool), {}, utc_now)
    return Operations(
        lags=Lags(pool),
        dead_letters=DeadLetters(pool, intake, letter_decoder([])),
        dead_deliveries=DeadDeliveries(pool),
        parked_topics=intake.parked_topics,
        extra_columns=ExtraColumns(pool, []),
        resnapshots=Resnapshots(pool, PostgresLog(pool).ends),
        backlog=partial(PostgresLog(pool).backlog, "intake"),
    )


class GraphFirm:
    """Three owners, the engine over them, and the graph over the engine."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.crm, self.erp, self.psa = crm(), erp(), psa(entries_each=5)
        owners: dict[System, Any] = {o.system: o for o in (self.crm, self.erp, self.psa)}
        xref = Xref(pool)
        self.reading = Reading(owners, xref, pool, utc_now, timedelta(milliseconds=300))
        self.feed = Feed(pool)
        setups = Setups(pool, [one for owner in owners.values() for one in owner.bindings])
        tells = {"setup": setups.of}
        self.services = Services(
            reading=self.reading,
            lists=Lists(self.reading, pool, utc_now),
            counts=Counts(self.reading, pool),
            boards=Boards(pool),
            search=Search(self.reading, pool, utc_now),
            routing=Routing(owners, self.reading, xref, pool, utc_now, acts=owners, tells=tells),
            feed=self.feed,
            operations=operations_of(pool),
            setups=setups,
            clock=utc_now,
        )
        self.graph = Graph(Limits())

    @property
    def owners(self) -> tuple[FakeOwner, ...]:
        return (self.crm, self.erp, self.psa)

    async def meet(self) -> None:
        """Read everything once, so that every record's keys are linked."""
        session, page = ReadSession(), Paging(first=50)
        await self.reading.page(session, Client, [], page, frozenset({"payment_terms_days"}))
        await self.reading.page(session, Project, [], page, frozenset({"health"}))
        self.calls()

    async def run(self, query: str, **variables: Any) -> Any:
        return await self.graph.execute(query, variables, context_value=self.services)

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of a query that must have no errors."""
        result = await self.run(query, **variables)
        assert result.errors is None, result.errors
        return result.data

    def calls(self) -> dict[str, int]:
        """Fetches per system since the last look."""
        counted = {owner.system.value: owner.calls["fetch"] for owner in self.owners}
        for owner in self.owners:
            owner.calls.clear()
        return {system: count for system, count in counted.items() if count}


def codes(result: Any) -> list[str]:
    """Those of the errors of an answer."""
    return [error.extensions["code"] for error in result.errors or ()]


@asynccontextmanager
async def served(services: Services) -> AsyncIterator[str]:
    """The hub over HTTP; answers where, as `127.0.0.1:port`."""
    async with serving(app(services)) as url:
        yield url.removeprefix("http://")
