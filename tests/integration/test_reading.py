"""Reading: owners first, the projection by policy or in place of an owner that fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from support.owners import FakeOwner, crm, erp, psa
from support.projecting import project

from schema.canon import Client, PaymentStatus, Project
from schema.entities.client import Segment
from schema.entities.project import Health, ProjectStatus
from schema.entity import FilterOp
from schema.errors import Invalid, Poison, RateLimited, Rejected, Unavailable
from schema.ids import mint
from schema.system import System
from sync.clock import utc_now
from sync.connectors.refs import Ref
from sync.policy import PROJECTED, Filter, Paging, PolicyKind, ReadPolicy
from sync.reading import Reading
from sync.records import Source
from sync.session import ReadSession
from sync.token import WriteToken, seal_token
from sync.xref import Xref

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NAME = frozenset({"name"})
BOTH = frozenset({"name", "payment_terms_days"})


class Firm:
    """Three owners and the Reading over them."""

    def __init__(self, pool: asyncpg.Pool, owners: Sequence[FakeOwner]) -> None:
        self.pool = pool
        self.by_system = {owner.system: owner for owner in owners}
        self.crm, self.erp = self.by_system[System.CRM], self.by_system[System.ERP]
        self.psa = self.by_system[System.PSA]
        self.xref = Xref(pool)
        self.reading = Reading(
            self.by_system, self.xref, pool, utc_now, timedelta(milliseconds=300)
        )

    def calls(self) -> dict[str, int]:
        """Fetches per system since the last look."""
        counted = {s.value: o.calls["fetch"] for s, o in self.by_system.items()}
        for owner in self.by_system.values():
            owner.calls.clear()
        return {system: count for system, count in counted.items() if count}


@pytest.fixture
async def firm(pool: asyncpg.Pool) -> Firm:
    """A firm whose clients and projects have been met once, so that their keys are linked."""
    firm = Firm(pool, [crm(), erp(), psa()])
    session = ReadSession()
    await firm.reading.page(session, Client, [], Paging(first=50), BOTH)
    await firm.reading.page(session, Project, [], Paging(first=50), frozenset({"health"}))
    firm.calls()
    return firm


def client(n: int) -> str:
    return mint("cli", "crm", f"ACC-{n:05d}")


def project_id(n: int) -> str:
    return mint("prj", "erp", f"P-{n:03d}")


async def test_by_ids_asks_each_owner_of_the_fields_once(firm: Firm) -> None:
    """Two records of two owners are one call each, and say where every part came from."""
    session = ReadSession()
    found = await firm.reading.by_ids(session, Client, [client(2), client(1)], BOTH)
    assert list(found) == [client(2), client(1)]
    assert found[client(1)].values["name"] == "Client 1"
    assert found[client(1)].values["payment_terms_days"] == 31
    assert found[client(1)].provenance[System.ERP].record_key == "C10001"
    assert found[client(1)].provenance[System.CRM].source is Source.OWNER
    assert firm.calls() == {"crm": 1, "erp": 1}
    assert {(f.owner, f.records, f.lag_ms is not None) for f in session.fetches} == {
        (System.CRM, 2, True),
        (System.ERP, 2, True),
    }


async def test_only_owners_of_the_fields_are_asked(firm: Firm) -> None:
    """A guest's field alone does not call the anchor; no field at all calls only the anchor."""
    found = await firm.reading.by_ids(
        ReadSession(), Client, [client(1)], frozenset({"payment_terms_days"})
    )
    assert found[client(1)].values == {"payment_terms_days": 31, "tax_id": "NL1"}
    assert firm.calls() == {"erp": 1}
    assert client(1) in await firm.reading.by_ids(ReadSession(), Client, [client(1)], frozenset())
    assert firm.calls() == {"crm": 1}


async def test_a_record_the_guest_lacks_is_looked_up_at_the_anchor(firm: Firm) -> None:
    """A client without an ERP customer exists with null fields; one nobody has does not."""
    firm.erp.rows["customers"].pop(0)
    firm.erp.rows["customers"].pop(0)
    firm.crm.rows["accounts"].pop(1)
    asked = [client(1), client(2)]
    found = await firm.reading.by_ids(
        ReadSession(), Client, asked, frozenset({"payment_terms_days"})
    )
    assert list(found) == [client(1)]
    assert found[client(1)].values["payment_terms_days"] is None
    assert firm.calls() == {"erp": 1, "crm": 1}


