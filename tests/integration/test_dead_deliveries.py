"""A copy that its target refused: sent again as the record is by then, or given up, with a name."""

from __future__ import annotations

import pytest
from support.graph import GraphFirm

from schema.errors import Invalid, NotFound
from sync.dead_deliveries import DeadDeliveries
from sync.signed import Signed

ANN = Signed(by="ann@firm.example", why="The PSA knows the client now.")
BURIED = """
INSERT INTO delivery (target, entity, record_id, fields, state, cause, caused_at, attempts,
                      last_error, settled_at)
VALUES ($1, 'client', $2, $3, 'dead', 'crm/0@1', now(), 9, 'no such client', now()) RETURNING id
"""
PENDING = """
INSERT INTO delivery (target, entity, record_id, fields, cause, caused_at)
VALUES ('psa', 'client', 'cli_1', '{segment}', 'crm/0@2', now())
"""
ROWS = "SELECT target, record_id, fields, attempts, handled_by FROM delivery WHERE state = $1"
LISTED = """
query ($filter: DeadDeliveryFilter) { operations { deadDeliveries(filter: $filter) {
  nodes { id target type recordId fields why attempts } } } }
"""
RETRY = """
mutation ($ids: [ID!]!) { retryDeadDeliveries(ids: $ids, by: "ann", why: "mended") { count } }
"""


async def test_what_is_sent_again_is_united_with_what_is_owed(firm: GraphFirm) -> None:
    """Two dead ones and a pending one of a record become one; who did it is kept."""
    dead = DeadDeliveries(firm.pool)
    await firm.pool.execute(PENDING)
    first = await firm.pool.fetchval(BURIED, "psa", "cli_1", ["name"])
    second = await firm.pool.fetchval(BURIED, "psa", "cli_1", ["language"])
    other = await firm.pool.fetchval(BURIED, "erp", "cli_1", ["name"])
    assert [one.id for one in await dead.page()] == [first, second, other]
    assert (await dead.one(first)).last_error == "no such client"
    assert await dead.retry([], ANN, "psa") == 2
    [owed] = await firm.pool.fetch(ROWS, "pending")
    assert sorted(owed["fields"]) == ["language", "name", "segment"]
    assert (owed["target"], owed["attempts"], owed["handled_by"]) == ("psa", 0, ANN.by)
    assert [one.id for one in await dead.page()] == [other]


async def test_what_is_given_up_is_kept_with_a_name(firm: GraphFirm) -> None:
    dead = DeadDeliveries(firm.pool)
    number = await firm.pool.fetchval(BURIED, "psa", "cli_1", ["name"])
    assert await dead.discard([number], ANN) == 1
    [row] = await firm.pool.fetch(ROWS, "discarded")
    assert row["handled_by"] == ANN.by
    with pytest.raises(NotFound):
        await dead.retry([number], ANN)
    with pytest.raises(NotFound):
        await dead.discard([], ANN)
    with pytest.raises(Invalid):
        Signed(by=" ", why="x")


async def test_the_graph_lists_and_sends_them_again(firm: GraphFirm) -> None:
    """In the graph's own words; no ids mean none."""
    number = str(await firm.pool.fetchval(BURIED, "psa", "cli_1", ["payment_terms_days"]))
    told = (await firm.ask(LISTED))["operations"]["deadDeliveries"]["nodes"]
    assert told == [
        {
            "id": number,
            "target": "PSA",
            "type": "Client",
            "recordId": "cli_1",
            "fields": ["paymentTermsDays"],
            "why": "no such client",
            "attempts": 9,
        }
    ]
    for targets, found in ((["ERP"], []), (["ERP", "PSA"], [number])):
        there = await firm.ask(LISTED, filter={"target": targets})
        assert [one["id"] for one in there["operations"]["deadDeliveries"]["nodes"]] == found
    refused = await firm.run(RETRY, ids=[])
    assert refused.errors[0].extensions["code"] == "BAD_USER_INPUT"
    assert await firm.ask(RETRY, ids=[number]) == {"retryDeadDeliveries": {"count": 1}}
    assert (await firm.ask(LISTED))["operations"]["deadDeliveries"]["nodes"] == []
