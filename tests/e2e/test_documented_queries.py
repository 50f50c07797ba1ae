"""The queries we document, against the real stand-ins: what they cost upstream is pinned."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from support.staged import staged_once

from bench.graph import SEVEN_TYPES
from hub.play import QUERIES, Play

GUIDE = Path(__file__).parents[2] / "docs/how-to/list-search-and-add-up.md"
GUIDED = re.findall(r"```graphql\n# (.*?)\n(.*?)```", GUIDE.read_text(), re.DOTALL)

CALLS = {
    "Projects over five systems": {
        "GET /erp/projects": 1,
        "GET /api/v2/projects": 1,
        "GET /services/accounts": 1,
        "GET /erp/customers": 1,
        "GET /v1/employees": 1,
        "GET /api/v2/users": 1,
        "GET /v1/invoices": 1,
        "GET /erp/ar-invoices": 2,  # the ledger's part of the invoices, and their payments
    },
    "Who says so, and how fresh is it": {"GET /erp/projects": 1, "GET /api/v2/projects": 1},
    "What can be asked while every owner is down": {},
    "What clients have not paid, by due date": {
        "GET /v1/invoices": 1,
        "GET /erp/ar-invoices": 1,
        "GET /services/accounts": 1,
    },
    "Projects in trouble": {
        "GET /erp/projects": 1,
        "GET /api/v2/projects": 1,
        "GET /v1/employees": 1,
    },
    "The latest hours of three projects": {
        "GET /erp/projects": 1,
        "GET /api/v2/time-entries": 1,
        "GET /v1/employees": 1,
    },
    "How much time waits, and how many entries projects have": {"GET /erp/projects": 1},
    "Which project was that": {"GET /erp/projects": 1, "GET /api/v2/projects": 1},
    "How the projects stand": {},
    "Who owes what, and for how long": {},
    "Work that nobody has billed yet": {},
    "Who owns what": {},
    "Seven types": {
        "GET /services/accounts": 1,
        "GET /services/opportunities": 1,
        "GET /services/statements-of-work": 1,
        "GET /api/v2/projects": 1,
        "GET /v1/employees": 1,
        "GET /erp/projects": 1,
        "GET /v1/invoices": 1,
        "GET /erp/ar-invoices": 2,
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def play(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Play]:
    """Nothing is left to apply, so the intake reads no record back while calls are counted."""
    async with staged_once(tmp_path_factory.mktemp("queries")) as firm:
        yield firm.play


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("title", "query"), [*QUERIES, *GUIDED, ("Seven types", SEVEN_TYPES)])
async def test_a_documented_query_costs_what_is_pinned(play: Play, title: str, query: str) -> None:
    """One batched call per system and level, however many objects there are."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        for url in play.stage.urls.values():
            await http.delete(f"{url}/_calls")
        body = (await http.post(f"{play.url}/graphql", json={"query": query})).json()
        assert "errors" not in body, body["errors"]
        calls: dict[str, int] = {}
        for url in play.stage.urls.values():
            calls |= (await http.get(f"{url}/_calls")).json()["by_route"]
    assert calls == CALLS[title]
