"""Edges to many: pages of large ones are cut in the projection, for a whole level at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm
from support.projecting import project

from schema.canon import Project, Resource, TimeEntry
from schema.edges import edges_of
from schema.errors import Unavailable
from schema.ids import mint
from schema.system import System
from sync.ordering import Cut
from sync.read.cuts import Cuts
from sync.read.statements import compiled
from sync.session import ReadSession

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
ENTRIES = "timeEntries(first: 2) { nodes { id note } pageInfo { hasNextPage endCursor } }"


def project_id(n: int) -> str:
    return mint("prj", "erp", f"P-{n:03d}")


def entry_id(n: int) -> str:
    return mint("tim", "psa", str(n))


@pytest.fixture
async def firm(pool: asyncpg.Pool, met_firm: GraphFirm) -> GraphFirm:
    """Six projects with five time entries each, at the PSA and in the projection."""
    await met_firm.ask("{ timeEntries(first: 50) { nodes { id } } }")
    met_firm.calls()
    for n in range(1, 7):
        code = f"P-{n:03d}"
        await project(
            pool, Project, project_id(n), System.ERP, code, as_of=AS_OF, code=code, name=code
        )
    for n in range(1, 31):
        await project(
            pool, TimeEntry, entry_id(n), System.PSA, str(n), as_of=AS_OF,
            project_id=project_id(n % 6 + 1), work_date=date(2026, 1, n), note=f"Kept {n}",
        )  # fmt: skip
    return met_firm


def of_project(n: int) -> list[str]:
    """The project's entries in the order of their ids."""
    return sorted(entry_id(e) for e in range(1, 31) if e % 6 + 1 == n)


async def test_a_level_is_one_cut_and_one_batched_call(firm: GraphFirm) -> None:
    """Two entries of each of six projects: PSA is asked for twelve, not for thirty."""
    found = await firm.ask(f"{{ projects {{ nodes {{ {ENTRIES} }} }} }}")
    for n, node in enumerate(found["projects"]["nodes"], start=1):
        page = node["timeEntries"]
        assert [entry["id"] for entry in page["nodes"]] == of_project(n)[:2]
        assert all(entry["note"].startswith("Live") for entry in page["nodes"])
        assert page["pageInfo"]["hasNextPage"] is True
    assert firm.calls() == {"erp": 1, "psa": 1}
    (asked,) = firm.psa.queries[-1].where
    assert len(asked.value) == 12


@pytest.mark.parametrize("order", ["", ", orderBy: {field: WORK_DATE, direction: DESC}"])
async def test_pages_of_an_edge_have_no_gap_and_no_repeat(firm: GraphFirm, order: str) -> None:
    """Following endCursor shows each entry of the project once; other projects start anew."""
    entries = f"timeEntries(first: 2, after: $after{order})"
    query = (
        f"query($after: String) {{ projects(first: 2) {{ nodes {{ {entries}"
        " { nodes { id workDate } pageInfo { hasNextPage hasPreviousPage endCursor } } } } }"
    )
    seen: list[str] = []
    after = None
    while True:
        mine, other = (
            node["timeEntries"]
            for node in (await firm.ask(query, after=after))["projects"]["nodes"]
        )
        seen += [entry["id"] for entry in mine["nodes"]]
        assert mine["pageInfo"]["hasPreviousPage"] == (after is not None)
        assert len(other["nodes"]) == 2
        assert other["pageInfo"]["hasPreviousPage"] is False
        after = mine["pageInfo"]["endCursor"]
        if not mine["pageInfo"]["hasNextPage"]:
            break
    newest_first = [entry_id(n) for n in range(30, 0, -1) if n % 6 + 1 == 1]
    assert seen == (newest_first if order else of_project(1))


async def test_a_large_edge_without_a_projection_is_read_live(met_firm: GraphFirm) -> None:
    """Before the first time entry has arrived, the whole list is read and cut, as it is small."""
    found = await met_firm.ask(f"{{ projects(first: 1) {{ nodes {{ {ENTRIES} }} }} }}")
    page = found["projects"]["nodes"][0]["timeEntries"]
    assert [entry["id"] for entry in page["nodes"]] == of_project(1)[:2]
    assert page["pageInfo"]["hasNextPage"] is True


async def test_a_dead_owner_of_a_large_edge_is_replaced_by_the_projection(firm: GraphFirm) -> None:
    """The cut is the same, and what is shown says why it is not live."""
    firm.psa.fault = Unavailable("PSA does not answer.", system=System.PSA)
    result = await firm.run(f"{{ projects(first: 1) {{ nodes {{ {ENTRIES} }} }} }}")
    assert result.errors is None
    page = result.data["projects"]["nodes"][0]["timeEntries"]
    assert all(entry["note"].startswith("Kept") for entry in page["nodes"])
    reasons = [line.get("reason") for line in result.extensions["provenance"]]
    assert "UPSTREAM_UNAVAILABLE" in reasons