async def test_an_id_nobody_has_met_does_not_exist_and_calls_nobody(firm: Firm) -> None:
    """A well-formed id without a link is no record."""
    assert await firm.reading.by_ids(ReadSession(), Client, [mint("cli", "crm", "?")], BOTH) == {}
    assert firm.calls() == {}


async def test_by_key_asks_the_anchor_and_then_the_guests_once(firm: Firm) -> None:
    """Children of several parents come in one call per owner, grouped, in key order."""
    found = await firm.reading.by_key(
        ReadSession(), Project, "client_id", [client(1), client(3)], frozenset({"name", "health"})
    )
    assert [r.values["name"] for r in found[client(1)]] == ["Project 1", "Project 4"]
    assert [r.values["health"] for r in found[client(3)]] == [Health.GREEN, Health.GREEN]
    assert firm.calls() == {"erp": 1, "psa": 1}


async def test_by_key_reads_on_when_one_page_does_not_hold_all(pool: asyncpg.Pool) -> None:
    """600 children of one parent are two pages of the owner and all of them arrive."""
    firm = Firm(pool, [crm(1), erp(1, projects_each=600), psa(600)])
    await firm.reading.page(ReadSession(), Client, [], Paging(first=1), BOTH)
    firm.calls()
    fields = frozenset({"name", "health"})
    found = await firm.reading.by_key(ReadSession(), Project, "client_id", [client(1)], fields)
    assert len({r.id for r in found[client(1)]}) == 600
    assert firm.calls() == {"erp": 2, "psa": 2}


async def test_many_records_are_asked_for_a_page_at_a_time(pool: asyncpg.Pool) -> None:
    """1,200 ids are three calls of at most 500 at once, and every record arrives."""
    firm = Firm(pool, [crm(1200), erp(1, projects_each=1), psa(1)])
    asked = [client(n) for n in range(1, 1201)]
    await firm.xref.link([(Ref(Client, "crm", f"ACC-{n:05d}"), client(n)) for n in range(1, 1201)])
    found = await firm.reading.by_ids(ReadSession(), Client, asked, NAME)
    assert list(found) == asked
    assert [len(query.where[0].value) for query in firm.crm.queries] == [500, 500, 200]


@pytest.mark.parametrize(
    "fault",
    [
        Unavailable("down"),
        RateLimited("slow down", retry_after=timedelta(seconds=3)),
        Poison("bad_json", "<html>"),
        Rejected("no", system=System.ERP),
    ],
)
async def test_a_failing_guest_is_answered_by_the_projection(firm: Firm, fault: Exception) -> None:
    """The part comes from the projection with the reason; what it lacks is one fault, not many."""
    firm.erp.fault = fault
    await project(
        firm.pool, Client, client(1), System.ERP, "C10001", as_of=LONG_AGO, payment_terms_days=99
    )
    session = ReadSession()
    asked = [client(n) for n in (1, 2, 3)]
    found = await firm.reading.by_ids(session, Client, asked, BOTH)
    assert [r.values["payment_terms_days"] for r in found.values()] == [99, None, None]
    assert [r.values["name"] for r in found.values()] == ["Client 1", "Client 2", "Client 3"]
    provenance = found[client(1)].provenance[System.ERP]
    assert (provenance.source, provenance.as_of) == (Source.PROJECTION, LONG_AGO)
    (blamed,) = session.faults
    assert (blamed.system, blamed.affected, blamed.code) == (System.ERP, 2, provenance.reason)
    assert [f.reason for f in session.fetches if f.source is Source.PROJECTION] == [blamed.code]


async def test_an_unreadable_row_counts_as_a_failing_owner(firm: Firm) -> None:
    """A value that cannot be decoded takes the owner out, not the answer."""
    firm.erp.rows["customers"][0]["terms_days"] = "thirty"
    session = ReadSession()
    found = await firm.reading.by_ids(session, Client, [client(1)], BOTH)
    assert found[client(1)].values["name"] == "Client 1"
    assert [f.code for f in session.faults] == ["UPSTREAM_UNAVAILABLE"]


