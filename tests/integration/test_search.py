"""Search: by number, code, name or e-mail address, over all types at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm
from support.projecting import project

from schema.canon import ENTITIES, Client, Project
from schema.entities.invoice import Invoice
from schema.entities.resource import Resource
from schema.ids import mint
from schema.listing import searched_fields
from schema.system import System
from sync.opaque import seal
from sync.read.search import search_sql
from sync.store.projection_tables import table_for

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
PAGE = """
query($text: String!, $size: Int!, $after: String) {
  search(text: $text, first: $size, after: $after, read: {mode: PROJECTED}) {
    edges { cursor node { record { id } matched } }
    pageInfo { hasNextPage hasPreviousPage endCursor } } }
"""
CLIENTS = ("Acme", "Acme Holding", "The Acme Group", "100% Sure", "Zoë & Söhne")


@pytest.fixture
async def firm(pool: asyncpg.Pool, met_firm: GraphFirm) -> GraphFirm:
    """Clients, projects, an invoice and a person in the projection; three clients are live too."""
    for n, name in enumerate(CLIENTS, start=1):
        key = f"ACC-{n:05d}"
        await project(
            pool, Client, mint("cli", "crm", key), System.CRM, key, as_of=AS_OF, name=name
        )
    for n, code, name in ((1, "ACME", "Audit"), (2, "P-002", "Acme"), (3, "ACME-3", "Acme Tax")):
        key = f"P-00{n}"
        await project(
            pool, Project, mint("prj", "erp", key), System.ERP, key, as_of=AS_OF, code=code,
            name=name,
        )  # fmt: skip
    invoice = mint("inv", "billing", "1")
    await project(pool, Invoice, invoice, System.BILLING, "1", as_of=AS_OF)
    await project(pool, Invoice, invoice, System.ERP, "9", as_of=AS_OF, number="NL-2026-0042")
    await project(
        pool, Resource, mint("res", "hr", "1"), System.HR, "1", as_of=AS_OF, name="Ann Acmeson",
        email="ann@firm.example",
    )  # fmt: skip
    return met_firm


async def found(firm: GraphFirm, text: str, more: str = "") -> list[tuple[str, str]]:
    """(field, text) of the hits, read from the projection."""
    result = await firm.ask(
        f"query($text: String!) {{ search(text: $text, read: {{mode: PROJECTED}}{more})"
        " { nodes { record { id } field matched } } }",
        text=text,
    )
    return [(hit["field"], hit["matched"]) for hit in result["search"]["nodes"]]


async def walked(firm: GraphFirm, text: str, size: int) -> AsyncIterator[list[str]]:
    """What each page matched, one after the other, until there is no next one."""
    after, has_next = None, True
    while has_next:
        told = await firm.ask(PAGE, text=text, size=size, after=after)
        page = told["search"]["pageInfo"]
        assert page["hasPreviousPage"] is (after is not None)
        yield [
            f"{one['node']['record']['id']} {one['node']['matched']}"
            for one in told["search"]["edges"]
        ]
        after, has_next = page["endCursor"], page["hasNextPage"]


async def test_equal_texts_come_first_then_starts_then_the_rest(firm: GraphFirm) -> None:
    """A code in other case equals; of equally good texts the shorter one is better."""
    hits = await found(firm, " acme ")
    assert sorted(hits[:3]) == [("code", "ACME"), ("name", "Acme"), ("name", "Acme")]
    assert [text for _, text in hits[3:]] == [
        *("ACME-3", "Acme Holding"),
        *("Ann Acmeson", "The Acme Group"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_pages_go_on_where_the_last_one_ended(firm: GraphFirm, size: int) -> None:
    """Every record once, in one order, across the borders of equal, starting and containing."""
    [everything] = [page async for page in walked(firm, "acme", 20)]
    assert len(everything) == 7
    pages = [page async for page in walked(firm, "acme", size)]
    assert [hit for page in pages for hit in page] == everything
    assert [len(page) for page in pages[:-1]] == [size] * (len(pages) - 1)


async def test_a_page_is_not_moved_by_what_comes_before_it(firm: GraphFirm) -> None:
    """A better match that arrives between two pages is not on the second, nor pushes one there."""
    pages = walked(firm, "acme", 4)
    first = await anext(pages)
    late = mint("cli", "crm", "ACC-9")
    await project(firm.pool, Client, late, System.CRM, "ACC-9", as_of=AS_OF, name="ACME")
    second = await anext(pages)
    assert len({*first, *second}) == 7
    assert not any(late in hit for hit in second)


async def test_a_cursor_is_good_for_its_own_search(firm: GraphFirm) -> None:
    """Another text has other ranks; what nobody sealed so is refused as well."""
    told = await firm.ask(PAGE, text="acme", size=1, after=None)
    cursor = told["search"]["pageInfo"]["endCursor"]
    assert await firm.ask(PAGE, text=" acme ", size=1, after=cursor)
    made_up = seal({"v": 3, "q": "acme", "r": 2**40, "n": 1, "t": "a", "i": "cli_1"})
    for text, after in (("acm", cursor), ("acme", made_up), ("acme", "x")):
        result = await firm.run(PAGE, text=text, size=1, after=after)
        (error,) = result.errors
        assert error.extensions["code"] == "BAD_USER_INPUT"
        assert "cursor" in error.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nl-2026-0042", [("number", "NL-2026-0042")]),
        ("0042", [("number", "NL-2026-0042")]),
        ("ann@", [("email", "ann@firm.example")]),
        ("0%", [("name", "100% Sure")]),
        ("__", []),
        ("\\%", []),
        ("SÖHNE", [("name", "Zoë & Söhne")]),
    ],
)
async def test_what_people_type_is_found_literally(
    firm: GraphFirm, text: str, expected: list[tuple[str, str]]
) -> None:
    """By number, part of it, address; the signs of a pattern mean themselves."""
    assert await found(firm, text) == expected


async def test_types_and_size_narrow_the_search(firm: GraphFirm) -> None:
    """Only the types asked for, and no more than asked."""
    assert await found(firm, "acme", ", types: [RESOURCE]") == [("name", "Ann Acmeson")]
    assert len(await found(firm, "acme", ", first: 2")) == 2
    assert await found(firm, "acme", ", types: []") == []


async def test_what_is_found_is_read_from_its_owner(firm: GraphFirm) -> None:
    """The hit is the projection's, the record is live; provenance tells both."""
    result = await firm.run(
        '{ search(text: "acme", types: [CLIENT, PROJECT]) { nodes { record { ... on Client { name }'
        " ... on Project { health } } matched } } }"
    )
    nodes = [hit["record"] for hit in result.data["search"]["nodes"]]
    assert sorted(str(node) for node in nodes) == sorted(
        str(node)
        for node in (
            {"name": "Client 1"}, {"name": "Client 2"}, {"name": "Client 3"},
            {"health": "GREEN"}, {"health": "GREEN"}, {"health": "GREEN"},
        )
    )  # fmt: skip
    assert firm.calls() == {"crm": 1, "psa": 1}
    lines = result.extensions["provenance"]
    assert {(line["type"], line.get("decided")) for line in lines} == {
        ("Client", "LIST"), ("Client", None), ("Project", "LIST"), ("Project", None),
    }  # fmt: skip


