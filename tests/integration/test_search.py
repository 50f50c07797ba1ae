"""Search: by number, code, name or e-mail address, over all types at once."""

from __future__ import annotations

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
from sync.store.projection_tables import table_for

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
CLIENTS = ("Acme", "Acme Holding", "The Acme Group", "100% Sure", "Zoë & Söhne")


@pytest.fixture
async def firm(pool: asyncpg.Pool, met_firm: GraphFirm) -> GraphFirm:
    """Clients, projects, an invoice and a person in the projection; three clients are live too."""
    for n, name in enumerate(CLIENTS, start=1):
        key = f"ACC-{n:05d}"
        await project(
            pool, Client, mint("cli", "crm", key), System.CRM, key, as_of=AS_OF, name=name
        )
    for n, code in ((1, "ACME"), (2, "P-002")):
        key = f"P-00{n}"
        await project(
            pool, Project, mint("prj", "erp", key), System.ERP, key, as_of=AS_OF, code=code,
            name="Acme" if n == 2 else "Audit",
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
        " { node { id } field matched } }",
        text=text,
    )
    return [(hit["field"], hit["matched"]) for hit in result["search"]]


async def test_equal_texts_come_first_then_starts_then_the_rest(firm: GraphFirm) -> None:
    """A code in other case equals; of equally good texts the shorter one is better."""
    hits = await found(firm, " acme ")
    assert sorted(hits[:3]) == [("code", "ACME"), ("name", "Acme"), ("name", "Acme")]
    assert [text for _, text in hits[3:]] == ["Acme Holding", "Ann Acmeson", "The Acme Group"]


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
        '{ search(text: "acme", types: [CLIENT, PROJECT]) { node { ... on Client { name }'
        " ... on Project { health } } matched } }"
    )
    nodes = [hit["node"] for hit in result.data["search"]]
    assert sorted(str(node) for node in nodes) == sorted(
        str(node)
        for node in (
            {"name": "Client 1"}, {"name": "Client 2"}, {"name": "Client 3"},
            {"health": "GREEN"}, {"health": "GREEN"},
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
    result: Any = await firm.run("query($t: String!) { search(text: $t) { field } }", t=text)
    (error,) = result.errors
    assert error.extensions["code"] == "BAD_USER_INPUT"
    assert "earch for" in error.message


async def test_starts_are_found_through_an_index(firm: GraphFirm) -> None:
    """Every searched column has an index that serves `lower(...) LIKE 'start%'`."""
    async with firm.pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        for entity in ENTITIES:
            for field in searched_fields(entity):
                table = table_for(entity)
                plan = await connection.fetch(
                    f"EXPLAIN SELECT id FROM {table.fullname} WHERE lower({field}) LIKE 'ac%'"
                )
                assert f"{table.name}_{field}_search" in "\n".join(row[0] for row in plan), field
