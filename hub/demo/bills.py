"""What is billed: invoices with lines, tax and payments, holds, and billing events."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from hub.demo.company import Entity
from hub.demo.engagements import Project

CENT = Decimal("0.01")
WITHDRAWN = "The client ordered other work instead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Quantity times price is the net, to the cent."""

    text: str
    quantity: Decimal
    unit: str
    price: Decimal
    net: Decimal
    tax_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLine:
    """The tax of one category of an invoice."""

    code: str
    rate: Decimal
    base: Decimal

    @property
    def tax(self) -> Decimal:
        return (self.base * self.rate).quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A payment as it was applied to an invoice."""

    applied_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """`document_status` and what follows is the ledger's side."""

    invoice_id: str
    project: Project
    amount_net: Decimal
    status: str
    issued_on: date
    due_on: date
    description: str
    document_status: str
    posted_on: date | None
    document_no: str | None
    paid: Decimal
    last_payment_on: date | None
    lines: tuple[Line, ...] = ()
    sent_on: date | None = None
    applications: tuple[Application, ...] = ()
    corrects: str | None = None
    is_disputed: bool = False
    dunning_level: int = 0

    @property
    def entity(self) -> Entity:
        return self.project.engagement.client.entity

    @property
    def currency(self) -> str:
        return self.project.engagement.client.currency

    @property
    def withdrawn(self) -> str | None:
        """Why it was given up, if it was."""
        return WITHDRAWN if self.status == "void" else None

    @property
    def is_in_ledger(self) -> bool:
        return self.document_status != "DRAFT"

    @property
    def tax_lines(self) -> list[TaxLine]:
        """One for each category among the lines."""
        codes = dict.fromkeys(line.tax_code for line in self.lines)
        return [self._tax_line(code) for code in codes]

    @property
    def tax(self) -> Decimal | None:
        if self.posted_on is None:
            return None
        return sum((line.tax for line in self.tax_lines), Decimal(0))

    def _tax_line(self, code: str) -> TaxLine:
        rate = self.entity.tax_rate if code == self.entity.tax_code else Decimal(0)
        base = sum((one.net for one in self.lines if one.tax_code == code), Decimal(0))
        return TaxLine(code=code, rate=rate, base=base)

    @property
    def gross(self) -> Decimal | None:
        return None if self.tax is None else self.amount_net + self.tax

    @property
    def open(self) -> Decimal | None:
        if self.document_status == "CANCELLED":
            return Decimal(0)
        return None if self.gross is None else self.gross - self.paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold on billing; `key` is the id of what it is on, as the system of `scope` calls it."""

    hold_id: str
    scope: str
    key: str
    effect: str
    status: str
    reason: str
    placed_by: str
    placed_at: datetime
    review_by: date
    released_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one line of an invoice took of an event; negative when a credit gives it back."""

    invoice: Invoice
    line: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The frozen price of time, and the rule and the price line it came from."""

    amount: Decimal
    source: str
    line_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What an hour of somebody costs the firm."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Billable:
    """Something of one project that may be billed, before any invoice took of it.

    `costs` are those of the `time_entries`, one by one.
    """

    project: Project
    kind: str
    service_from: date
    service_to: date
    quantity: Decimal
    unit: str
    rate: Decimal
    amount: Decimal
    price: Price | None = None
    time_entries: tuple[int, ...] = ()
    costs: tuple[Cost, ...] = ()
    expenses: tuple[int, ...] = ()
    milestone: str | None = None
    retainer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOff:
    """Who gave something up, when and why."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEvent:
    """`holds` are the holds that stand on it."""

    event_id: str
    billed: Billable
    status: str
    holds: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    write_off: WriteOff | None = None

    @property
    def currency(self) -> str:
        return self.billed.project.engagement.client.currency

    @property
    def invoices(self) -> list[str]:
        return sorted({share.invoice.invoice_id for share in self.shares})

    @property
    def allocations(self) -> list[dict[str, object]]:
        return [
            {
                "invoice": share.invoice.invoice_id,
                "line": share.line,
                "amount": str(share.amount),
                "currency": self.currency,
            }
            for share in self.shares
        ]

    @property
    def taken(self) -> Decimal:
        return sum((share.amount for share in self.shares), Decimal(0))

    @property
    def billing_state(self) -> str:
        """How far the work behind it is billed."""
        if self.write_off:
            return "written_off"
        if not self.shares:
            return "unbilled"
        if self.taken == 0:
            return "credited"
        return "billed" if self.taken == self.billed.amount else "partly_billed"

    @property
    def billed_share(self) -> Decimal:
        return round(self.taken / self.billed.amount, 10)