async def test_what_is_deleted_is_not_found(firm: GraphFirm) -> None:
    """A tombstone keeps its name, and nobody finds it."""
    await firm.pool.execute("UPDATE projection.client SET crm_deleted_at = now()")
    assert await found(firm, "acme", ", types: [CLIENT]") == []


@pytest.mark.parametrize("text", ["", "a", " a ", "x" * 101, "a\0b"])
async def test_a_text_that_means_nothing_is_refused(firm: GraphFirm, text: str) -> None:
    """Too short, too long or unprintable: one error that says what to type."""
    result: Any = await firm.run(
        "query($t: String!) { search(text: $t) { nodes { field } } }", t=text
    )
    (error,) = result.errors
    assert error.extensions["code"] == "BAD_USER_INPUT"
    assert "earch for" in error.message


async def test_starts_are_found_through_an_index(firm: GraphFirm) -> None:
    """Every searched column has one that serves the search itself, on any of its pages."""
    searched = [entity for entity in ENTITIES if searched_fields(entity)]
    async with firm.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        for place in ((None,) * 4, (1, 6, "acme-3", "prj_1")):
            sql = f"EXPLAIN {search_sql(searched)}"
            plan = "\n".join(row[0] for row in await connection.fetch(sql, "ac", "ac%", 20, *place))
            for entity in searched:
                for field in searched_fields(entity):
                    assert f"{table_for(entity).name}_{field}_search" in plan, field
