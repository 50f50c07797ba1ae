"""Draws the contracts: what was agreed for each engagement, and which projects work under it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from itertools import count
from random import Random

from hub.demo.agreements import Agreements
from hub.demo.drawing.changes import draw_changes
from hub.demo.drawing.deliverables import draw_deliverables, draw_retainers
from hub.demo.drawing.dice import TODAY
from hub.demo.engagements import Engagement, Project, Sow
from hub.demo.prices import Prices, PriceVersion

MODELS = ("TM", "MILESTONES", "RETAINER", "TM", "MIXED", "FIXED", "TM")
CONTRACTED = {
    "CLOSED_WON": ("WON",),
    "PROPOSED": ("DRAFT", "UNDER_REVIEW"),
    "CLOSED_LOST": ("REJECTED", None),
}
"""What becomes of the contract of an engagement in each stage, turn by turn; None has none."""

UNSIGNED = ("DRAFT", "UNDER_REVIEW", "REJECTED")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A contract to be: its share of the engagement's amount, and what became of it."""

    engagement: Engagement
    share: Decimal
    outcome: str


def draw_sows(rng: Random, engagements: Sequence[Engagement], prices: Prices) -> list[Sow]:
    """One or two for each won engagement, and one for what is, or was, on offer."""
    return [
        draw_sow(rng, number, offer, prices)
        for number, offer in enumerate(offers(engagements), start=1)
    ]


def offers(engagements: Sequence[Engagement]) -> Iterator[Offer]:
    turns = {stage: count() for stage in CONTRACTED}
    for engagement in engagements:
        if engagement.stage not in CONTRACTED:
            continue
        turn = next(turns[engagement.stage])
        outcomes = CONTRACTED[engagement.stage]
        outcome = outcomes[turn % len(outcomes)]
        is_split = outcome == "WON" and turn % 2 == 1
        for share in (Decimal("0.6"), Decimal("0.4")) if is_split else (Decimal(1),):
            if outcome is not None:
                yield Offer(engagement=engagement, share=share, outcome=outcome)


def draw_sow(rng: Random, number: int, offer: Offer, prices: Prices) -> Sow:
    engagement, share = offer.engagement, offer.share
    is_won = offer.outcome == "WON"
    status = running_status(number, engagement) if is_won else offer.outcome
    is_signed = status not in UNSIGNED
    model = MODELS[number % len(MODELS)]
    contract_no = f"CN-{engagement.starts_on.year}-{number:04d}"
    partner = engagement.client.owner_email
    return Sow(
        number=number,
        engagement=engagement,
        contract_no=contract_no,
        revision=2 if number % 9 == 0 else 1,
        subject=f"{engagement.title}: {'main' if share > Decimal('0.5') else 'additional'} works",
        pricing_model=model,
        status=status,
        ceiling=None if model == "TM" and number % 5 == 0 else engagement.amount * share,
        valid_from=engagement.starts_on,
        valid_to=engagement.ends_on,
        prices=prices_for(engagement, number, prices),
        payment_days=engagement.client.terms_days,
        customer_po=f"PO-{rng.randrange(10**5, 10**6)}" if is_signed else None,
        approved_at=approval(engagement.starts_on) if is_signed else None,
        approver_email=partner if is_signed else None,
        decider_email=partner if status in ("REJECTED", "TERMINATED") else None,
        decision_note=NOTES.get(status),
        document_sha256=sha256(contract_no.encode()).hexdigest() if is_signed else None,
    )


NOTES = {
    "REJECTED": "Below the margin we accept.",
    "TERMINATED": "The client has stopped the programme.",
}


def running_status(number: int, engagement: Engagement) -> str:
    if engagement.starts_on > TODAY:
        return "APPROVED"
    if engagement.ends_on < TODAY:
        return "TERMINATED" if number % 12 == 1 else "COMPLETED"
    return "SUSPENDED" if number % 12 == 0 else "ACTIVE"


def approval(starts_on: date) -> datetime:
    day = min(starts_on - timedelta(days=10), TODAY - timedelta(days=1))
    return datetime(day.year, day.month, day.day, 15, 30, tzinfo=UTC)


def prices_for(engagement: Engagement, number: int, prices: Prices) -> PriceVersion | None:
    """The client's own book where there is one; every third contract has moved to this year's."""
    client = engagement.client
    first_day = engagement.starts_on if number % 3 else max(engagement.starts_on, date(2026, 1, 1))
    for book in reversed(prices.books):
        if book.client is client or (book.client is None and book.currency == client.currency):
            version = prices.published(book, first_day)
            if version is not None:
                return version
    return None


def place_under(sows: Sequence[Sow], projects: Sequence[Project]) -> list[Project]:
    """Each project works under a contract of its engagement; they take turns."""
    by_engagement: dict[str, list[Sow]] = {}
    for sow in sows:
        by_engagement.setdefault(sow.engagement.opportunity_id, []).append(sow)
    turns = {opportunity_id: count() for opportunity_id in by_engagement}
    placed = []
    for project in projects:
        opportunity_id = project.engagement.opportunity_id
        offered = by_engagement[opportunity_id]
        turn = next(turns[opportunity_id])
        placed.append(replace(project, sow=offered[turn % len(offered)]))
    return placed


def draw_agreements(
    rng: Random, prices: Prices, sows: Sequence[Sow], projects: Sequence[Project]
) -> Agreements:
    return Agreements(
        prices=prices,
        sows=list(sows),
        changes=draw_changes(sows, prices),
        deliverables=draw_deliverables(rng, sows, projects),
        retainers=draw_retainers(rng, sows),
    )
