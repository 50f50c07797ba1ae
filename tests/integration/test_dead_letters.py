"""Dead letters: what waits behind them, and each way to settle them."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import pytest
from support.envelopes import record
from support.intaking import ACCOUNTS, ACME, DECODER, Desk

from cdc.log.port import LogRecord
from schema.errors import Invalid, NotFound
from sync.apply.parking import LetterClass, LetterState
from sync.changes import Incoming
from sync.dead_letters import DeadLetters, WorkedOff
from sync.letters import DeadLetter, Wanted
from sync.signed import Signed

ANN = Signed(by="ann@firm.example", why="The CRM has been mended.")
GARBLED = b'{"op": "u", "after"'
KEY = {"id": "ACC-00001"}
EVERYTHING = Wanted(states=tuple(LetterState))


def decode(letter: DeadLetter) -> list[Incoming]:
    value = letter.value if letter.edited is None else letter.edited
    told = LogRecord(
        position=letter.position,
        key=letter.key,
        value=value,
        headers=letter.headers,
        appended_at=letter.parked_at,
    )
    return list(DECODER.decode(told))


class Office(Desk):
    """An intake, and the dead letters it makes."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.letters = DeadLetters(pool, self.intake, decode)

    def garbled(self) -> LogRecord:
        return replace_value(self.account("?"), GARBLED)

    async def unsettled(self) -> list[tuple[int, str]]:
        found = await self.letters.page(Wanted())
        return [(one.position.offset, one.state.value) for one in found]


def replace_value(one: LogRecord, value: bytes) -> LogRecord:
    return record(ACCOUNTS, KEY, value, offset=one.position.offset, headers=dict(one.headers))


@pytest.fixture
def office(pool: asyncpg.Pool) -> Office:
    return Office(pool)


async def test_a_key_waits_behind_its_dead_letter_and_others_flow(office: Office) -> None:
    """In the same batch and in later ones; nothing of the key is applied out of order."""
    other = {"id": "ACC-00002", "account_name": "Beta", "segment": "SMB", "owner_email": "b"}
    await office.take(office.account("Acme", lsn=100))
    await office.take(
        office.garbled(),
        office.account("Acme II", lsn=300),
        office.event(ACCOUNTS, {"id": "ACC-00002"}, other, lsn=310),
    )
    await office.take(office.account("Acme III", lsn=400))
    assert await office.name() == "Acme"
    assert await office.unsettled() == [(1, "open"), (2, "waiting"), (4, "waiting")]
    names = "SELECT name FROM projection.client WHERE id <> $1"
    assert await office.pool.fetchval(names, ACME) == "Beta"


async def test_an_edited_letter_is_applied_with_all_that_waited(office: Office) -> None:
    """In order, once; the original bytes stay beside the edit, with who did it and why."""
    good = office.account("Acme", "c", lsn=100)
    bad = replace_value(good, GARBLED)
    await office.take(bad, office.account("Acme II", lsn=200))
    [head, _] = await office.letters.page(Wanted())
    assert (head.value, head.letter_class, head.reason) == (
        *(GARBLED, LetterClass.POISON),
        "bad_json",
    )
    assert good.value is not None
    worked = await office.letters.edit(head.id, good.value, ANN)
    assert worked == WorkedOff(applied=2, still_dead=[])
    assert await office.name() == "Acme II"
    [head, follower] = await office.letters.page(EVERYTHING)
    assert (head.value, head.edited, head.settled_by) == (GARBLED, good.value, ANN.by)
    assert follower.state is LetterState.APPLIED
    await office.take(office.account("Acme III", lsn=300))
    assert await office.name() == "Acme III"


async def test_what_is_still_wrong_stays_dead_and_holds(office: Office) -> None:
    """Trying again counts, changes nothing, and lets no successor pass."""
    await office.take(office.garbled(), office.account("Acme II", lsn=200))
    worked = await office.letters.retry(Wanted(reasons=["bad_json"]), ANN)
    assert (worked.applied, len(worked.still_dead)) == (0, 1)
    [head, follower] = await office.letters.page(Wanted())
    assert (head.attempts, head.state) == (1, LetterState.OPEN)
    assert (follower.attempts, follower.state) == (0, LetterState.WAITING)
    assert await office.name() is None


async def test_a_discarded_letter_lets_its_key_go_on(office: Office) -> None:
    """What waited is applied; the letter stays, with who gave it up and why."""
    await office.take(office.garbled(), office.account("Acme II", lsn=200))
    [head, _] = await office.letters.page(Wanted())
    worked = await office.letters.discard(Wanted(ids=[head.id]), ANN)
    assert worked == WorkedOff(applied=1, still_dead=[])
    assert await office.name() == "Acme II"
    [gone, _] = await office.letters.page(EVERYTHING)
    assert (gone.state, gone.settled_why) == (LetterState.DISCARDED, ANN.why)
    with pytest.raises(NotFound):
        await office.letters.retry(Wanted(ids=[head.id]), ANN)


async def test_a_record_sent_again_changes_nothing_that_was_settled(office: Office) -> None:
    """A restarted capture appends it again, at a later offset: it is as old as it was."""
    first = office.account("Acme", "c", lsn=100)
    await office.take(replace_value(first, GARBLED), office.account("Acme II", lsn=200))
    [head, _] = await office.letters.page(Wanted())
    assert first.value is not None
    await office.letters.edit(head.id, first.value, ANN)
    again = office.account("Acme", "c", lsn=100)
    await office.take(again)
    assert await office.name() == "Acme II"
    assert await office.unsettled() == []


async def test_a_letter_of_an_older_history_does_not_overtake_the_new_one(office: Office) -> None:
    """After a failover positions start low again; the letter is still of the history before."""
    await office.pool.execute("INSERT INTO source_epoch VALUES ('crm', 1)")
    first = office.account("Old", "c", lsn=900)
    await office.take(replace_value(first, GARBLED))
    await office.pool.execute("UPDATE source_epoch SET epoch = 2")
    await office.take(office.account("New", "u", lsn=10))
    [head, follower] = await office.letters.page(Wanted())
    assert (head.epoch, follower.epoch) == (1, 2)
    assert first.value is not None
    await office.letters.edit(head.id, first.value, ANN)
    assert await office.name() == "New"


async def test_a_name_and_a_reason_are_asked_for() -> None:
    with pytest.raises(Invalid, match="who does it, and why"):
        replace(ANN, why=" ")


async def test_a_row_of_nobodys_is_superseded_by_one_that_says_whose_it_is(
    office: Office,
) -> None:
    """A business letter holds nothing back: its system sends the row again when it is mended."""
    customer = {"customer_no": "C1", "crm_account": None, "version": 1}
    table = "erp.public.customers"
    await office.take(office.account("Acme", lsn=100))
    await office.take(office.event(table, {"customer_no": "C1"}, customer, lsn=110))
    [letter] = await office.letters.page(Wanted())
    assert (letter.letter_class, letter.reason) == (LetterClass.BUSINESS, "unlinked")
    mended = customer | {"crm_account": "ACC-00001", "version": 2}
    await office.take(office.event(table, {"customer_no": "C1"}, mended, lsn=120))
    assert await office.unsettled() == []
    [letter] = await office.letters.page(EVERYTHING)
    assert letter.state is LetterState.SUPERSEDED
