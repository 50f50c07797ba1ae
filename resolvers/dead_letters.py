"""The dead letters in the graph: listed, tried again, edited, given up."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from resolvers.context import Info
from resolvers.filters import checked
from resolvers.paging import After, Connection, Size, paging
from resolvers.scalars import Long
from schema.enums import explained
from schema.errors import Invalid
from sync import dead_letters, letters
from sync.apply.parking import LetterClass, LetterState
from sync.opaque import seal, unseal
from sync.signed import Signed

_CLASSES = {
    LetterClass.POISON: "Nobody can read it.",
    LetterClass.BUSINESS: "It belongs to no record.",
    LetterClass.CONTRACT_BREAK: "Its table lacks what is read of it.",
}
_STATES = {
    LetterState.OPEN: "It waits for somebody.",
    LetterState.WAITING: "It waits for an earlier one of its key.",
    LetterState.APPLIED: "It was tried again and applied.",
    LetterState.SUPERSEDED: "A later row of its key was applied instead.",
    LetterState.DISCARDED: "Somebody gave it up.",
}
explained(LetterClass, "Why a dead letter is dead.", _CLASSES)
explained(LetterState, "Where a dead letter stands.", _STATES)

By = Annotated[str, strawberry.argument(description="Who does it; kept with it.")]
Why = Annotated[str, strawberry.argument(description="Why; kept with it.")]
LetterIds = Annotated[
    list[strawberry.ID], strawberry.argument(description="Ids of unsettled dead letters.")
]


@strawberry.type(description="A record of the log that could not be applied.")
class DeadLetter:
    id: strawberry.ID = strawberry.field(description="Its number.")
    topic: str = strawberry.field(description="`system.schema.table`.")
    partition: int = strawberry.field(description="Where in the log it stands.")
    offset: Long = strawberry.field(description="Where in the partition it stands.")
    letter_class: LetterClass = strawberry.field(name="class", description="Why it is dead.")
    state: LetterState = strawberry.field(description="Where it stands.")
    reason: str = strawberry.field(description="Stable word for what is wrong.")
    detail: str = strawberry.field(description="What is wrong.")
    key: str | None = strawberry.field(description="Its key, base64.")
    value: str | None = strawberry.field(description="Its value as it came, base64.")
    edited: str | None = strawberry.field(description="What is applied instead, base64.")
    attempts: int = strawberry.field(description="How often it was tried again in vain.")
    parked_at: datetime = strawberry.field(description="Since when it is dead.")
    settled_at: datetime | None = strawberry.field(description="When it was settled.")
    settled_by: str | None = strawberry.field(description="By whom.")
    settled_why: str | None = strawberry.field(description="Why.")


@strawberry.type(description="What came of trying dead letters again, or of giving them up.")
class WorkedOff:
    applied: int = strawberry.field(description="Applied now, with what had waited behind them.")
    still_dead: list[strawberry.ID] = strawberry.field(description="Those that stay dead.")


@strawberry.input(description="Which dead letters; all conditions must hold.")
class DeadLetterFilter:
    state: list[LetterState] | None = strawberry.field(
        description="In any of these states; the unsettled ones unless it says others.",
        default=None,
    )
    topic: list[str] | None = strawberry.field(description="Of any of these topics.", default=None)
    reason: list[str] | None = strawberry.field(
        description="With any of these reasons.", default=None
    )
    letter_class: list[LetterClass] | None = strawberry.field(
        name="class", description="Of any of these classes.", default=None
    )


async def list_dead_letters(
    info: Info,
    filter: Annotated[
        DeadLetterFilter | None, strawberry.argument(description="Which ones to list.")
    ] = None,
    first: Size = None,
    after: After = None,
) -> Connection[DeadLetter]:
    size = paging(first, None, None, None).first or 0
    start = 0 if after is None else unseal(after, int, what="cursor")
    office = info.request.services.operations.dead_letters
    found = await office.page(_wanted(filter), after=start, first=size + 1)
    return Connection(
        nodes=[_letter(one) for one in found[:size]],
        cursor_at=lambda at: seal(found[at].id),
        has_next=len(found) > size,
        has_previous=after is not None,
    )


async def retry_dead_letters(
    info: Info,
    by: By,
    why: Why,
    ids: LetterIds,
) -> WorkedOff:
    office = info.request.services.operations.dead_letters
    return _worked(await office.retry(letters.Wanted(ids=numbers_of(ids)), Signed(by=by, why=why)))


async def retry_matching_dead_letters(
    info: Info,
    by: By,
    why: Why,
    filter: Annotated[DeadLetterFilter, strawberry.argument(description="Which ones.")],
) -> WorkedOff:
    office = info.request.services.operations.dead_letters
    return _worked(await office.retry(_wanted(filter), Signed(by=by, why=why)))


async def edit_dead_letter(
    info: Info,
    by: By,
    why: Why,
    id: Annotated[strawberry.ID, strawberry.argument(description="An unsettled dead letter.")],
    value: Annotated[str, strawberry.argument(description="What to apply instead, as text.")],
) -> WorkedOff:
    office = info.request.services.operations.dead_letters
    [number] = numbers_of([id])
    return _worked(await office.edit(number, value.encode(), Signed(by=by, why=why)))


async def discard_dead_letters(info: Info, by: By, why: Why, ids: LetterIds) -> WorkedOff:
    office = info.request.services.operations.dead_letters
    return _worked(
        await office.discard(letters.Wanted(ids=numbers_of(ids)), Signed(by=by, why=why))
    )


def _wanted(filter: DeadLetterFilter | None) -> letters.Wanted:
    asked = checked(filter or DeadLetterFilter())
    return letters.Wanted(
        states=letters.UNSETTLED if asked.state is None else tuple(asked.state),
        topics=asked.topic,
        reasons=asked.reason,
        classes=asked.letter_class,
    )


def numbers_of(ids: Sequence[strawberry.ID]) -> list[int]:
    if not ids or not all(text.isascii() and text.isdigit() for text in ids):
        raise Invalid("Name them by their numbers, as `operations` lists them.")
    return [int(text) for text in ids]


def _worked(worked: dead_letters.WorkedOff) -> WorkedOff:
    dead = [strawberry.ID(str(number)) for number in worked.still_dead]
    return WorkedOff(applied=worked.applied, still_dead=dead)


def _letter(one: letters.DeadLetter) -> DeadLetter:
    position = one.position
    return DeadLetter(
        id=strawberry.ID(str(one.id)),
        topic=position.topic,
        partition=position.partition,
        offset=Long(position.offset),
        letter_class=one.letter_class,
        state=one.state,
        reason=one.reason,
        detail=one.detail,
        key=_base64(one.key),
        value=_base64(one.value),
        edited=_base64(one.edited),
        attempts=one.attempts,
        parked_at=one.parked_at,
        settled_at=one.settled_at,
        settled_by=one.settled_by,
        settled_why=one.settled_why,
    )


def _base64(raw: bytes | None) -> str | None:
    return None if raw is None else base64.b64encode(raw).decode()
