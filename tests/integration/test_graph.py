"""The graph over real reading: batching, pages, partial answers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from support.graph import GraphFirm, codes
from support.projecting import project
from support.targets import MOMENT

from schema.canon import ENTITIES, Invoice
from schema.entity import owned_fields
from schema.errors import Unavailable
from schema.groups import GROUPS
from schema.ids import mint
from schema.system import System

CLIENT = mint("cli", "crm", "ACC-00001")
PROJECT = mint("prj", "erp", "P-001")
DOWN = Unavailable("ERP does not answer; try again later.", system=System.ERP)


async def test_each_owner_is_called_once_per_level(firm: GraphFirm) -> None:
    """Three clients with their projects and the projects' clients are three levels, not rows."""
    found = await firm.ask(
        "{ clients { nodes { name paymentTermsDays projects { nodes { code health"
        " client { name } } } } } }"
    )
    nodes = found["clients"]["nodes"]
    assert [len(node["projects"]["nodes"]) for node in nodes] == [2, 2, 2]
    assert nodes[0]["projects"]["nodes"][0] == {
        "code": "P-001",
        "health": "GREEN",
        "client": {"name": "Client 1"},
    }
    assert firm.calls() == {"crm": 2, "erp": 2, "psa": 1}


async def test_only_owners_of_selected_fields_are_called(firm: GraphFirm) -> None:
    """A field that is skipped, or in a fragment on another type, calls nobody."""
    query = """
        query($no: Boolean = false) {
          node(id: "%s") {
            id
            ... on Client { name ...Terms @include(if: $no) }
            ... on Project { health }
          }
        }
        fragment Terms on Client { paymentTermsDays }
    """
    found = await firm.ask(query % CLIENT)
    assert found["node"] == {"id": CLIENT, "name": "Client 1"}
    assert firm.calls() == {"crm": 1}


async def test_aliases_of_an_edge_share_one_read(firm: GraphFirm) -> None:
    """Two selections of the same edge are read together and answered apart."""
    found = await firm.ask(
        "query($id: ID!) { client(id: $id) { a: projects(first: 1) { nodes { code } }"
        " b: projects(last: 1) { nodes { code health } } } }",
        id=CLIENT,
    )
    assert found["client"] == {
        "a": {"nodes": [{"code": "P-001"}]},
        "b": {"nodes": [{"code": "P-004", "health": "GREEN"}]},
    }
    assert firm.calls() == {"crm": 1, "erp": 1, "psa": 1}


async def test_aliases_of_a_root_share_one_read(firm: GraphFirm) -> None:
    """Two clients by id are one call."""
    other = mint("cli", "crm", "ACC-00002")
    found = await firm.ask(
        f'{{ a: client(id: "{CLIENT}") {{ name }} b: client(id: "{other}") {{ name }} }}'
    )
    assert found == {"a": {"name": "Client 1"}, "b": {"name": "Client 2"}}
    assert firm.calls() == {"crm": 1}


@pytest.mark.parametrize("field", ["clients", "client { projects }"])
async def test_pages_cover_a_list_without_gap_or_repeat(firm: GraphFirm, field: str) -> None:
    """Following endCursor, at a root and at an edge, ends with every object seen once."""
    is_edge = field != "clients"
    page = "nodes { id } edges { cursor node { id } } pageInfo { hasNextPage endCursor }"
    inner = f"first: 1, after: $after) {{ {page} }}"
    query = (
        f'query($after: String) {{ client(id: "{CLIENT}") {{ projects({inner} }} }}'
        if is_edge
        else f"query($after: String) {{ clients({inner} }}"
    )
    seen: list[str] = []
    after = None
    while True:
        found = await firm.ask(query, after=after)
        shown = found["client"]["projects"] if is_edge else found["clients"]
        seen += [node["id"] for node in shown["nodes"]]
        assert shown["edges"][-1]["cursor"] == shown["pageInfo"]["endCursor"]
        after = shown["pageInfo"]["endCursor"]
        if not shown["pageInfo"]["hasNextPage"]:
            break
    assert len(seen) == len(set(seen)) == (2 if is_edge else 3)


