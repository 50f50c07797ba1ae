"""Routing: a mutation reaches the one owner of its fields, once per idempotency key."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from support.owners import crm, erp

from schema.canon import Client, Project
from schema.entities.client import Segment
from schema.errors import (
    ConcordError,
    Conflict,
    InFlight,
    Invalid,
    KeyRequired,
    KeyReused,
    NotAllowed,
    NotFound,
    NotOwned,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from schema.ids import mint
from schema.money import Money
from schema.system import System
from sync.clock import utc_now
from sync.policy import Paging
from sync.reading import Reading
from sync.routing import Routing, Written
from sync.session import ReadSession
from sync.token import unseal_token
from sync.write.idempotency import SETTLE
from sync.xref import Xref

CLIENT = mint("cli", "crm", "ACC-00001")
PROJECT = mint("prj", "erp", "P-001")
LOST = OutcomeUnknown("the answer got lost", system=System.ERP)


class Desk:
    """Routing over two owners in memory, with a clock to move."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.now = utc_now()
        self.crm, self.erp = crm(), erp()
        owners = {System.CRM: self.crm, System.ERP: self.erp}
        xref = Xref(pool)
        self.reading = Reading(owners, xref, pool, self.clock, timedelta(seconds=2))
        self.routing = Routing(
            owners, self.reading, xref, pool, self.clock, acts={System.ERP: self.erp}
        )

    def clock(self) -> datetime:
        return self.now

    async def create(self, key: str | None = "k1", **values: Any) -> Written:
        wanted = {"name": "Audit", "client_id": CLIENT, **values}
        return await self.routing.create(Project, wanted, idempotency_key=key)

    def created(self) -> list[dict[str, Any]]:
        return [r for r in self.erp.rows["projects"] if r["hub_reference"]]


@pytest.fixture
async def desk(pool: asyncpg.Pool) -> Desk:
    desk = Desk(pool)
    fields = frozenset({"name", "payment_terms_days"})
    await desk.reading.page(ReadSession(), Client, [], Paging(first=50), fields)
    return desk


async def test_an_update_reaches_the_owner_and_answers_a_token(desk: Desk) -> None:
    """The owner's row comes back decoded; the token names its new version."""
    patch = {"name": "Renamed", "segment": Segment.ENTERPRISE}
    written = await desk.routing.update(Client, CLIENT, patch, owner=System.CRM)
    assert written.record.values["name"] == "Renamed"
    assert desk.crm.rows["accounts"][0]["segment"] == "ENT"
    token = unseal_token(written.token)
    assert (token.record_id, token.system, token.version) == (CLIENT, System.CRM, 2)


@pytest.mark.parametrize(
    ("patch", "owner", "words"),
    [
        ({"payment_terms_days": 9}, System.CRM, "paymentTermsDays belongs to ERP, not to CRM"),
        ({"name": "x", "payment_terms_days": 9}, None, "one mutation per owner"),
        ({"name": "x", "payment_terms_days": 9}, System.CRM, "with owner ERP"),
    ],
)
async def test_a_field_of_another_owner_writes_nothing(
    desk: Desk, patch: dict[str, Any], owner: System | None, words: str
) -> None:
    """The refusal names the field, its owner and what to do; nobody is called."""
    with pytest.raises(NotOwned, match=words):
        await desk.routing.update(Client, CLIENT, patch, owner=owner)
    assert desk.crm.calls["update"] == desk.erp.calls["update"] == 0


@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({}, "at least one field"),
        ({"shoe_size": 4}, "no field shoeSize"),
        ({"tax_id": "NL9"}, "taxId is set by ERP itself"),
    ],
)
async def test_what_cannot_be_written_is_refused(
    desk: Desk, patch: dict[str, Any], words: str
) -> None:
    """Empty, unknown and read-only fields each say what is wrong."""
    with pytest.raises(Invalid, match=words):
        await desk.routing.update(Client, CLIENT, patch)


async def test_an_unknown_record_is_not_found(desk: Desk) -> None:
    """No owner is written for an id that nobody has met; a foreign id is refused."""
    with pytest.raises(NotFound):
        await desk.routing.update(Client, mint("cli", "crm", "?"), {"name": "x"})
    with pytest.raises(Invalid, match="names one of the Projects"):
        await desk.routing.update(Client, mint("prj", "erp", "P-001"), {"name": "x"})


