"""Draws the invoices: what billing drafted, and how far the ledger is with it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hub.demo import names
from hub.demo.bills import Invoice
from hub.demo.drawing.dice import TODAY
from hub.demo.drawing.size import Size
from hub.demo.engagements import Project


def draw_invoices(rng: Random, size: Size, projects: Sequence[Project]) -> list[Invoice]:
    """In order of issue, so that ids ascend with time; as many per started project."""
    started = [one for one in projects if one.start_on < TODAY - timedelta(days=14)]
    chosen = [started[place % len(started)] for place in range(size.invoices)]
    issued = [(draw_issue_day(rng, one), one.project_no, one) for one in chosen]
    return [
        draw_invoice(rng, f"in_{place:06d}", project, issued_on)
        for place, (issued_on, _, project) in enumerate(sorted(issued, key=lambda one: one[:2]), 1)
    ]


def draw_issue_day(rng: Random, project: Project) -> date:
    last = min(project.end_on + timedelta(days=30), TODAY)
    return project.start_on + timedelta(days=rng.randint(7, (last - project.start_on).days))


def draw_invoice(rng: Random, invoice_id: str, project: Project, issued_on: date) -> Invoice:
    due_on = issued_on + timedelta(days=project.engagement.client.terms_days)
    age = (TODAY - issued_on).days
    status, document_status = draw_statuses(rng, age)
    is_posted = document_status in ("POSTED", "PART_PAID", "PAID")
    has_payment = document_status in ("PART_PAID", "PAID")
    paid_on = min(due_on + timedelta(days=rng.randint(-10, 20)), TODAY)
    net = Decimal(rng.randint(3000, 60000)) + Decimal(rng.randrange(0, 100, 5)) / 100
    invoice = Invoice(
        invoice_id=invoice_id,
        project=project,
        amount_net=net,
        status=status,
        issued_on=issued_on,
        due_on=due_on,
        description=f"{rng.choice(names.WORK)}, {issued_on:%B %Y}",
        document_status=document_status,
        posted_on=min(issued_on + timedelta(days=rng.randint(0, 3)), TODAY) if is_posted else None,
        document_no=None,
        paid=Decimal(0),
        last_payment_on=max(paid_on, issued_on) if has_payment else None,
    )
    if document_status == "PART_PAID":
        return replace(invoice, paid=Decimal(int(net) // rng.randint(2, 4)))
    return invoice


def draw_statuses(rng: Random, age_days: int) -> tuple[str, str]:
    """Billing's status and the ledger's, as believable at that age."""
    if age_days < 10:
        return rng.choice(("draft", "draft", "approved")), "DRAFT"
    if rng.random() < 0.015:
        return "void", "CANCELLED"
    if age_days < 30:
        return "approved", rng.choice(("DRAFT", "POSTED", "POSTED"))
    weights = (30, 15, 55) if age_days < 90 else (4, 4, 92)
    return "approved", rng.choices(("POSTED", "PART_PAID", "PAID"), weights)[0]


def number_documents(invoices: Sequence[Invoice]) -> list[Invoice]:
    """Posted documents get gap-free numbers per entity and year, in the order of posting."""
    last: Counter[str] = Counter()
    numbers: dict[str, str] = {}
    posted = [(one.posted_on, one) for one in invoices if one.posted_on is not None]
    for posted_on, invoice in sorted(posted, key=lambda pair: (pair[0], pair[1].invoice_id)):
        series = f"{invoice.project.engagement.client.entity.code}-{posted_on.year}"
        last[series] += 1
        numbers[invoice.invoice_id] = f"{series}-{last[series]:05d}"
    return [replace(one, document_no=numbers.get(one.invoice_id)) for one in invoices]