async def test_filters_reach_the_owner(firm: GraphFirm) -> None:
    """A filter is a condition of the owner's query, in the owner's words."""
    found = await firm.ask("{ clients(filter: {segment: [ENTERPRISE]}) { nodes { name } } }")
    assert found["clients"]["nodes"] == [{"name": "Client 2"}]
    (condition,) = firm.crm.queries[-1].where
    assert (condition.column, tuple(condition.value)) == ("segment", ("ENT",))


async def test_one_owner_down_is_one_error_and_the_rest_arrives(firm: GraphFirm) -> None:
    """Three rows lack ERP's part: one error that names it, at the root field."""
    firm.erp.fault = DOWN
    result = await firm.run("{ clients { nodes { name paymentTermsDays } } }")
    nodes = result.data["clients"]["nodes"]
    assert [node["name"] for node in nodes] == ["Client 1", "Client 2", "Client 3"]
    assert [node["paymentTermsDays"] for node in nodes] == [None] * 3
    (error,) = result.errors
    assert error.path == ["clients"]
    assert error.extensions == {
        "code": "UPSTREAM_UNAVAILABLE",
        "retryable": True,
        "system": "ERP",
        "affected": 3,
    }


async def test_nested_fields_inherit_the_read_policy(firm: GraphFirm) -> None:
    """A root that reads the projection has no owner called on any level."""
    await firm.ask(
        "{ clients(read: {mode: PROJECTED}) { nodes { name projects { nodes { health } } } } }"
    )
    assert firm.calls() == {}


async def test_an_edge_that_cannot_be_read_is_one_error(firm: GraphFirm) -> None:
    """Three parents get null for the edge, and the answer one error."""
    firm.erp.fault = DOWN
    result = await firm.run("{ clients { nodes { name projects { nodes { code } } } } }")
    assert [node["projects"] for node in result.data["clients"]["nodes"]] == [None] * 3
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]


async def test_a_root_that_cannot_be_read_is_null_with_its_error(firm: GraphFirm) -> None:
    """The anchor is down and the projection is empty: null, and a coded error with its path."""
    firm.crm.fault = Unavailable("CRM does not answer.", system=System.CRM)
    result = await firm.run(f'{{ client(id: "{CLIENT}") {{ name }} }}')
    assert result.data == {"client": None}
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]
    assert result.errors[0].path == ["client"]


