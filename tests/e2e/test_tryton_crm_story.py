"""A sale's life over a real Tryton as the CRM: offered, signed, amended, and told to all."""

from __future__ import annotations

import io
from contextlib import closing
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console
from support.staged import DEADLINE_S, Staged, firm_on_tryton
from support.targets import until

from hub.doctor import examine

pytestmark = [pytest.mark.tryton, pytest.mark.asyncio(loop_scope="module")]
firm = firm_on_tryton("crm")
FIRST = """
{ clients(first: 1) { nodes { id segment } } legalEntities(first: 1) { nodes { id code } }
  sows(first: 1, filter: {status: [DRAFT]}) { nodes { id } } }
"""
RATES = "{ rateCards(first: 1) { nodes { id } } }"
CREATE = """
mutation ($client: ID!, $entity: ID!, $key: String!) {
  createEngagement(idempotencyKey: $key, input: {clientId: $client, legalEntityId: $entity,
      name: "Ledger migration", expectedValue: {amount: "125000.00", currency: "EUR"}}) {
    ... on EngagementWritten { engagement { id name stage expectedValue { amount } } }
    ... on Refused { code message } } }
"""
MOVE = """
mutation ($id: ID!, $key: String!) {
  %s(id: $id, %s idempotencyKey: $key) {
    ... on %sWritten { %s { status } } ... on Refused { code message }
    ... on ActionNotAllowed { availableActions { action } } } }
"""
SUBMIT = MOVE % ("submitSow", "", "Sow", "sow")
APPROVE = MOVE % ("approveSow", 'by: "ann@firm.example",', "Sow", "sow")
AMEND = MOVE % ("approveAmendment", 'by: "ann@firm.example",', "Amendment", "amendment")
PROJECTED = """
query ($id: ID!) { sow(id: $id, read: {mode: PROJECTED}) {
    status cap { amount } version engagement { stage } amendments(first: 5) { nodes { id status } }
    _meta { source recordKey } } }
"""


async def test_an_engagement_is_created_once_and_copied(firm: Staged) -> None:
    """The same key twice is one opportunity in Tryton, which the PSA hears of."""
    data = await firm.ask(FIRST)
    [client], [entity] = data["clients"]["nodes"], data["legalEntities"]["nodes"]
    key = f"story-{uuid4()}"
    given = {"client": client["id"], "entity": entity["id"], "key": key}
    made = (await firm.ask(CREATE, **given))["createEngagement"]
    assert (await firm.ask(CREATE, **given))["createEngagement"] == made
    assert made["engagement"]["stage"] == "QUALIFYING"
    with closing(firm.tryton("crm").log_in_clerk()) as clerk:
        named = [("description", "=", "Ledger migration")]
        [held] = clerk.read("sale.opportunity", named, "number")

    async def is_copied() -> bool:
        asked = {"filter[crm_opportunity_id]": held["number"]}
        return [
            (row["title"], row["planned_amount"])
            for row in await firm.rows("psa", "/api/v2/engagements", **asked)
        ] == [("Ledger migration", "125000.00")]

    await until(is_copied, seconds=DEADLINE_S)


async def test_a_contract_is_signed_and_amended_and_everyone_hears(firm: Staged) -> None:
    """What Tryton makes of it arrives from its log: in the projection, and in two replicas."""
    [offered] = (await firm.ask(FIRST))["sows"]["nodes"]
    sow = offered["id"]
    for step in (SUBMIT, APPROVE):
        await firm.ask(step, id=sow, key=f"story-{uuid4()}")
    signed = await _until_projected(firm, sow, status="ACTIVE")
    assert signed["engagement"]["stage"] == "WON"
    [key] = [part["recordKey"] for part in signed["_meta"]]

    cap = Decimal(signed["cap"]["amount"]) + 5000
    _draft_amendment(firm, key, cap)

    async def is_known() -> bool:
        seen = await _projected(firm, sow)
        return [one["status"] for one in seen["amendments"]["nodes"]] == ["DRAFT"]

    await until(is_known, seconds=DEADLINE_S)
    [amendment] = (await _projected(firm, sow))["amendments"]["nodes"]
    await firm.ask(AMEND, id=amendment["id"], key=f"story-{uuid4()}")
    amended = await _until_projected(firm, sow, cap={"amount": str(cap)})
    assert amended["version"] == signed["version"] + 1
    copies = {
        "psa": ("/api/v2/contracts", "filter[crm_contract_id]", "limit_amount"),
        "billing": ("/v1/contracts", "crm_contract[]", "cap_amount"),
    }
    for system, (path, column, worth) in copies.items():

        async def has_arrived(
            system: str = system, path: str = path, column: str = column, worth: str = worth
        ) -> bool:
            [row] = await firm.rows(system, path, **{column: key})
            return Decimal(row[worth]) == cap

        await until(has_arrived, seconds=DEADLINE_S)
    told = await firm.ask(AMEND, id=amendment["id"], key=f"story-{uuid4()}")
    assert told["approveAmendment"]["code"] == "TRANSITION_NOT_ALLOWED"


async def test_the_doctor_says_what_tryton_holds_as_the_crm(firm: Staged) -> None:
    """Types that it is to hold and does not are marked."""
    page = io.StringIO()
    assert await examine(firm.play.stage.settings, Console(file=page, width=200)), page.getvalue()
    rows = [[c.strip() for c in line.split("│")[1:-1]] for line in page.getvalue().splitlines()]
    cells = {row[0]: row[1] for row in rows if len(row) > 1}
    assert {name: cells[name] for name in ("Client", "Engagement", "Sow", "Amendment")} == {
        "Client": "ocwt",
        "Engagement": "ow+t",
        "Sow": "owat",
        "Amendment": "owat",
    }
    assert {cells[name] for name in ("RateCard", "Milestone", "Retainer", "Invoice")} == {"-"}


async def test_what_tryton_does_not_hold_is_named(firm: Staged) -> None:
    """A list of rate cards says that the CRM is not connected for them."""
    [error] = (await firm.answer(RATES))["errors"]
    assert "CRM is not connected for RateCard" in error["message"]


def _draft_amendment(firm: Staged, number: str, cap: Decimal) -> None:
    """A person draws it up in Tryton."""
    with closing(firm.tryton("crm").log_in_clerk()) as clerk:
        of_sale = [("sale.number", "=", number)]
        [line] = clerk.read("sale.line", of_sale, "sale", "product", "unit")
        sale = line.pop("sale")
        price = {"line": line.pop("id"), "action": "line", "quantity": 1.0, "unit_price": cap}
        price |= line
        values = {"sale": sale, "description": "More", "lines": [["create", [price]]]}
        clerk.create("sale.amendment", values)


async def _projected(firm: Staged, sow: str) -> dict[str, Any]:
    found: dict[str, Any] = (await firm.ask(PROJECTED, id=sow))["sow"]
    assert {part["source"] for part in found["_meta"]} == {"PROJECTION"}
    return found


async def _until_projected(firm: Staged, sow: str, **wanted: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def has_arrived() -> bool:
        seen.update(await _projected(firm, sow))
        return {name: seen[name] for name in wanted} == wanted

    await until(has_arrived, seconds=DEADLINE_S)
    return seen