async def test_a_stale_version_is_a_conflict_and_frees_the_key(desk: Desk) -> None:
    """After the conflict the same key may carry a corrected request."""
    with pytest.raises(Conflict):
        await desk.routing.update(Client, CLIENT, {"name": "x"}, version=7, idempotency_key="k")
    written = await desk.routing.update(
        Client, CLIENT, {"name": "x"}, version=1, idempotency_key="k"
    )
    assert written.record.values["name"] == "x"


async def test_a_lost_update_is_found_applied(desk: Desk) -> None:
    """The version guard of a repeated update does not mistake its own effect for a conflict."""
    desk.crm.write_fault = LOST
    update = desk.routing.update
    with pytest.raises(OutcomeUnknown):
        await update(Client, CLIENT, {"name": "x"}, version=1, idempotency_key="k")
    desk.crm.write_fault = None
    written = await update(Client, CLIENT, {"name": "x"}, version=1, idempotency_key="k")
    assert unseal_token(written.token).version == 2
    assert desk.crm.calls["update"] == 1


async def test_a_created_record_is_linked_and_readable_by_id(desk: Desk) -> None:
    """The owner gets its own client number and the hub's reference; the id works at once."""
    written = await desk.create(budget=Money(amount=Decimal("10.50"), currency="EUR"))
    (row,) = desk.created()
    assert (row["customer_no"], row["budget_amount"]) == ("C10001", "10.50")
    found = await desk.reading.by_ids(
        ReadSession(), Project, [written.record.id], frozenset({"name"})
    )
    assert found[written.record.id].values["client_id"] == CLIENT


async def test_the_same_key_gives_the_same_answer_and_no_second_effect(desk: Desk) -> None:
    """Answers are equal, field by field, and the owner is not asked again."""
    first = await desk.create()
    desk.now += timedelta(hours=1)
    assert await desk.create() == first
    assert desk.erp.calls["create"] == 1


async def test_keys_are_required_and_bound_to_their_request(desk: Desk) -> None:
    """No key, a blank key, and a key with other input are three different refusals."""
    with pytest.raises(KeyRequired):
        await desk.create(key=None)
    with pytest.raises(Invalid, match="1 to 200 characters"):
        await desk.create(key="  ")
    await desk.create()
    with pytest.raises(KeyReused):
        await desk.create(name="Other")
    with pytest.raises(KeyRequired):
        await desk.routing.act(Project, mint("prj", "erp", "x"), "post", {}, idempotency_key=None)


async def test_a_reference_the_owner_does_not_know_is_named(desk: Desk) -> None:
    """A client without an ERP number cannot get a project there."""
    stranger = mint("cli", "crm", "?")
    with pytest.raises(Invalid, match=f"clientId: ERP knows no Client {stranger}"):
        await desk.create(client_id=stranger)


async def test_a_guests_field_in_a_create_is_refused(desk: Desk) -> None:
    """Creating is the anchor's; other owners' fields come in mutations of their own."""
    with pytest.raises(NotOwned, match="completedShare belongs to PSA"):
        await desk.create(completed_share=Decimal("0.03"))


async def test_a_hundred_parallel_creates_have_one_effect(desk: Desk) -> None:
    """One key at once from everywhere: one record, and every answer is it or IN_FLIGHT."""
    desk.erp.seconds = 0.02
    answers = await asyncio.gather(*(desk.create() for _ in range(100)), return_exceptions=True)
    written = [a for a in answers if isinstance(a, Written)]
    assert len(desk.created()) == 1
    assert written
    assert all(answer == written[0] for answer in written)
    assert {type(a) for a in answers if not isinstance(a, Written)} <= {InFlight}


@pytest.mark.parametrize(
    "refusal", [Rejected("closed", system=System.ERP), Unavailable("down"), Invalid("no")]
)
async def test_a_definite_refusal_frees_the_key(desk: Desk, refusal: ConcordError) -> None:
    """The owner's words arrive as they are, and the key can be used again."""
    desk.erp.refusal = refusal
    with pytest.raises(type(refusal), match=refusal.message):
        await desk.create()
    desk.erp.refusal = None
    await desk.create(name="Corrected")
    assert len(desk.created()) == 1