async def test_provenance_is_selectable_and_summed_up(firm: GraphFirm) -> None:
    """`_meta` has one entry per owner asked, `extensions.provenance` one line per read."""
    query = f'{{ client(id: "{CLIENT}") {{ taxId name _meta {{ owner recordKey source }} }} }}'
    result = await firm.run(query)
    assert sorted(result.data["client"]["_meta"], key=lambda part: part["owner"]) == [
        {"owner": "CRM", "recordKey": "ACC-00001", "source": "OWNER"},
        {"owner": "ERP", "recordKey": "C10001", "source": "OWNER"},
    ]
    lines = result.extensions["provenance"]
    assert {(line["owner"], line["source"], line["records"]) for line in lines} == {
        ("CRM", "OWNER", 1),
        ("ERP", "OWNER", 1),
    }


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ('{ client(id: "x") { id } }', "BAD_USER_INPUT", "canonical id"),
        (f'{{ client(id: "{PROJECT}") {{ id }} }}', "BAD_USER_INPUT", "one of the Projects"),
        ("{ clients(first: 100000) { nodes { id } } }", "BAD_USER_INPUT", "between 1 and 100"),
        ("{ clients(last: 0) { nodes { id } } }", "BAD_USER_INPUT", "between 1 and 100"),
        ("{ clients(first: 1, last: 1) { nodes { id } } }", "BAD_USER_INPUT", "not both"),
        ('{ clients(after: "?") { nodes { id } } }', "BAD_USER_INPUT", "not a cursor"),
        ('{ clients(read: {after: "?"}) { nodes { id } } }', "BAD_USER_INPUT", "not a token"),
        (
            "{ clients(read: {mode: LIVE, maxAgeSeconds: 5}) { nodes { id } } }",
            "GRAPHQL_VALIDATION_FAILED",
            "exactly one",
        ),
        (
            '{ clients(filter: {nameContains: "\\u0000"}) { nodes { id } } }',
            "BAD_USER_INPUT",
            "NUL",
        ),
        (
            '{ invoices(filter: {issuedOn: {from: "2026-02-30"}}) { nodes { id } } }',
            "GRAPHQL_VALIDATION_FAILED",
            "2026-02-30",
        ),
        ("{ nope }", "GRAPHQL_VALIDATION_FAILED", "nope"),
        ("{ clients", "GRAPHQL_PARSE_FAILED", "Syntax Error"),
        ("{" * 3000, "GRAPHQL_PARSE_FAILED", ""),
        ("# tokens\n{ a" + " a" * 5000 + "}", "GRAPHQL_PARSE_FAILED", "4000 tokens"),
    ],
)
async def test_bad_requests_are_told_what_is_wrong(
    firm: GraphFirm, query: str, code: str, words: str
) -> None:
    """Each has one error with a stable code and words that help; no owner is called."""
    result = await firm.run(query)
    assert codes(result) == [code]
    assert words in result.errors[0].message
    assert firm.calls() == {}


async def test_an_id_nobody_knows_is_null(firm: GraphFirm) -> None:
    """A well-formed id without a record is null, not an error."""
    unknown = mint("cli", "crm", "nobody")
    assert await firm.ask(f'{{ client(id: "{unknown}") {{ name }} }}') == {"client": None}


async def test_nodes_come_in_the_order_asked_with_one_read_per_type(firm: GraphFirm) -> None:
    """Ids of two types, one of them twice and one unknown, are one call per owner."""
    asked = [PROJECT, CLIENT, mint("cli", "crm", "nobody"), mint("prj", "erp", "P-002"), PROJECT]
    found = await firm.ask(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Client { name }"
        " ... on Project { code health } } }",
        ids=asked,
    )
    assert [node and node["id"] for node in found["nodes"]] == [*asked[:2], None, *asked[3:]]
    assert [node.get("code") for node in found["nodes"] if node] == [
        "P-001",
        None,
        "P-002",
        "P-001",
    ]
    assert firm.calls() == {"crm": 1, "erp": 1, "psa": 1}


async def test_a_type_that_cannot_be_read_leaves_the_other_nodes(firm: GraphFirm) -> None:
    """Two projects of a dead ERP are null with one error; the client arrives."""
    firm.erp.fault = DOWN
    result = await firm.run(
        "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Project { code } } }",
        ids=[PROJECT, CLIENT, mint("prj", "erp", "P-002")],
    )
    assert [node and node["id"] for node in result.data["nodes"]] == [None, CLIENT, None]
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]


