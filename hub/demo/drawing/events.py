"""Draws billing events: what may be billed, and which invoice lines took how much of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

from hub.demo.bills import Billable, BillingEvent, Hold, Invoice, Share
from hub.demo.drawing.billables import draw_months
from hub.demo.drawing.fixed import FixedFees, agreed
from hub.demo.drawing.write_offs import write_off_of
from hub.demo.firm import Firm

MONTH = timedelta(days=31)
Issued = Mapping[date, Sequence[Invoice]]
Notes = Mapping[tuple[str, int], Invoice]
"""The credit note of a line of an invoice."""


@dataclass(slots=True)
class Open:
    """Something that may be billed, and what was taken of it so far."""

    billed: Billable
    shares: list[Share] = field(default_factory=list)

    @property
    def left(self) -> Decimal:
        return self.billed.amount - sum(share.amount for share in self.shares)

    def take(self, invoice: Invoice, line: int, most: Decimal) -> Decimal:
        """The line's share: what is left, at most `most`."""
        amount = min(self.left, most)
        if amount > 0:
            self.shares.append(Share(invoice=invoice, line=line, amount=amount))
        return amount


def draw_events(firm: Firm) -> Iterator[BillingEvent]:
    """Numbered from 1; the same firm gives the same events. One month is held at a time."""
    fees, notes, holds = FixedFees(firm.agreements), notes_of(firm.invoices), Holds(firm.holds)
    issued = issued_in(firm.invoices, firm.size.billed_since)
    numbers = count(1)
    for month, billables in with_issues(draw_months(firm, firm.size.billed_since), issued):
        for one in take_month(billables, issued.get(next_month(month), ()), fees):
            give_back(one, notes)
            yield event_of(next(numbers), one, holds)


def with_issues(
    months: Iterable[tuple[date, list[Billable]]], issued: Issued
) -> Iterator[tuple[date, list[Billable]]]:
    """The months, and those in which there was nothing but an invoice to come."""
    worked = dict.fromkeys(issued)
    for month, billables in months:
        worked.pop(next_month(month), None)
        yield month, billables
    for issue in worked:
        yield (issue - timedelta(days=1)).replace(day=1), []


def take_month(
    billables: Sequence[Billable], invoices: Sequence[Invoice], fees: FixedFees
) -> Iterator[Open]:
    """Invoices take the time and expenses of the month before, fixed fees, and what was agreed."""
    by_project: dict[str, list[Open]] = defaultdict(list)
    for billed in billables:
        by_project[billed.project.project_no].append(Open(billed))
    for invoice in invoices:
        some = by_project[invoice.project.project_no]
        some += map(Open, fees.due(invoice))
        some += take_lines(invoice, some)
    for some in by_project.values():
        yield from some


def take_lines(invoice: Invoice, some: Sequence[Open]) -> list[Open]:
    """What the lines bill beyond what there is to take, if they do."""
    beyond: dict[int, Decimal] = {}
    for number, line in enumerate(invoice.lines, start=1):
        left = line.net
        for one in some:
            left -= one.take(invoice, number, left)
        if left > 0:
            beyond[number] = left
    if not beyond:
        return []
    rest = Open(agreed(invoice, sum(beyond.values(), Decimal(0))))
    for number, amount in beyond.items():
        rest.take(invoice, number, amount)
    return [rest]


def give_back(one: Open, notes: Notes) -> None:
    """A credit note takes back what its line had taken."""
    for share in list(one.shares):
        note = notes.get((share.invoice.invoice_id, share.line))
        if note is not None:
            one.shares.append(Share(invoice=note, line=1, amount=-share.amount))


class Holds:
    """The holds that stand on events, by the client or project they are on."""

    def __init__(self, holds: Iterable[Hold]) -> None:
        self._by_key: dict[str, list[str]] = defaultdict(list)
        for one in holds:
            if one.status != "released" and one.effect == "block_event":
                self._by_key[one.key].append(one.hold_id)

    def on(self, billed: Billable) -> tuple[str, ...]:
        keys = (billed.project.project_no, billed.project.engagement.client.account_id)
        return tuple(sorted(hold for key in keys for hold in self._by_key.get(key, ())))


def event_of(number: int, one: Open, holds: Holds) -> BillingEvent:
    standing = holds.on(one.billed)
    write_off = None if one.shares else write_off_of(number, one.billed)
    status = "written_off" if write_off else status_of(one.shares, standing)
    is_open = status in ("ready", "held", "allocated")
    return BillingEvent(
        event_id=f"B{number:010d}",
        billed=one.billed,
        status=status,
        holds=standing if is_open else (),
        shares=tuple(one.shares),
        write_off=write_off,
    )


def status_of(shares: Sequence[Share], standing: Sequence[str]) -> str:
    if not shares:
        return "held" if standing else "ready"
    words = {share.invoice.document_status for share in shares}
    if words == {"DRAFT"}:
        return "allocated"
    return "settled" if words == {"PAID"} else "invoiced"


def issued_in(invoices: Iterable[Invoice], since: date) -> Issued:
    """By the month of issue; credits and what is void take nothing."""
    found: dict[date, list[Invoice]] = defaultdict(list)
    for one in invoices:
        if one.corrects is None and one.status != "void" and one.issued_on >= since:
            found[one.issued_on.replace(day=1)].append(one)
    return found


def notes_of(invoices: Sequence[Invoice]) -> Notes:
    lines = {one.invoice_id: len(one.lines) for one in invoices}
    return {(one.corrects, lines[one.corrects]): one for one in invoices if one.corrects}


def next_month(month: date) -> date:
    return (month + MONTH).replace(day=1)
