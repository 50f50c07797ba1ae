"""What the firm has agreed on: contracts, what hangs on them, and the prices they are worked at."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from hub.demo.parties import Client, Engagement, Person, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """Prices in one currency; the firm's own when there is no `client`."""

    number: int
    name: str
    currency: str
    client: Client | None

    @property
    def book_id(self) -> str:
        return f"PB-{self.number:05d}"

    @property
    def billing_id(self) -> str:
        return f"pl_{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceVersion:
    number: int
    book: PriceBook
    version_no: int
    effective_on: date
    published_at: datetime | None

    @property
    def version_id(self) -> str:
        return f"PBV-{self.number:05d}"

    @property
    def billing_id(self) -> str:
        return f"plv_{self.number:06d}"

    @property
    def status(self) -> str:
        return "WORKING" if self.published_at is None else "PUBLISHED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sow:
    """A statement of work; systems number it alike, each in its own form."""

    number: int
    engagement: Engagement
    contract_no: str
    revision: int
    subject: str
    pricing_model: str
    status: str
    ceiling: Decimal | None
    valid_from: date
    valid_to: date
    prices: PriceVersion | None
    payment_days: int
    customer_po: str | None
    approved_at: datetime | None
    approver_email: str | None
    decider_email: str | None
    decision_note: str | None
    document_sha256: str | None

    @property
    def sow_id(self) -> str:
        return f"SOW-{self.number:05d}"

    @property
    def erp_id(self) -> str:
        return f"K{50000 + self.number}"

    @property
    def billing_id(self) -> str:
        return f"ctr_{self.number:06d}"

    @property
    def currency(self) -> str:
        return self.engagement.client.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """The price of a role, narrowed by a grade or to one person."""

    number: int
    version: PriceVersion
    role: str
    grade: str | None
    worker: Person | None
    unit_price: Decimal
    step_minutes: int
    overtime: Decimal
    ceiling: Decimal | None

    @property
    def line_id(self) -> str:
        return f"PBL-{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOrder:
    number: int
    sow: Sow
    sequence_no: int
    change_type: str
    status: str
    effective_on: date
    signed_at: datetime | None
    changed_terms: list[dict[str, str | None]]
    rationale: str
    replaces: "ChangeOrder | None"
    approver_email: str | None
    decider_email: str | None
    decision_note: str | None

    @property
    def change_id(self) -> str:
        return f"CHG-{self.number:05d}"

    @property
    def billing_id(self) -> str:
        return f"chg_{self.number:06d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliverable:
    number: int
    sow: Sow
    project: Project | None
    position_no: int
    name: str
    status: str
    due_on: date
    fee: Decimal
    needs_acceptance: bool
    accepted_at: datetime | None
    accepted_by: str | None
    acceptance_link: str | None

    @property
    def deliverable_id(self) -> str:
        return f"DLV-{self.number:05d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainerPlan:
    number: int
    sow: Sow
    billing_period: str
    first_day: date
    fee: Decimal
    included_hours: int
    unused_rule: str
    remaining: Decimal
    expires_on: date

    @property
    def plan_id(self) -> str:
        return f"RTP-{self.number:05d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Versions and lines in the order of their numbers."""

    books: list[PriceBook]
    versions: list[PriceVersion]
    lines: list[PriceLine]

    def published(self, book: PriceBook, day: date) -> PriceVersion | None:
        """The version of the book that prices a day."""
        known = [
            one
            for one in self.versions
            if one.book is book and one.published_at is not None and one.effective_on <= day
        ]
        return max(known, key=lambda one: one.effective_on, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreements:
    prices: Prices
    sows: list[Sow]
    changes: list[ChangeOrder]
    deliverables: list[Deliverable]
    retainers: list[RetainerPlan]
