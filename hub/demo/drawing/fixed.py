"""Draws what is billed at a fixed price: accepted milestones, retained periods, what is agreed."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from hub.demo.agreements import Agreements, Deliverable, RetainerPlan
from hub.demo.bills import Billable, Invoice
from hub.demo.engagements import Project


class FixedFees:
    """Fees that invoices take, each once."""

    def __init__(self, agreements: Agreements) -> None:
        self._accepted: dict[str, list[Deliverable]] = defaultdict(list)
        for one in agreements.deliverables:
            if one.project is not None and one.accepted_at is not None and one.fee > 0:
                self._accepted[one.project.project_no].append(one)
        self._retained = {one.sow.number: one for one in agreements.retainers if one.fee > 0}
        self._begun: set[tuple[int, date]] = set()

    def due(self, invoice: Invoice) -> Iterator[Billable]:
        """What the project may bill on the invoice's day beside time and expenses."""
        project, day = invoice.project, invoice.issued_on
        accepted = self._accepted[project.project_no]
        for one in [one for one in accepted if one.accepted_at and one.accepted_at.date() <= day]:
            accepted.remove(one)
            yield _fixed(project, "milestone", day, one.fee, milestone=one.deliverable_id)
        plan = self._retained.get(project.sow.number) if project.sow else None
        if plan is not None and self._begins(plan, day):
            yield _fixed(project, "retainer", day, plan.fee, retainer=plan.plan_id)

    def _begins(self, plan: RetainerPlan, day: date) -> bool:
        """Whether it is the first time that the plan is billed in the month."""
        month = (plan.number, day.replace(day=1))
        if month in self._begun or not plan.first_day <= day <= plan.expires_on:
            return False
        self._begun.add(month)
        return True


def agreed(invoice: Invoice, amount: Decimal) -> Billable:
    """What the invoice bills beyond what the systems can explain."""
    return _fixed(invoice.project, "adjustment", invoice.issued_on, amount)


def _fixed(project: Project, kind: str, day: date, fee: Decimal, **source: str) -> Billable:
    return Billable(
        project=project,
        kind=kind,
        service_from=day,
        service_to=day,
        quantity=Decimal(1),
        unit="unit",
        rate=fee,
        amount=fee,
        milestone=source.get("milestone"),
        retainer=source.get("retainer"),
    )
