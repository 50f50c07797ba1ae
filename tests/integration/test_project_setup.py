"""The set-up of a project: what each required system has of it, why not, and asking it again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from support.graph import GraphFirm, served
from support.projecting import project
from support.sockets import socket_to
from support.targets import CLIENT, MOMENT, Desk, FakeTarget

from schema.canon import Client, Project
from schema.errors import Invalid, NotFound, Rejected
from schema.ids import mint
from schema.setup import SetupState, SetupStatus
from schema.system import System
from sync.connectors import psa
from sync.connectors.refs import Ref
from sync.feed import _Sealed
from sync.opaque import seal
from sync.setup import Setups
from sync.xref import Xref

PROJECT = mint("prj", "erp", "P-1")
REFUSAL = Rejected("PSA: there is a project of that name", system=System.PSA, owner_code="invalid")
WORDS = "invalid: PSA: there is a project of that name"
FIRST = mint("prj", "erp", "P-001")
SEND_AGAIN = """
mutation($id: ID!, $system: System!) {
  retryProjectSetup(id: $id, system: $system) { system status }
}
"""
ACTIVATE = """
mutation($id: ID!, $key: String!) {
  activateProject(id: $id, idempotencyKey: $key) {
    ... on ProjectWritten { project { status } }
    ... on RejectedByOwner { system ownerCode message } } }
"""
MISSING, PENDING, LINKED, FAILED = SetupStatus


@pytest.fixture
def at_psa() -> FakeTarget:
    return FakeTarget(System.PSA, psa.CLIENT, psa.PROJECT)


@pytest.fixture
async def desk(pool: asyncpg.Pool, at_psa: FakeTarget) -> Desk:
    """A project that ERP has told of."""
    desk = Desk(pool, at_psa)
    await desk.client()
    await desk.link(Project, System.ERP, "P-1", PROJECT)
    await named(pool, "Audit")
    return desk


@pytest.fixture
def setups(pool: asyncpg.Pool, at_psa: FakeTarget) -> Setups:
    return Setups(pool, at_psa.bindings)


async def named(pool: asyncpg.Pool, name: str) -> None:
    await project(pool, Project, PROJECT, System.ERP, "P-1", as_of=MOMENT, code="P-1", name=name)


async def at(setups: Setups) -> tuple[SetupStatus, str | None]:
    """Where the PSA stands with the project, and why."""
    return told((await setups.of([PROJECT]))[PROJECT])


def told(states: Sequence[SetupState]) -> tuple[SetupStatus, str | None]:
    [state] = [one for one in states if one.system is System.PSA]
    return state.status, state.reason


async def test_who_needs_a_project_follows_from_the_declared_copies(
    desk: Desk, setups: Setups
) -> None:
    """The anchor confirms nothing; of a system that is not connected the policy is known."""
    states = (await setups.of([PROJECT]))[PROJECT]
    assert [(one.system, one.status, one.reason) for one in states] == [
        (System.CRM, MISSING, "This hub is not connected to CRM."),
        (System.PSA, MISSING, None),
        (System.BILLING, MISSING, "This hub is not connected to BILLING."),
    ]


async def test_a_project_is_pending_until_its_system_has_confirmed_it(
    desk: Desk, at_psa: FakeTarget, setups: Setups
) -> None:
    """What it waits for is said; a later change that is on its way does not undo the set-up."""
    await project(
        desk.pool, Project, PROJECT, System.ERP, "P-1", as_of=MOMENT, name="Audit", client_id=CLIENT
    )
    await desk.owe(System.PSA, Project, PROJECT, "name")
    assert await at(setups) == (PENDING, None)
    await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (PENDING, "PSA does not have its client yet")
    await desk.link(Client, System.PSA, "clients-1", CLIENT)
    await desk.pool.execute("UPDATE delivery SET due_at = now()")
    await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (LINKED, None)
    await desk.owe(System.PSA, Project, PROJECT, "name")
    assert await at(setups) == (LINKED, None)


async def test_a_link_that_is_not_confirmed_is_pending(desk: Desk, setups: Setups) -> None:
    """A crash between the create and its confirmation leaves a link, and the delivery."""
    await desk.owe(System.PSA, Project, PROJECT, "name")
    await desk.link(Project, System.PSA, "projects-1", PROJECT)
    assert (await at(setups))[0] is PENDING


async def test_a_refused_project_is_repaired_and_sent_again(
    desk: Desk, at_psa: FakeTarget, setups: Setups
) -> None:
    """The refusal stands in the system's words until it takes the project; each step is told."""
    at_psa.fail("create", REFUSAL, times=2)
    await desk.owe(System.PSA, Project, PROJECT, "name")
    await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (FAILED, WORDS)
    assert told([await setups.send_again(PROJECT, System.PSA)]) == (PENDING, WORDS)
    await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (FAILED, WORDS)
    await setups.send_again(PROJECT, System.PSA)
    await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (LINKED, None)
    assert await desk.states() == {"delivered": 1}
    assert at_psa.only(psa.PROJECT)["name"] == "Audit"
    assert await events(desk.pool) == [
        *[("pending", "failed"), ("failed", "pending")] * 2,
        ("pending", "linked"),
    ]


