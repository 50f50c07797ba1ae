"""Operations in the graph: what lags and waits, and dead letters to their end."""

from __future__ import annotations

import asyncpg
import pytest
from support.envelopes import record
from support.graph import GraphFirm
from support.intaking import ACCOUNTS, Desk

from schema.position import Position, Topic

LISTED = """
query ($first: Int, $after: String, $filter: DeadLetterFilter) { operations {
  deadLetters(first: $first, after: $after, filter: $filter) {
    nodes { id topic state class reason value }
    pageInfo { hasNextPage endCursor } }
  parkedTopics { topic reason } waiting { topic records }
  tables { topic captureMs queueMs applyMs } captures { system heldBytes }
  copies { target pending } } }
"""
RETRY = """
mutation ($ids: [ID!]!) { retryDeadLetters(ids: $ids, by: "ann", why: "mended") {
  applied stillDead } }
"""
DISCARD = """
mutation ($ids: [ID!]!) { discardDeadLetters(ids: $ids, by: "ann", why: "a test record") {
  applied stillDead } }
"""
RESUME = """
mutation ($topic: String!) { resumeTopic(topic: $topic, by: "ann", why: "mended") { topic } }
"""


class Run(GraphFirm):
    """The graph, and an intake that makes dead letters."""

    async def go_wrong(self) -> None:
        desk = Desk(self.pool)
        await desk.take(desk.account("Zeta", "c", lsn=50))
        first, second = desk.account("?"), desk.account("Acme", lsn=200)
        garbled = record(ACCOUNTS, {"id": "ACC-00001"}, b"{", offset=first.position.offset)
        await desk.take(garbled, second)
        position = Position(topic=Topic("erp.public.customers"), partition=0, offset=3)
        await desk.intake.parked_topics.park(position, "no column crm_account")


@pytest.fixture
def run(pool: asyncpg.Pool) -> Run:
    return Run(pool)


async def test_what_is_stuck_is_listed_page_by_page(run: Run) -> None:
    """Dead letters with their bytes, the parked topic, and the way of the last applied record."""
    await run.go_wrong()
    told = (await run.ask(LISTED, first=1))["operations"]
    page = told["deadLetters"]
    [head] = page["nodes"]
    assert (head["state"], head["class"], head["reason"]) == ("OPEN", "POISON", "bad_json")
    assert head["value"] == "ew=="
    assert page["pageInfo"]["hasNextPage"]
    following = await run.ask(LISTED, first=1, after=page["pageInfo"]["endCursor"])
    [waiting] = following["operations"]["deadLetters"]["nodes"]
    assert waiting["state"] == "WAITING"
    assert told["parkedTopics"] == [
        {"topic": "erp.public.customers", "reason": "no column crm_account"}
    ]
    [table] = told["tables"]
    assert table["topic"] == ACCOUNTS
    assert table["applyMs"] == table["captureMs"] + table["queueMs"]


async def test_systems_and_states_are_told_in_the_words_of_the_graph(run: Run) -> None:
    """A capture and a receiver by the system's name; letters of the states that are asked for."""
    await run.go_wrong()
    await run.services.operations.lags.see("crm", is_caught_up=True, held_bytes=7)
    told = (await run.ask(LISTED, filter={"state": ["WAITING"]}))["operations"]
    assert [letter["state"] for letter in told["deadLetters"]["nodes"]] == ["WAITING"]
    assert told["captures"] == [{"system": "CRM", "heldBytes": 7}]
    assert {copy["target"] for copy in told["copies"]} == {"BILLING", "ERP", "PSA"}


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        ({"topic": [ACCOUNTS, "erp.public.customers"], "class": ["POISON", "BUSINESS"]}, 1),
        ({"reason": ["bad_value", "bad_json"]}, 1),
        ({"class": ["CONTRACT_BREAK"]}, 0),
        ({"topic": ["erp.public.customers"]}, 0),
        ({"reason": []}, 0),
    ],
)
async def test_letters_are_narrowed_by_lists(
    run: Run, narrowed: dict[str, list[str]], found: int
) -> None:
    """A list means any of its values, as in every other filter; all conditions must hold."""
    await run.go_wrong()
    told = (await run.ask(LISTED, filter={"state": ["OPEN"], **narrowed}))["operations"]
    assert len(told["deadLetters"]["nodes"]) == found


async def test_letters_are_tried_and_given_up_with_a_name(run: Run) -> None:
    """In vain, then for good; a letter that is settled or a strange id is refused."""
    await run.go_wrong()
    page = (await run.ask(LISTED, first=1))["operations"]["deadLetters"]
    [head] = page["nodes"]
    tried = await run.ask(RETRY, ids=[head["id"]])
    assert tried["retryDeadLetters"] == {"applied": 0, "stillDead": [head["id"]]}
    refused = await run.run(RETRY, ids=["abc"])
    assert refused.errors[0].extensions["code"] == "BAD_USER_INPUT"
    gone = await run.run(DISCARD, ids=[head["id"]])
    assert gone.data is not None
    again = await run.run(DISCARD, ids=[head["id"]])
    assert again.errors[0].extensions["code"] == "NOT_FOUND"
    assert await run.ask(RESUME, topic="erp.public.customers") == {
        "resumeTopic": {"topic": "erp.public.customers"}
    }