async def test_a_slow_owner_is_given_up_after_the_timeout(firm: Firm) -> None:
    """The rest of the answer does not wait longer than the timeout for one owner."""
    firm.erp.seconds = 30
    session = ReadSession()
    found = await firm.reading.by_ids(session, Client, [client(1)], BOTH)
    assert found[client(1)].values["payment_terms_days"] is None
    assert [f.system for f in session.faults] == [System.ERP]


async def test_after_the_deadline_nobody_is_waited_for(firm: Firm) -> None:
    """A request whose time is used up is answered by the projection at once."""
    await project(firm.pool, Client, client(1), System.CRM, "ACC-00001", as_of=LONG_AGO, name="Old")
    session = ReadSession(deadline=LONG_AGO)
    found = await firm.reading.by_ids(session, Client, [client(1)], NAME)
    assert found[client(1)].values["name"] == "Old"


async def test_an_anchor_that_is_down_is_answered_by_the_projection(firm: Firm) -> None:
    """By id and by page alike; what the projection lacks is one fault."""
    firm.crm.fault = Unavailable("down")
    await project(
        firm.pool,
        Client,
        client(1),
        System.CRM,
        "ACC-00001",
        as_of=LONG_AGO,
        name="Old",
        segment="small",
    )
    session = ReadSession()
    found = await firm.reading.by_ids(session, Client, [client(1), client(2)], BOTH)
    assert list(found) == [client(1)]
    assert found[client(1)].values["segment"] is Segment.SMALL
    assert found[client(1)].values["payment_terms_days"] == 31
    assert [(f.system, f.affected) for f in session.faults] == [(System.CRM, 1)]
    page = await firm.reading.page(ReadSession(), Client, [], Paging(first=5), NAME)
    assert [r.provenance[System.CRM].reason for r in page.records] == ["UPSTREAM_UNAVAILABLE"]


async def test_an_anchor_that_is_down_with_an_empty_projection_is_an_error(firm: Firm) -> None:
    """Nothing is known, so nothing is claimed: neither an empty page nor a missing record."""
    firm.crm.fault = Unavailable("down")
    with pytest.raises(Unavailable):
        await firm.reading.page(ReadSession(), Client, [], Paging(first=5), NAME)
    with pytest.raises(Unavailable):
        await firm.reading.by_ids(ReadSession(), Client, [client(1)], NAME)
    firm.erp.fault = Unavailable("down")
    with pytest.raises(Unavailable):
        await firm.reading.by_key(ReadSession(), Project, "client_id", [client(1)], NAME)


async def test_projected_asks_nobody_and_hides_what_is_deleted(firm: Firm) -> None:
    """Only rows whose anchor part is there exist; guests that are unknown leave null fields."""
    for n, deleted_at in ((1, None), (2, LONG_AGO)):
        await project(
            firm.pool,
            Client,
            client(n),
            System.CRM,
            f"ACC-{n:05d}",
            as_of=LONG_AGO,
            deleted_at=deleted_at,
            name=f"Old {n}",
        )
    await project(
        firm.pool, Client, client(3), System.ERP, "C10003", as_of=LONG_AGO, payment_terms_days=1
    )
    session = ReadSession(policy=PROJECTED)
    asked = [client(n) for n in (1, 2, 3)]
    found = await firm.reading.by_ids(session, Client, asked, BOTH)
    assert {i: dict(r.values)["name"] for i, r in found.items()} == {client(1): "Old 1"}
    page = await firm.reading.page(session, Client, [], Paging(first=5), BOTH)
    assert [r.id for r in page.records] == [client(1)]
    assert firm.calls() == {}
    assert session.faults == []
    assert all(f.source is Source.PROJECTION for f in session.fetches)


