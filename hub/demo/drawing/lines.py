"""Draws what invoices say line by line, and the payments one by one; every sum is exact."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from hub.demo.bills import CENT, Application, Invoice, Line
from hub.demo.company import Entity
from hub.demo.drawing.dice import TODAY

FEES = (
    ("Partner", Decimal("310.00")),
    ("Manager", Decimal("225.00")),
    ("Senior Consultant", Decimal("172.00")),
    ("Consultant", Decimal("138.00")),
)
ITEMS = ("Project management", "Deliverable, agreed share", "Travel, lump sum", "Quality review")
EXEMPT = "E"
QUARTER = Decimal("0.25")


def split(total: Decimal, weights: Sequence[int]) -> list[Decimal]:
    """Cents by largest remainder, ties in the order given; the parts add up to the total."""
    cents = int(total / CENT)
    shares = [divmod(cents * weight, sum(weights)) for weight in weights]
    left = cents - sum(share for share, _ in shares)
    by_remainder = sorted(range(len(weights)), key=lambda place: -shares[place][1])
    ups = set(by_remainder[:left])
    return [(share + (place in ups)) * CENT for place, (share, _) in enumerate(shares)]


def itemise(rng: Random, invoice: Invoice) -> Invoice:
    """The invoice with its lines, the day it was sent, and its payments.

    A paid one is paid in full again, for its lines decide about its tax.
    """
    lined = replace(invoice, lines=tuple(draw_lines(rng, invoice)))
    if lined.document_status == "PAID":
        lined = replace(lined, paid=lined.gross or Decimal(0))
    return draw_trouble(rng, draw_payments(rng, draw_sending(rng, lined)))


def draw_lines(rng: Random, invoice: Invoice) -> list[Line]:
    """Work by the hour and one line for the rest, or items that share the amount."""
    entity, net = invoice.entity, invoice.amount_net
    if invoice.description.startswith(("Milestone", "Retainer")):
        items = rng.sample(ITEMS, rng.randint(1, 3))
        parts = split(net, [rng.randint(2, 9) for _ in items])
        return [item(text, part, entity.tax_code) for text, part in zip(items, parts, strict=True)]
    fees = rng.sample(FEES, rng.randint(1, 3))
    shares = split(net * Decimal("0.9"), [rng.randint(2, 9) for _ in fees])
    hours = [work(*fee, share, entity) for fee, share in zip(fees, shares, strict=True)]
    rest = net - sum((line.net for line in hours), Decimal(0))
    return [*hours, item("Expenses, lump sum", rest, tax_code_of_rest(rng, entity))]


def work(role: str, price: Decimal, share: Decimal, entity: Entity) -> Line:
    """As many quarters of an hour as the share pays for."""
    hours = share // (price * QUARTER) * QUARTER
    return Line(
        text=f"{role}, hours as agreed",
        quantity=hours,
        unit="hour",
        price=price,
        net=(hours * price).quantize(CENT),
        tax_code=entity.tax_code,
    )


def item(text: str, net: Decimal, tax_code: str) -> Line:
    return Line(text=text, quantity=Decimal(1), unit="item", price=net, net=net, tax_code=tax_code)


def tax_code_of_rest(rng: Random, entity: Entity) -> str:
    """Some of what is passed on bears no tax."""
    return EXEMPT if entity.tax_rate and rng.random() < 0.2 else entity.tax_code


def draw_sending(rng: Random, invoice: Invoice) -> Invoice:
    """Most are sent within days; what has been paid since keeps its status."""
    if invoice.posted_on is None:
        return invoice
    sent_on = invoice.posted_on + timedelta(days=rng.randint(0, 4))
    if sent_on > TODAY:
        return invoice
    is_open = invoice.document_status == "POSTED"
    status = "SENT" if is_open else invoice.document_status
    return replace(invoice, sent_on=sent_on, document_status=status)


def draw_trouble(rng: Random, invoice: Invoice) -> Invoice:
    """What is overdue is reminded of, every few weeks; some of it is disputed."""
    is_open = invoice.document_status in ("SENT", "PART_PAID")
    weeks_late = (TODAY - invoice.due_on).days // 14
    if not is_open or weeks_late < 1:
        return invoice
    is_disputed = rng.random() < 0.2
    return replace(invoice, dunning_level=min(weeks_late, 3), is_disputed=is_disputed)


def draw_payments(rng: Random, invoice: Invoice) -> Invoice:
    """Paid at once or in two parts, the last on the known day."""
    last = invoice.last_payment_on
    if last is None or invoice.posted_on is None:
        return invoice
    days = [last]
    if rng.random() < 0.15 and last > invoice.posted_on:
        days.insert(0, invoice.posted_on + (last - invoice.posted_on) // 2)
    parts = split(invoice.paid, [rng.randint(1, 5) for _ in days])
    pairs = zip(days, parts, strict=True)
    applications = tuple(Application(applied_on=day, amount=part) for day, part in pairs)
    return replace(invoice, applications=applications)
