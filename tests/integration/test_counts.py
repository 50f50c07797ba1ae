"""Counts of whole lists: only when they are asked for, in the projection, up to a bound."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm, codes
from support.projecting import project

from schema.canon import Project, Resource, TimeEntry
from schema.edges import edges_of
from schema.entity import FilterOp
from schema.ids import mint
from schema.system import System
from sync.counts import MOST, Count, count_of
from sync.policy import Filter
from sync.read.statements import compiled
from sync.read.tallies import Tallies
from sync.session import ReadSession
from sync.token import WriteToken, seal_token

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = "totalCount { value isExact }"
FLOOD = """
INSERT INTO projection.time_entry (id, project_id, psa_key, psa_as_of)
SELECT 'tim_' || lpad(n::text, 26, '0'), $1 || n % 500, n::text, now()
FROM generate_series(1, 20000) n
"""


def project_id(n: int) -> str:
    return mint("prj", "erp", f"P-{n:03d}")


def exactly(value: int) -> dict[str, Any]:
    return {"value": value, "isExact": True}


@pytest.fixture
async def firm(pool: asyncpg.Pool, met_firm: GraphFirm) -> GraphFirm:
    """Six projects, two of them in trouble, and entry n of thirty in project n modulo 6, plus 1."""
    for n in range(1, 7):
        code = f"P-{n:03d}"
        await project(
            pool, Project, project_id(n), System.ERP, code, as_of=AS_OF, code=code, name=code
        )
        health = "red" if n % 3 == 0 else "green"
        await project(pool, Project, project_id(n), System.PSA, str(n), as_of=AS_OF, health=health)
    for n in range(1, 31):
        await project(
            pool, TimeEntry, mint("tim", "psa", str(n)), System.PSA, str(n), as_of=AS_OF,
            project_id=project_id(n % 6 + 1), work_date=date(2026, 1, n),
        )  # fmt: skip
    return met_firm


async def test_a_count_is_of_the_whole_list_and_reads_none_of_it(firm: GraphFirm) -> None:
    """Whatever the page and whoever owns the filter; no owner is called for it."""
    found = await firm.ask(
        f"{{ all: projects {{ {COUNT} }} red: projects(first: 1, filter: {{health: [RED]}})"
        f" {{ {COUNT} }} none: projects(filter: {{code: []}}) {{ {COUNT} }} }}"
    )
    assert {name: one["totalCount"] for name, one in found.items()} == {
        "all": exactly(6),
        "red": exactly(2),
        "none": exactly(0),
    }
    assert firm.calls() == {}


async def test_a_record_that_two_fields_lead_to_is_counted_once(firm: GraphFirm) -> None:
    one = f'project(id: "{project_id(1)}") {{ timeEntries {{ {COUNT} }} }}'
    found = await firm.ask(f"{{ a: {one} b: {one} }}")
    assert [found[name]["timeEntries"]["totalCount"] for name in "ab"] == [exactly(5)] * 2


async def test_a_count_stands_beside_a_page(firm: GraphFirm) -> None:
    """The page is read as ever, and only where it is selected."""
    found = await firm.ask(f"{{ projects(first: 2) {{ nodes {{ code }} {COUNT} }} }}")
    assert [node["code"] for node in found["projects"]["nodes"]] == ["P-001", "P-002"]
    assert found["projects"]["totalCount"] == exactly(6)
    assert firm.calls() == {"erp": 1}


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("", [5] * 6),
        ('(filter: {workDate: {from: "2026-01-25"}})', [1] * 6),
        ('(filter: {workDate: {from: "2026-01-30"}})', [1, 0, 0, 0, 0, 0]),
    ],
)
async def test_a_level_is_counted_in_one_query(
    firm: GraphFirm, monkeypatch: pytest.MonkeyPatch, filter: str, expected: list[int]
) -> None:
    """Six projects, one statement; the PSA is not asked for a single entry."""
    asked: list[Any] = []
    monkeypatch.setattr("sync.read.tallies.compiled", lambda s: asked.append(s) or compiled(s))
    found = await firm.ask(f"{{ projects {{ nodes {{ timeEntries{filter} {{ {COUNT} }} }} }} }}")
    counted = [node["timeEntries"]["totalCount"] for node in found["projects"]["nodes"]]
    assert counted == [exactly(number) for number in expected]
    assert len(asked) == 1
    assert firm.calls() == {"erp": 1}


async def test_what_was_read_whole_is_counted_without_a_query(firm: GraphFirm) -> None:
    """A small edge in its own order is read whole by its owner, which is asked once."""
    found = await firm.ask(
        f"{{ clients {{ nodes {{ projects(first: 1) {{ nodes {{ code }} {COUNT} }} }} }} }}"
    )
    pages = [node["projects"] for node in found["clients"]["nodes"]]
    assert [page["totalCount"] for page in pages] == [exactly(2)] * 3
    assert [len(page["nodes"]) for page in pages] == [1] * 3
    assert firm.calls() == {"crm": 1, "erp": 1}


async def test_records_that_the_near_end_holds_are_counted(firm: GraphFirm) -> None:
    """All of them, or those that pass a filter; each near end for itself."""
    people = [mint("res", "hr", str(n)) for n in range(3)]
    for n, person in enumerate(people):
        await project(
            firm.pool, Resource, person, System.HR, str(n), as_of=AS_OF, name=f"Person {n}"
        )
    team = next(edge for edge in edges_of(Project) if edge.name == "team")
    counts, nears = firm.services.counts, [tuple(people), tuple(people[1:]), ()]
    whole = await counts.of_each(ReadSession(), team, nears, ())
    assert [whole[near].value for near in nears] == [3, 2, 0]
    first = Filter(field="name", op=FilterOp.CONTAINS, value="person 0")
    passing = await counts.of_each(ReadSession(), team, nears, (first,))
    assert [passing[near].value for near in nears] == [1, 0, 0]


async def test_nobody_is_counted_beyond_the_bound(firm: GraphFirm) -> None:
    """Counting stops one after it, and the answer says that there are more."""
    await firm.pool.execute(FLOOD, "prj_")
    found = await firm.ask(f"{{ timeEntries {{ {COUNT} }} }}")
    assert found["timeEntries"]["totalCount"] == {"value": MOST, "isExact": False}
    assert await Tallies(firm.pool, 3).of_list(TimeEntry, ()) == 4
    assert count_of(MOST) == Count(value=MOST, is_exact=True)


async def test_a_level_of_counts_walks_the_index_of_the_edge(
    firm: GraphFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each near end's entries and no others are looked at."""
    await firm.pool.execute(FLOOD, "prj_")
    await firm.pool.execute("ANALYZE projection.time_entry")
    asked: list[tuple[str, tuple[Any, ...]]] = []
    monkeypatch.setattr(
        "sync.read.tallies.compiled", lambda s: asked.append(compiled(s)) or compiled(s)
    )
    nears = [f"prj_{n}" for n in range(50)]
    found = await Tallies(firm.pool, MOST).of_each(TimeEntry, "project_id", nears, ())
    assert found == dict.fromkeys(nears, 40)
    ((sql, arguments),) = asked
    plan = "\n".join(row[0] for row in await firm.pool.fetch(f"EXPLAIN {sql}", *arguments))
    assert "time_entry_project_id_list" in plan, plan
    assert "Seq Scan on time_entry" not in plan, plan


async def test_an_empty_projection_counts_nothing_that_an_owner_knows(
    met_firm: GraphFirm,
) -> None:
    """Null with a coded error rather than zero; whoever asks the projection alone gets its word."""
    result = await met_firm.run(f"{{ projects {{ {COUNT} }} }}")
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]
    assert result.data == {"projects": {"totalCount": None}}
    found = await met_firm.ask(f"{{ projects(read: {{mode: PROJECTED}}) {{ {COUNT} }} }}")
    assert found["projects"]["totalCount"] == exactly(0)


async def test_a_count_waits_for_the_write_it_is_asked_after(firm: GraphFirm) -> None:
    """While the projection does not show the write, nobody is told a number without it."""
    token = seal_token(
        WriteToken(entity=Project, record_id=project_id(1), system=System.ERP, version=2)
    )
    after = f'projects(read: {{after: "{token}"}}) {{ {COUNT} }}'
    assert codes(await firm.run(f"{{ {after} }}")) == ["UPSTREAM_UNAVAILABLE"]
    await project(
        firm.pool, Project, project_id(1), System.ERP, "P-001", as_of=AS_OF, version=2, code="P-1"
    )
    assert (await firm.ask(f"{{ {after} }}"))["projects"]["totalCount"] == exactly(6)