async def test_max_age_takes_what_is_young_and_fetches_the_rest(firm: Firm) -> None:
    """One batch may be part projected, part live; each record says which."""
    now = utc_now()
    for n, as_of in ((1, now), (2, now - timedelta(hours=1))):
        await project(
            firm.pool, Client, client(n), System.CRM, f"ACC-{n:05d}", as_of=as_of, name="Kept"
        )
    policy = ReadPolicy(kind=PolicyKind.MAX_AGE, max_age=timedelta(minutes=5))
    session = ReadSession(policy=policy)
    found = await firm.reading.by_ids(session, Client, [client(1), client(2)], NAME)
    assert found[client(1)].values["name"] == "Kept"
    assert found[client(2)].values["name"] == "Client 2"
    assert firm.crm.queries[-1].where[0].value == ("ACC-00002",)


async def test_after_reads_the_projection_once_it_shows_the_write(firm: Firm) -> None:
    """With the version there, the projection answers everything."""
    await project(
        firm.pool, Client, client(1), System.CRM, "ACC-00001", as_of=LONG_AGO, version=7, name="New"
    )
    token = WriteToken(entity=Client, record_id=client(1), system=System.CRM, version=7)
    session = ReadSession(policy=ReadPolicy(kind=PolicyKind.AFTER, token=seal_token(token)))
    found = await firm.reading.by_ids(session, Client, [client(1)], NAME)
    assert found[client(1)].values["name"] == "New"
    assert session.policy == PROJECTED
    assert firm.calls() == {}


async def test_after_waits_for_a_write_that_is_under_way(firm: Firm) -> None:
    """The read returns when the projection catches up, with what it then shows."""
    token = WriteToken(entity=Client, record_id=client(1), system=System.CRM, version=2)
    session = ReadSession(policy=ReadPolicy(kind=PolicyKind.AFTER, token=seal_token(token)))
    reading = asyncio.create_task(firm.reading.by_ids(session, Client, [client(1)], NAME))
    for version, name in ((1, "Old"), (2, "New")):
        await project(
            firm.pool,
            Client,
            client(1),
            System.CRM,
            "ACC-00001",
            as_of=LONG_AGO,
            version=version,
            name=name,
        )
    assert (await reading)[client(1)].values["name"] == "New"
    assert firm.calls() == {}


async def test_after_asks_the_owners_when_the_write_does_not_arrive(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A projection that lags longer than the wait is not believed."""
    monkeypatch.setattr("sync.reading._TOKEN_WAIT", timedelta(milliseconds=60))
    await project(
        firm.pool, Client, client(1), System.CRM, "ACC-00001", as_of=LONG_AGO, version=6, name="Old"
    )
    token = WriteToken(entity=Client, record_id=client(1), system=System.CRM, version=7)
    session = ReadSession(policy=ReadPolicy(kind=PolicyKind.AFTER, token=seal_token(token)))
    found = await firm.reading.by_ids(session, Client, [client(1)], NAME)
    assert found[client(1)].values["name"] == "Client 1"


async def test_pages_are_the_same_from_owner_and_projection(pool: asyncpg.Pool) -> None:
    """Forwards, backwards, and from one side's cursor on the other; numbers order as numbers."""
    firm = Firm(pool, [crm(), erp(), psa()])
    for n in range(8, 13):
        record_id = mint("pay", "erp", str(n))
        await project(pool, PaymentStatus, record_id, System.ERP, str(n), as_of=LONG_AGO)

    async def ids(
        session: ReadSession, **paging: object
    ) -> tuple[list[str], tuple[str, ...], bool]:
        page = await firm.reading.page(
            session,
            PaymentStatus,
            [],
            Paging(**paging),
            frozenset(),  # type: ignore[arg-type]
        )
        return [r.id for r in page.records], page.cursors, page.has_next

    expected = [mint("pay", "erp", str(n)) for n in range(8, 13)]
    for first, second in ((ReadSession(), ReadSession(policy=PROJECTED)),) * 2:
        start, cursors, more = await ids(first, first=2)
        assert (start, more) == (expected[:2], True)
        rest, _, more = await ids(second, first=9, after=cursors[-1])
        assert (rest, more) == (expected[2:], False)
        end, cursors, _ = await ids(second, last=2)
        assert end == expected[3:]
        before, _, more = await ids(first, last=9, before=cursors[0])
        assert (before, more) == (expected[:3], True)


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        (Filter(field="name", op=FilterOp.CONTAINS, value="PROJECT 1"), [1]),
        (Filter(field="status", op=FilterOp.IN, value=(ProjectStatus.ACTIVE,)), [1, 2, 3, 4, 5, 6]),
        (Filter(field="status", op=FilterOp.IN, value=(ProjectStatus.CLOSED,)), []),
        (
            Filter(field="client_id", op=FilterOp.IN, value=(mint("cli", "crm", "ACC-00002"),)),
            [2, 5],
        ),
        (Filter(field="client_id", op=FilterOp.IN, value=(mint("cli", "crm", "?"),)), []),
    ],
)
async def test_filters_narrow_alike_at_owner_and_projection(
    firm: Firm, narrowed: Filter, expected: list[int]
) -> None:
    """A filter reaches the owner in its words; every word of a meaning is meant."""
    for row in firm.erp.rows["projects"]:
        n = int(row["project_no"][2:])
        await project(
            firm.pool,
            Project,
            project_id(n),
            System.ERP,
            row["project_no"],
            as_of=LONG_AGO,
            code=row["project_no"],
            name=row["description"],
            status="active",
            client_id=client((n - 1) % 3 + 1),
        )
    for session in (ReadSession(), ReadSession(policy=PROJECTED)):
        page = await firm.reading.page(session, Project, [narrowed], Paging(first=50), NAME)
        assert [r.id for r in page.records] == [project_id(n) for n in expected]
        assert not page.has_next


