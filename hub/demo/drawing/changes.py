"""Draws the change orders: what a contract says today is what those in force have made of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hub.demo.agreements import ChangeOrder
from hub.demo.drawing.dice import TODAY
from hub.demo.engagements import Sow
from hub.demo.prices import Prices

NEW_YEAR, NEXT_YEAR = date(2026, 1, 1), date(2027, 1, 1)
STEP = 10_000
AMENDED = ("APPROVED", "ACTIVE", "SUSPENDED", "COMPLETED", "TERMINATED")
RUNNING = ("ACTIVE", "SUSPENDED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change order before it has a number; with `replaces_last`, of the one drawn before it."""

    sow: Sow
    change_type: str
    status: str
    effective_on: date
    terms: list[dict[str, str | None]]
    rationale: str
    replaces_last: bool = False


def draw_changes(sows: Sequence[Sow], prices: Prices) -> list[ChangeOrder]:
    drawn: list[ChangeOrder] = []
    sequence: dict[int, int] = {}
    for change in all_changes(sows, prices):
        sequence[change.sow.number] = sequence.get(change.sow.number, 0) + 1
        replaces = drawn[-1] if change.replaces_last else None
        number = len(drawn) + 1
        drawn.append(numbered(change, number, sequence[change.sow.number], replaces))
    return drawn


def all_changes(sows: Sequence[Sow], prices: Prices) -> Iterator[Change]:
    for sow in sows:
        if sow.status in AMENDED:
            yield from moved_to_new_prices(sow, prices)
        if sow.status in RUNNING:
            yield from raised_ceiling(sow)
            yield from later_end(sow)


def moved_to_new_prices(sow: Sow, prices: Prices) -> Iterator[Change]:
    """A contract of last year that is priced with this year's version was moved to it."""
    if sow.prices is None or sow.valid_from >= NEW_YEAR or sow.prices.effective_on < NEW_YEAR:
        return
    before = prices.published(sow.prices.book, sow.valid_from)
    if before is None or sow.valid_to < NEW_YEAR:
        return
    yield Change(
        sow=sow,
        change_type="RATE",
        status="IN_FORCE",
        effective_on=NEW_YEAR,
        terms=[term("price_book_version_id", before.version_id, sow.prices.version_id)],
        rationale="Yearly indexation.",
    )


def raised_ceiling(sow: Sow) -> Iterator[Change]:
    """In turn: raised once, raised and corrected, agreed for next year, on the table, withdrawn."""
    if sow.ceiling is None:
        return
    effective_on = min(sow.valid_from + timedelta(days=60), TODAY - timedelta(days=20))
    lower, now, higher = sow.ceiling - STEP, sow.ceiling, sow.ceiling + STEP
    between = lower + STEP // 2
    match sow.number % 5:
        case 0:
            yield ceiling(sow, "IN_FORCE", effective_on, (lower, now))
        case 1:
            yield ceiling(sow, "REPLACED", effective_on, (lower, between))
            correction = ceiling(sow, "IN_FORCE", effective_on, (between, now))
            yield replace(correction, replaces_last=True)
        case 2:
            yield ceiling(sow, "APPROVED", NEXT_YEAR, (now, higher))
        case 3:
            yield ceiling(sow, "DRAFT", NEXT_YEAR, (now, higher))
        case _:
            yield ceiling(sow, "VOID", NEXT_YEAR, (now, higher))


def ceiling(sow: Sow, status: str, effective_on: date, amounts: tuple[Decimal, Decimal]) -> Change:
    before, after = amounts
    return Change(
        sow=sow,
        change_type="CEILING",
        status=status,
        effective_on=effective_on,
        terms=[term("ceiling_amount", f"{before:.2f}", f"{after:.2f}")],
        rationale="More work than foreseen.",
    )


def later_end(sow: Sow) -> Iterator[Change]:
    if sow.number % 4 == 0:
        later = sow.valid_to + timedelta(days=60)
        yield Change(
            sow=sow,
            change_type="PERIOD",
            status="DRAFT",
            effective_on=sow.valid_to,
            terms=[term("valid_to", sow.valid_to.isoformat(), later.isoformat())],
            rationale="The client's side needs more time.",
        )


def term(name: str, before: str | None, after: str | None) -> dict[str, str | None]:
    return {"term": name, "old_value": before, "new_value": after}


def numbered(
    change: Change, number: int, sequence_no: int, replaces: ChangeOrder | None
) -> ChangeOrder:
    """Every fourth was signed after the day it counts from: a backdated change."""
    partner = change.sow.engagement.client.owner_email
    is_void = change.status == "VOID"
    is_approved = change.status in ("APPROVED", "IN_FORCE", "REPLACED")
    delay = 12 if number % 4 == 0 else -15
    signed_on = min(change.effective_on + timedelta(days=delay), TODAY - timedelta(days=2))
    signed_at = datetime(signed_on.year, signed_on.month, signed_on.day, 10, 15, tzinfo=UTC)
    return ChangeOrder(
        number=number,
        sow=change.sow,
        sequence_no=sequence_no,
        change_type=change.change_type,
        status=change.status,
        effective_on=change.effective_on,
        signed_at=signed_at if is_approved else None,
        changed_terms=change.terms,
        rationale=change.rationale,
        replaces=replaces,
        approver_email=partner if is_approved else None,
        decider_email=partner if is_void else None,
        decision_note="Settled otherwise with the client." if is_void else None,
    )
