"""Lists that span systems: cut in the projection, read from the owners."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm, codes
from support.projecting import project

from schema.canon import PaymentStatus, Project, TimeEntry
from schema.ids import mint
from schema.system import System
from sync.ordering import Mark, Order, seal_mark
from sync.token import WriteToken, seal_token

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
CLIENT = mint("cli", "crm", "ACC-00001")
HEALTH = ("green", "red", None, "amber", "green", "red")
BUDGETS = (("EUR", 300), ("EUR", 100), ("USD", 50), ("EUR", None), ("USD", 900), ("EUR", 200))


def project_id(n: int) -> str:
    return mint("prj", "erp", f"P-{n:03d}")


def entry_id(n: int) -> str:
    return mint("tim", "psa", str(n))


@pytest.fixture
async def firm(pool: asyncpg.Pool, met_firm: GraphFirm) -> GraphFirm:
    """Six projects and thirty time entries that their owners and the projection know."""
    for n, (health, (currency, budget)) in enumerate(zip(HEALTH, BUDGETS, strict=True), start=1):
        money: dict[str, Any] = {"budget_amount": budget and Decimal(budget)}
        await project(
            pool, Project, project_id(n), System.ERP, f"P-{n:03d}", as_of=AS_OF,
            code=f"P-{n:03d}", name=f"{'aBcDeF'[n - 1]} project", status="active",
            client_id=mint("cli", "crm", f"ACC-{(n - 1) % 3 + 1:05d}"),
            budget_currency=currency if budget else None, **money,
        )  # fmt: skip
        await project(
            pool, Project, project_id(n), System.PSA, str(100 + n), as_of=AS_OF, health=health
        )
    for n in range(1, 31):
        await project(
            pool, TimeEntry, entry_id(n), System.PSA, str(n), as_of=AS_OF,
            project_id=project_id(n % 6 + 1), work_date=date(2026, 1, n), note=f"Kept {n}",
        )  # fmt: skip
    return met_firm


async def listed(firm: GraphFirm, arguments: str) -> list[int]:
    found = await firm.ask(f"{{ projects({arguments}) {{ nodes {{ code }} }} }}")
    return [int(node["code"][2:]) for node in found["projects"]["nodes"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("filter: {health: [RED]}", [2, 6]),
        ("filter: {health: [RED, AMBER], status: [ACTIVE]}, first: 2", [2, 4]),
        ("filter: {health: [RED, AMBER]}, last: 2", [4, 6]),
        ("orderBy: {field: CODE, direction: DESC}", [6, 5, 4, 3, 2, 1]),
        ("orderBy: {field: NAME}", [1, 2, 3, 4, 5, 6]),
        ("orderBy: {field: BUDGET}", [2, 6, 1, 3, 5, 4]),
        ("orderBy: {field: BUDGET, direction: DESC}", [1, 6, 2, 5, 3, 4]),
        ("orderBy: {field: BUDGET, direction: DESC}, last: 2", [3, 4]),
        ("orderBy: {field: CODE, direction: DESC}, filter: {health: [GREEN]}", [5, 1]),
    ],
)
async def test_lists_across_systems_hold_the_right_records_in_order(
    firm: GraphFirm, arguments: str, expected: list[int]
) -> None:
    """By a guest's field, by text, by amounts within their currency; the unknown come last."""
    assert await listed(firm, arguments) == expected


async def test_words_are_ordered_as_declared(firm: GraphFirm) -> None:
    """GREEN, AMBER, RED is the declaration's order, not the alphabet's."""
    found = await listed(firm, "orderBy: {field: HEALTH}")
    assert [HEALTH[n - 1] for n in found] == ["green", "green", "amber", "red", "red", None]