async def test_a_filter_the_canon_does_not_allow_is_refused(firm: Firm) -> None:
    """No filter is silently dropped."""
    narrowed = Filter(field="tax_id", op=FilterOp.IN, value=("x",))
    with pytest.raises(Invalid, match="cannot be filtered by tax_id"):
        await firm.reading.page(ReadSession(), Client, [narrowed], Paging(first=5), NAME)
    with pytest.raises(Invalid, match="cursor"):
        await firm.reading.page(ReadSession(), Client, [], Paging(first=5, after="%%"), NAME)


async def test_values_are_alike_from_owner_and_projection(firm: Firm) -> None:
    """Money keeps its amount as its owner spells it, enums and references their meaning."""
    fields = frozenset({"code", "name", "client_id", "status", "budget"})
    live = await firm.reading.by_ids(ReadSession(), Project, [project_id(1)], fields)
    values = live[project_id(1)].values
    await project(
        firm.pool,
        Project,
        project_id(1),
        System.ERP,
        "P-001",
        as_of=LONG_AGO,
        code="P-001",
        name="Project 1",
        client_id=client(1),
        status="active",
        budget_amount=values["budget"].amount,
        budget_currency="EUR",
    )
    session = ReadSession(policy=PROJECTED)
    kept = await firm.reading.by_ids(session, Project, [project_id(1)], fields)
    assert {name: kept[project_id(1)].values[name] for name in fields} == values
    assert str(kept[project_id(1)].values["budget"].amount) == "1250.50"


async def test_live_rows_teach_the_cross_reference(firm: Firm) -> None:
    """The owner's and the guest's own keys are linked when they are first seen."""
    rows = await firm.pool.fetch("SELECT system, external_id, record_id FROM xref")
    links = {(r["system"], r["external_id"]): r["record_id"] for r in rows}
    assert links["crm", "ACC-00001"] == links["erp", "C10001"] == client(1)
    assert links["psa", "101"] == project_id(1)


async def test_of_two_guest_rows_for_one_record_the_first_counts(firm: Firm) -> None:
    """A duplicate in a guest changes neither the answer nor the link."""
    firm.psa.rows["projects"].append(
        {"id": 900, "erp_code": "P-001", "health": "red", "version": 1}
    )
    found = await firm.reading.by_ids(
        ReadSession(), Project, [project_id(1)], frozenset({"health"})
    )
    assert found[project_id(1)].values["health"] is Health.GREEN
    assert await firm.xref.resolve([Ref(Project, "psa", "900")]) == {}