async def test_a_change_at_the_owner_repairs_what_it_is_about_alone(
    desk: Desk, at_psa: FakeTarget, setups: Setups
) -> None:
    """A later delivery of other fields does not hide that the name was refused."""
    await desk.owe(System.PSA, Project, PROJECT, "name")
    await desk.deliverer().drain(System.PSA)
    at_psa.fail("update", REFUSAL)
    await named(desk.pool, "Audit 2")
    for field in ("name", "status"):
        await desk.owe(System.PSA, Project, PROJECT, field)
        await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (FAILED, WORDS)
    await named(desk.pool, "Audit 3")
    await desk.owe(System.PSA, Project, PROJECT, "name")
    await desk.deliverer().drain(System.PSA)
    assert await at(setups) == (LINKED, None)


async def test_only_what_is_set_up_can_be_sent_again(desk: Desk, setups: Setups) -> None:
    """Neither a system that gets no copy, nor a project that nobody knows."""
    with pytest.raises(Invalid, match="CRM, PSA, BILLING"):
        await setups.send_again(PROJECT, System.HR)
    with pytest.raises(NotFound):
        await setups.send_again(mint("prj", "erp", "P-2"), System.PSA)
    assert await desk.deliveries() == []


async def events(pool: asyncpg.Pool) -> list[tuple[str | None, str | None]]:
    rows = await pool.fetch("SELECT before, after FROM feed_event ORDER BY id")
    return [(row["before"], row["after"]) for row in rows]


async def test_many_projects_are_looked_up_in_one_query(
    firm: GraphFirm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All projects of all clients of a level: one look at the ledgers, none per project."""
    looked: list[int] = []
    of = Setups.of

    async def counted(self: Setups, ids: Any) -> Any:
        looked.append(len(ids))
        return await of(self, ids)

    monkeypatch.setattr(Setups, "of", counted)
    found = await firm.ask(
        "{ clients { nodes { projects { nodes { setup { system status reason at } } } } } }"
    )
    nodes = [node for one in found["clients"]["nodes"] for node in one["projects"]["nodes"]]
    assert looked == [len(nodes)]
    assert len(nodes) == 6
    reason = "This hub is not connected to BILLING."
    missing = {"system": "BILLING", "status": "MISSING", "reason": reason, "at": None}
    assert all(node["setup"] == [missing] for node in nodes)


async def test_a_project_is_activated_once_every_system_has_confirmed_it(
    firm: GraphFirm, pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then the step is not offered, without a look per project, and is refused by name."""
    firm.erp.effects = {"activate": {"status": "OPEN"}}
    for row in firm.erp.rows["projects"]:
        row["status"] = "SETUP"
    looked: list[int] = []
    of = Setups.of

    async def counted(self: Setups, ids: Any) -> Any:
        looked.append(len(ids))
        return await of(self, ids)

    monkeypatch.setattr(Setups, "of", counted)
    asked = "{ projects { nodes { id availableActions { action } } } }"
    nodes = (await firm.ask(asked))["projects"]["nodes"]
    assert looked == [len(nodes)]
    assert all(node["availableActions"] == [] for node in nodes)

    refused = (await firm.ask(ACTIVATE, id=FIRST, key="k1"))["activateProject"]
    assert (refused["system"], refused["ownerCode"]) == ("HUB", "NOT_SET_UP")
    assert "BILLING (MISSING: This hub is not connected to BILLING.)" in refused["message"]
    assert firm.erp.calls["activate"] == 0
    await Xref(pool).link([(Ref(Project, "billing", "bp_1"), FIRST)])
    nodes = (await firm.ask(asked))["projects"]["nodes"]
    assert {node["id"] for node in nodes if node["availableActions"]} == {FIRST}
    written = (await firm.ask(ACTIVATE, id=FIRST, key="k2"))["activateProject"]
    assert written["project"]["status"] == "ACTIVE"


async def test_sending_again_is_asked_for_in_the_graph_and_told_to_subscribers(
    firm: GraphFirm, pool: asyncpg.Pool
) -> None:
    """A project that nobody was sent is on its way, and whoever follows its set-up hears of it."""
    await project(pool, Project, FIRST, System.ERP, "P-001", as_of=MOMENT, code="P-001", name="A")
    async with served(firm.services) as host, socket_to(host) as socket:
        await socket.start()
        await firm.ask(SEND_AGAIN, id=FIRST, system="BILLING")
        start = await pool.fetchval("SELECT max(id) FROM feed_event")
        cursor = seal(_Sealed(v=1, n=start - 1))
        chosen = f'system: [BILLING], to: [PENDING], projectId: ["{FIRST}"]'
        asked = f'projectSetupChanged(after: "{cursor}", filter: {{{chosen}}})'
        fields = "{ system before after project { code } }"
        await socket.subscribe(f"subscription {{ {asked} {fields} }}")
        assert await socket.event() == {
            "system": "BILLING",
            "before": "MISSING",
            "after": "PENDING",
            "project": {"code": "P-001"},
        }
