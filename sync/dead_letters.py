"""The dead letters: shown, edited, tried again, or discarded, always with a name and a reason.

A key's letters are worked off in the order of the log, each in a savepoint of its own, while the
lane's offset is locked: the intake cannot apply a successor meanwhile. Trying again is the same as
applying, so what is applied already, or superseded, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import asyncpg

from schema.errors import NotFound
from sync.apply.parking import LetterClass, class_of
from sync.changes import Incoming, Reject
from sync.intake import Intake, Superseded
from sync.letters import SELECT, WHERE, Chain, DeadLetter, Wanted, letter_of
from sync.outage import UNSTORABLE
from sync.signed import Signed

_PAGE = f"{SELECT} {WHERE} AND id > $6 ORDER BY id LIMIT $7"
_ALL = f"{SELECT} {WHERE} ORDER BY id"
_CHAIN = f"""{SELECT}
WHERE topic = $1 AND partition = $2 AND key IS NOT DISTINCT FROM $3 AND id = coalesce($4, id)
    AND state IN ('open', 'waiting')
ORDER BY "offset" FOR UPDATE
"""
_COUNT = """
SELECT topic, class, reason, state, count(*) AS letters, min(parked_at) AS since
FROM dead_letter WHERE state IN ('open', 'waiting') GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_LOCK = """
SELECT FROM consumer_offset WHERE (consumer, topic, partition) = ($1, $2, $3) FOR UPDATE
"""
_SETTLE = """
UPDATE dead_letter SET state = $2, settled_at = now(), settled_by = $3, settled_why = $4
WHERE id = ANY ($1) AND state IN ('open', 'waiting')
"""
_STILL_DEAD = """
UPDATE dead_letter SET state = 'open', class = $2, reason = $3, detail = $4, attempts = attempts + 1
WHERE id = $1
"""
_EDIT = "UPDATE dead_letter SET edited = $2 WHERE id = $1 AND state IN ('open', 'waiting')"

Decode = Callable[[DeadLetter], Sequence[Incoming]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedOff:
    """How many letters were applied (successors that waited among them), and which stay dead."""

    applied: int
    still_dead: Sequence[int]


class DeadLetters:
    """`decode` says what a letter means, by its edited value if it has one."""

    def __init__(
        self, pool: asyncpg.Pool, intake: Intake, decode: Decode, *, consumer: str = "intake"
    ) -> None:
        self._pool = pool
        self._intake = intake
        self._decode = decode
        self._consumer = consumer

    async def page(self, wanted: Wanted, *, after: int = 0, first: int = 50) -> list[DeadLetter]:
        """The letters that match, oldest first, behind the one with the id `after`."""
        rows = await self._pool.fetch(_PAGE, *wanted.arguments, after, first)
        return [letter_of(row) for row in rows]

    async def count(self) -> list[asyncpg.Record]:
        """Unsettled letters by topic, class, reason and state, and since when."""
        return list(await self._pool.fetch(_COUNT))

    async def retry(self, wanted: Wanted, signed: Signed) -> WorkedOff:
        """Try the letters again, each with what waits behind it. Raises NotFound for none."""
        return await self._work_off_all(await self._found(wanted), signed)

    async def edit(self, letter_id: int, value: bytes, signed: Signed) -> WorkedOff:
        """Try one again with another value; the original stays beside it."""
        letters = await self._found(Wanted(ids=[letter_id]))
        await self._pool.execute(_EDIT, letter_id, value)
        return await self._work_off_all(letters, signed)

    async def discard(self, wanted: Wanted, signed: Signed) -> WorkedOff:
        """Give the letters up, and apply what waited behind them. Raises NotFound for none."""
        letters = await self._found(wanted)
        ids = [letter.id for letter in letters]
        await self._pool.execute(_SETTLE, ids, "discarded", signed.by, signed.why)
        return await self._work_off_all(letters, signed)

    async def _found(self, wanted: Wanted) -> list[DeadLetter]:
        letters = [letter_of(row) for row in await self._pool.fetch(_ALL, *wanted.arguments)]
        if not letters or len(letters) < len(set(wanted.ids)):
            raise NotFound("There is no such unsettled dead letter; list them to see the ids.")
        return letters

    async def _work_off_all(self, letters: Sequence[DeadLetter], signed: Signed) -> WorkedOff:
        applied = 0
        dead: list[int] = []
        for chain in dict.fromkeys(letter.chain for letter in letters):
            worked = await self._work_off(chain, signed)
            applied += worked.applied
            dead += worked.still_dead
        return WorkedOff(applied=applied, still_dead=dead)

    async def _work_off(self, chain: Chain, signed: Signed) -> WorkedOff:
        """Apply a key's letters until one holds the rest."""
        dead: list[int] = []
        applied: list[int] = []
        lane = chain.lane
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_LOCK, self._consumer, lane.topic, lane.partition)
            rows = await connection.fetch(_CHAIN, lane.topic, lane.partition, chain.key, chain.id)
            for letter in map(letter_of, rows):
                reject = await self._attempt(connection, letter)
                if reject is None:
                    applied.append(letter.id)
                    continue
                dead.append(letter.id)
                await _note(connection, letter, reject)
                if class_of(reject.reason) is not LetterClass.BUSINESS:
                    break
            await connection.execute(_SETTLE, applied, "applied", signed.by, signed.why)
            await connection.execute("SELECT pg_notify('projection', '')")
        return WorkedOff(applied=len(applied), still_dead=dead)

    async def _attempt(self, connection: asyncpg.Connection, letter: DeadLetter) -> Reject | None:
        """Apply one letter, or say why it stays dead; then nothing of it was applied."""
        told = self._decode(letter)
        for one in told:
            if isinstance(one, Reject):
                return one
        epochs = {letter.position.topic.partition(".")[0]: letter.epoch}
        try:
            async with connection.transaction():
                identities = await self._intake.take(connection, told, epochs)
        except Superseded:
            return await self._attempt(connection, letter)
        except UNSTORABLE as error:
            return Reject(record=told[0].record, reason="unstorable", detail=str(error))
        return identities.rejects[0] if identities.rejects else None


async def _note(connection: asyncpg.Connection, letter: DeadLetter, reject: Reject) -> None:
    kind = class_of(reject.reason).value
    detail = reject.detail.replace("\0", "")
    await connection.execute(_STILL_DEAD, letter.id, kind, reject.reason, detail)