@pytest.mark.parametrize("field", ["BUDGET", "HEALTH", "NAME", "STARTS_ON"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_of_an_ordered_list_have_no_gap_and_no_repeat(
    firm: GraphFirm, field: str, direction: str
) -> None:
    """Forwards and backwards, over ties and unknown values, pages add up to the whole list."""
    order = f"orderBy: {{field: {field}, direction: {direction}}}"
    whole = await listed(firm, order)
    for size, cursor, flag, more in (
        ("first", "after", "endCursor", "hasNextPage"),
        ("last", "before", "startCursor", "hasPreviousPage"),
    ):
        query = (
            f"query($at: String) {{ projects({size}: 2, {cursor}: $at, {order})"
            f" {{ nodes {{ code }} pageInfo {{ {flag} {more} }} }} }}"
        )
        seen: list[list[int]] = []
        at, goes_on = None, True
        while goes_on:
            page = (await firm.ask(query, at=at))["projects"]
            seen.append([int(node["code"][2:]) for node in page["nodes"]])
            at, goes_on = page["pageInfo"][flag], page["pageInfo"][more]
        pages = seen if size == "first" else seen[::-1]
        assert [n for page in pages for n in page] == whole


async def test_a_cut_list_is_read_from_its_owners_and_says_who_decided_it(firm: GraphFirm) -> None:
    """The parts come live, one call per owner; provenance marks what decided the list."""
    result = await firm.run(
        "{ projects(filter: {health: [RED]}, orderBy: {field: CODE}) {"
        " nodes { name health _meta { owner source } } } }"
    )
    nodes = result.data["projects"]["nodes"]
    assert [node["name"] for node in nodes] == ["Project 2", "Project 6"]
    assert [node["health"] for node in nodes] == ["GREEN", "GREEN"]  # what PSA says now
    assert {part["source"] for node in nodes for part in node["_meta"]} == {"OWNER"}
    assert firm.calls() == {"erp": 1, "psa": 1}
    decided = [line for line in result.extensions["provenance"] if "decided" in line]
    assert [(line["owner"], line["source"], line["asOf"]) for line in decided] == [
        ("ERP", "PROJECTION", "2026-03-01T00:00:00Z"),
        ("PSA", "PROJECTION", "2026-03-01T00:00:00Z"),
    ]


async def test_a_list_the_anchor_can_cut_is_left_to_it(firm: GraphFirm) -> None:
    """Filters of the anchor's own fields, in its own order, are pushed down as ever."""
    result = await firm.run("{ projects(filter: {status: [ACTIVE]}) { nodes { code } } }")
    assert len(result.data["projects"]["nodes"]) == 6
    assert firm.erp.queries[-1].where
    assert not any("decided" in line for line in result.extensions["provenance"])


async def test_a_word_its_owner_only_derives_is_looked_up_in_the_projection(
    firm: GraphFirm,
) -> None:
    """ERP says POSTED where the graph says OPEN: it is not asked for a word it does not have."""
    await firm.ask("{ paymentStatuses { nodes { id } } }")
    for n in range(8, 13):
        await project(
            firm.pool, PaymentStatus, mint("pay", "erp", str(n)), System.ERP, str(n), as_of=AS_OF,
            status="open" if n % 2 else "paid",
        )  # fmt: skip
    found = await firm.ask("{ paymentStatuses(filter: {status: [OPEN]}) { nodes { id status } } }")
    assert found["paymentStatuses"]["nodes"] == [
        {"id": mint("pay", "erp", str(n)), "status": "OPEN"} for n in (9, 11)
    ]


async def test_a_projected_list_calls_nobody(firm: GraphFirm) -> None:
    """PROJECTED cuts and reads in the projection alone."""
    assert await listed(firm, "filter: {health: [RED]}, read: {mode: PROJECTED}") == [2, 6]
    assert await listed(firm, "orderBy: {field: NAME}, read: {mode: PROJECTED}") == [*range(1, 7)]
    assert firm.calls() == {}


async def test_a_record_its_anchor_has_dropped_leaves_the_page(firm: GraphFirm) -> None:
    """The projection still lists it; the owner's word counts."""
    firm.erp.rows["projects"].pop(1)
    assert await listed(firm, "filter: {health: [RED]}") == [6]


async def test_a_page_whose_records_are_all_gone_leads_on(firm: GraphFirm) -> None:
    """Its only record was dropped by its anchor; the next page begins behind its place."""
    page = """query ($after: String) { projects(filter: {health: [RED]}, first: 1, after: $after) {
      nodes { code } pageInfo { hasNextPage endCursor } } }"""
    firm.erp.rows["projects"].pop(1)
    first = (await firm.ask(page))["projects"]
    assert (first["nodes"], first["pageInfo"]["hasNextPage"]) == ([], True)
    second = (await firm.ask(page, after=first["pageInfo"]["endCursor"]))["projects"]
    assert len(second["nodes"]) == 1


async def test_a_projection_that_holds_nothing_yet_claims_nothing(met_firm: GraphFirm) -> None:
    """The owner has clients, the projection none: no empty list, but an error to retry."""
    result = await met_firm.run("{ clients(orderBy: {field: NAME}) { nodes { id } } }")
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]
    assert result.errors[0].extensions["retryable"] is True
    met_firm.crm.rows["accounts"].clear()
    found = await met_firm.ask("{ clients(orderBy: {field: NAME}) { nodes { id } } }")
    assert found["clients"]["nodes"] == []


async def test_after_is_kept_by_lists_of_the_type_that_was_written(
    firm: GraphFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut that cannot show the write yet is an error to retry; once it shows, it answers."""
    monkeypatch.setattr("sync.reading._TOKEN_WAIT", timedelta(milliseconds=60))
    token = seal_token(
        WriteToken(entity=Project, record_id=project_id(1), system=System.ERP, version=2)
    )
    arguments = f'orderBy: {{field: CODE}}, read: {{after: "{token}"}}'
    result = await firm.run(f"{{ projects({arguments}) {{ nodes {{ code }} }} }}")
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]
    await project(
        firm.pool, Project, project_id(1), System.ERP, "P-001", as_of=AS_OF, version=2, code="P-009"
    )
    assert await listed(firm, arguments) == [2, 3, 4, 5, 6, 9]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ('projects(orderBy: {field: NAME}, after: "?")', "not a cursor"),
        ("projects(orderBy: {field: NAME}, first: 0)", "between 1 and 100"),
    ],
)
async def test_bad_pages_of_ordered_lists_are_told_what_is_wrong(
    firm: GraphFirm, query: str, words: str
) -> None:
    """One coded error; nobody is called."""
    result = await firm.run(f"{{ {query} {{ nodes {{ id }} }} }}")
    assert codes(result) == ["BAD_USER_INPUT"]
    assert words in result.errors[0].message
    assert firm.calls() == {}


async def test_a_cursor_is_good_for_its_own_order_only(firm: GraphFirm) -> None:
    """A cursor of another order, of a plain list, or with values made up is refused."""
    page = "{ pageInfo { endCursor } }"
    plain = await firm.ask(f"{{ projects(first: 1) {page} }}")
    by_name = await firm.ask(f"{{ projects(first: 1, orderBy: {{field: NAME}}) {page} }}")
    bad_date = seal_mark(Mark(values=("?",), id="x"), Order(field="starts_on"))
    for found, order in ((plain, "NAME"), (by_name, "CODE"), (bad_date, "STARTS_ON")):
        cursor = found if isinstance(found, str) else found["projects"]["pageInfo"]["endCursor"]
        result = await firm.run(
            f'{{ projects(orderBy: {{field: {order}}}, after: "{cursor}") {{ nodes {{ id }} }} }}'
        )
        assert codes(result) == ["BAD_USER_INPUT"], order