async def test_two_cuts_of_an_edge_share_the_read_of_their_parts(firm: GraphFirm) -> None:
    """The first and the last entry under aliases are cut apart and fetched together."""
    found = await firm.ask(
        "{ projects(first: 1) { nodes { a: timeEntries(first: 1) { nodes { id } }"
        " b: timeEntries(last: 1) { nodes { id note } } } } }"
    )
    node = found["projects"]["nodes"][0]
    ends = of_project(1)
    assert [node[name]["nodes"][0]["id"] for name in ("a", "b")] == [ends[0], ends[-1]]
    assert firm.calls() == {"erp": 1, "psa": 1}


async def test_a_small_edge_can_be_ordered(firm: GraphFirm) -> None:
    """A client's projects in the order asked, one page per client."""
    await firm.pool.execute(
        "UPDATE projection.project SET client_id = $1 WHERE code <= 'P-002'",
        mint("cli", "crm", "ACC-00001"),
    )
    found: Any = await firm.ask(
        "{ clients { nodes { projects(first: 5, orderBy: {field: CODE, direction: DESC})"
        " { nodes { code } } } } }"
    )
    codes = [[p["code"] for p in node["projects"]["nodes"]] for node in found["clients"]["nodes"]]
    assert codes == [["P-002", "P-001"], [], []]


async def test_a_level_of_a_large_edge_is_one_index_walk_per_near_end(
    firm: GraphFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lateral query reads (key, id) from its index and never sorts the far table."""
    await firm.pool.execute(
        """
        INSERT INTO projection.time_entry (id, project_id, psa_key, psa_as_of)
        SELECT 'tim_' || lpad(n::text, 26, '0'), $1 || n % 500, n::text, now()
        FROM generate_series(1, 20000) n
        """,
        "prj_",
    )
    await firm.pool.execute("ANALYZE projection.time_entry")
    asked: list[tuple[str, tuple[Any, ...]]] = []
    cuts = Cuts(firm.pool)
    monkeypatch.setattr(
        "sync.read.cuts.compiled", lambda s: asked.append(compiled(s)) or compiled(s)
    )
    nears = [f"prj_{n}" for n in range(50)]
    found = await cuts.select_each(TimeEntry, "project_id", nears, Cut(limit=20))
    assert all(len(one.marks) == 20 and one.has_more for one in found.values())
    ((sql, arguments),) = asked
    plan = "\n".join(r[0] for r in await firm.pool.fetch(f"EXPLAIN {sql}", *arguments))
    assert "time_entry_project_id_list" in plan, plan
    assert "Seq Scan on time_entry" not in plan, plan


async def test_a_narrowed_edge_is_cut_for_the_whole_level(firm: GraphFirm) -> None:
    """The filter of the root list works below it: each project shows its entries of those days."""
    narrowed = 'timeEntries(filter: {workDate: {from: "2026-01-10", to: "2026-01-20"}})'
    found = await firm.ask(f"{{ projects {{ nodes {{ {narrowed} {{ nodes {{ id }} }} }} }} }}")
    for n, node in enumerate(found["projects"]["nodes"], start=1):
        within = sorted(entry_id(e) for e in range(10, 21) if e % 6 + 1 == n)
        assert [entry["id"] for entry in node["timeEntries"]["nodes"]] == within
    assert firm.calls() == {"erp": 1, "psa": 1}


async def test_an_edge_by_another_owners_key_is_the_projections_to_cut(firm: GraphFirm) -> None:
    """Who manages a project is the PSA's word; the ledger, its anchor, is never asked for it."""
    manager = mint("res", "hr", "1")
    await firm.pool.execute(
        "UPDATE projection.project SET manager_id = $1 WHERE code IN ('P-002', 'P-004')", manager
    )
    managed = next(edge for edge in edges_of(Resource) if edge.name == "managed_projects")
    session, asked = ReadSession(), [(manager, Cut(limit=5))]
    (page,) = await firm.services.lists.far_pages(session, managed, asked, frozenset({"code"}))
    assert {record.values["code"] for record in page.records} == {"P-002", "P-004"}
    await firm.pool.execute("DELETE FROM projection.project")
    with pytest.raises(Unavailable, match="has not caught up on Project"):
        await firm.services.lists.far_pages(session, managed, asked, frozenset({"code"}))
