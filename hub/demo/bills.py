"""What is billed: invoices with lines, tax and payments, holds, and billing events."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from hub.demo.company import Entity
from hub.demo.parties import Project

CENT = Decimal("0.01")


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
class BillingEvent:
    event_id: str
    project: Project
    kind: str
    status: str
    service_from: date
    service_to: date
    quantity: Decimal
    rate: Decimal
    unit: str
    amount: Decimal
    hold_id: str | None
    invoice_id: str | None
    shares: tuple[Decimal, ...] = ()

    @property
    def currency(self) -> str:
        return self.project.engagement.client.entity.currency

    @property
    def allocations(self) -> list[dict[str, object]]:
        """The signed shares that invoice lines took of it."""
        if self.invoice_id is None:
            return []
        return [
            {
                "invoice": self.invoice_id,
                "line": line,
                "amount": str(amount),
                "currency": self.currency,
            }
            for line, amount in enumerate(self.shares, start=1)
        ]