async def test_nodes_are_at_most_a_hundred(firm: GraphFirm) -> None:
    """The hundred-and-first id is refused before anybody is asked."""
    result = await firm.run("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[CLIENT] * 101)
    assert codes(result) == ["BAD_USER_INPUT"]
    assert "At most 100" in result.errors[0].message
    assert firm.calls() == {}


async def test_ownership_is_told_by_the_graph(firm: GraphFirm) -> None:
    """Every stored field is in exactly one group, which says who owns it and who holds copies."""
    found = await firm.ask(
        "{ ownership { name owner copies objectiveSeconds validation reconciliation"
        " reconciledEverySeconds drift fields { type field } } }"
    )
    groups = {group["name"]: group for group in found["ownership"]}
    assert [group.name for group in GROUPS] == list(groups)
    ledger = groups["invoice ledger"]
    assert (ledger["owner"], ledger["copies"], ledger["drift"]) == (
        "ERP", ["BILLING", "CRM"], "ENFORCE",
    )  # fmt: skip
    assert (ledger["objectiveSeconds"], ledger["reconciledEverySeconds"]) == (30, 86400)
    assert {"type": "Invoice", "field": "postedOn"} in ledger["fields"]
    told = [tuple(field.values()) for group in groups.values() for field in group["fields"]]
    assert len(told) == len(set(told)) == sum(len(owned_fields(entity)) for entity in ENTITIES)
    assert firm.calls() == {}


async def test_a_bad_argument_of_an_edge_is_reported_once(firm: GraphFirm) -> None:
    """Three parents with the same wrong page size are one error."""
    result = await firm.run("{ clients { nodes { projects(first: 0) { nodes { id } } } } }")
    assert codes(result) == ["BAD_USER_INPUT"]


async def test_a_defect_is_masked(firm: GraphFirm) -> None:
    """What Concord cannot name leaves no words of its own, only an id to find it in the log."""
    firm.crm.fault = RuntimeError("postgresql://hub:secret@db")
    result = await firm.run("{ clients { nodes { name } } }")
    (error,) = result.errors
    assert error.message == "Internal error"
    assert error.extensions.keys() == {"code", "correlationId"}


async def test_what_each_system_calls_a_record_is_said(firm: GraphFirm) -> None:
    """A person who looks a client up in the ledger finds it by the ledger's own number."""
    found = await firm.ask("{ clients(first: 2) { nodes { references { system key } } } }")
    assert [node["references"] for node in found["clients"]["nodes"]] == [
        [{"system": "CRM", "key": f"ACC-{n:05d}"}, {"system": "ERP", "key": f"C{10000 + n}"}]
        for n in (1, 2)
    ]
    assert firm.calls() == {"crm": 1}


async def test_a_rate_of_exchange_is_told_with_all_its_parts(firm: GraphFirm) -> None:
    """Both currencies, the day and who published it; the number is text, and exact."""
    cells = {"rate": Decimal("0.0000371234"), "base": "VND", "quote": "EUR", "source": "ECB"}
    stated = {f"fx_to_functional_{part}": cell for part, cell in cells.items()}
    invoice = mint("inv", "billing", "in_1")
    day = {"fx_to_functional_on": date(2026, 11, 2)}
    await project(firm.pool, Invoice, invoice, System.BILLING, "in_1", as_of=MOMENT)
    await project(firm.pool, Invoice, invoice, System.ERP, "1", as_of=MOMENT, **stated, **day)
    found = await firm.ask(
        "query($id: ID!) { invoice(id: $id, read: {mode: PROJECTED}) {"
        " fxToFunctional { base quote rate date source } } }",
        id=invoice,
    )
    assert found["invoice"]["fxToFunctional"] == {
        **cells,
        "rate": "0.0000371234",
        "date": "2026-11-02",
    }


async def test_what_was_deleted_is_told_by_its_tombstone(firm: GraphFirm) -> None:
    """A node is alive or null; who deleted it and when is asked for apart, for many at once."""
    gone, known, unknown = (mint("inv", "billing", f"in_{n}") for n in range(3))
    await project(firm.pool, Invoice, gone, System.BILLING, "in_0", as_of=MOMENT, deleted_at=MOMENT)
    await project(firm.pool, Invoice, known, System.BILLING, "in_1", as_of=MOMENT)
    found = await firm.ask(
        "query($ids: [ID!]!) { tombstones(ids: $ids) { id type deletedAt deletedIn }"
        " nodes(ids: $ids, read: {mode: PROJECTED}) { id } }",
        ids=[unknown, gone, known, CLIENT],
    )
    assert found["tombstones"] == [
        {"id": gone, "type": "Invoice", "deletedAt": "2026-11-20T09:30:00Z", "deletedIn": "BILLING"}
    ]
    assert found["nodes"] == [None, None, {"id": known}, None]