async def test_a_lost_create_is_found_and_adopted(desk: Desk) -> None:
    """After a timeout that hid the effect, the same key finds the record instead of a second."""
    desk.erp.write_fault = LOST
    with pytest.raises(OutcomeUnknown):
        await desk.create()
    desk.erp.write_fault = None
    await desk.create()
    assert len(desk.created()) == desk.erp.calls["create"] == 1


async def test_a_lost_create_that_cannot_be_seen_yet_is_waited_for(desk: Desk) -> None:
    """Until the settle time has passed nothing is created again; after it, one is."""
    desk.erp.refusal = LOST
    with pytest.raises(OutcomeUnknown):
        await desk.create()
    desk.erp.refusal = None
    with pytest.raises(InFlight, match="may still be creating"):
        await desk.create()
    desk.erp.fault = Unavailable("down")
    with pytest.raises(Unavailable):
        await desk.create()
    desk.erp.fault = None
    with pytest.raises(InFlight, match="may still be creating"):
        await desk.create()
    desk.now += SETTLE
    await desk.create()
    assert len(desk.created()) == 1


@pytest.mark.parametrize("is_after_effect", [True, False])
async def test_a_crash_is_resumed_by_looking(desk: Desk, is_after_effect: bool) -> None:
    """A process that died around the owner's call leaves a key that works after 30 seconds."""
    crash = asyncio.CancelledError()
    desk.erp.write_fault, desk.erp.refusal = (crash, None) if is_after_effect else (None, crash)  # type: ignore[assignment]
    with pytest.raises(asyncio.CancelledError):
        await desk.create()
    desk.erp.write_fault = desk.erp.refusal = None
    with pytest.raises(InFlight, match="still running"):
        await desk.create()
    desk.now += SETTLE + timedelta(seconds=1)
    answers = await asyncio.gather(*(desk.create() for _ in range(10)), return_exceptions=True)
    assert any(isinstance(a, Written) for a in answers)
    assert len(desk.created()) == 1


async def test_two_records_with_one_reference_are_a_duplicate(desk: Desk) -> None:
    """Which one to keep is for people to decide."""
    desk.erp.write_fault = LOST
    with pytest.raises(OutcomeUnknown):
        await desk.create()
    desk.erp.rows["projects"].append({**desk.created()[0], "project_no": "P-900"})
    with pytest.raises(Rejected) as refused:
        await desk.create()
    assert refused.value.owner_code == "DUPLICATE_IN_TARGET"


async def test_an_unknown_action_is_refused(desk: Desk) -> None:
    """The refusal lists what the type can do."""
    with pytest.raises(Invalid, match="Client has no actions"):
        await desk.routing.act(Client, CLIENT, "dance", {}, idempotency_key="k")
    with pytest.raises(Invalid, match="no action dance; it has provision, activate"):
        await desk.routing.act(Project, PROJECT, "dance", {}, idempotency_key="k")


async def test_a_step_the_lifecycle_lacks_is_not_sent(desk: Desk) -> None:
    """An active project cannot be resumed; the error names what can be asked for."""
    await desk.reading.page(ReadSession(), Project, [], Paging(first=5), frozenset({"name"}))
    with pytest.raises(NotAllowed, match="Project is ACTIVE") as refused:
        await desk.routing.act(Project, PROJECT, "resume", {}, idempotency_key="k")
    assert refused.value.allowed == ("suspend", "wind_down")
    assert desk.erp.calls["resume"] == 0


async def test_an_action_is_carried_out_once_and_never_guessed_at(desk: Desk) -> None:
    """The same key repeats the answer; a lost action stays unknown instead of being sent again."""
    await desk.reading.page(ReadSession(), Project, [], Paging(first=5), frozenset({"name"}))

    async def wind_down(key: str) -> Written:
        return await desk.routing.act(Project, PROJECT, "wind_down", {}, idempotency_key=key)

    first = await wind_down("k1")
    assert await wind_down("k1") == first
    assert unseal_token(first.token).version == 2
    desk.erp.write_fault = LOST
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            await wind_down("k2")
    assert desk.erp.calls["wind_down"] == 2
