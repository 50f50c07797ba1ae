"""Draws a believable firm from a seed number: the same number gives the same firm."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain
from random import Random

from hub.demo import names
from hub.demo.firm import ENTITIES, Client, Engagement, Firm, Invoice, Person, Project

TODAY = date(2026, 11, 20)
FIRST_DAY = date(2025, 5, 20)
MAIL_DOMAIN = "meridian-partners.example"

PEOPLE_PER_ROLE = {
    "Partner": 6,
    "Manager": 10,
    "Senior Consultant": 16,
    "Consultant": 18,
    "Analyst": 10,
}
WON, NOT_WON, PLANNED = 48, 24, 3
INVOICES = 600


def draw_firm(seed: int) -> Firm:
    rng = Random(seed)
    people = draw_people(rng)
    clients = draw_clients(rng, [one for one in people if one.role == "Partner"])
    engagements = draw_engagements(rng, clients)
    projects = draw_projects(rng, engagements, people)
    invoices = number_documents(draw_invoices(rng, projects))
    return Firm(
        people=people,
        clients=clients,
        engagements=engagements,
        projects=projects,
        invoices=invoices,
    )


def draw_people(rng: Random) -> list[Person]:
    roles = list(chain.from_iterable([role] * count for role, count in PEOPLE_PER_ROLE.items()))
    psa_ids = shuffled(rng, len(roles))
    people: list[Person] = []
    for place, role in enumerate(roles):
        first = names.FIRST_NAMES[place % len(names.FIRST_NAMES)]
        last = names.LAST_NAMES[place % len(names.LAST_NAMES)]
        entity = ENTITIES[place % len(ENTITIES)]
        country, time_zone = rng.choice(entity.places)
        hired_on = date(2012, 1, 1) + timedelta(days=rng.randrange(4500))
        is_senior = role in ("Partner", "Manager")
        status = "ACTIVE" if is_senior or rng.random() < 0.86 else "ON_LEAVE"
        people.append(
            Person(
                psa_id=psa_ids[place],
                employee_number=f"E{1001 + place}",
                name=f"{first} {last}",
                email=f"{ascii_word(first)}.{ascii_word(last)}@{MAIL_DOMAIN}",
                worker_type="EMPLOYEE" if is_senior or rng.random() < 0.8 else "CONTRACTOR",
                status=status,
                entity=entity,
                country=country,
                time_zone=time_zone,
                hired_on=hired_on,
                left_on=None,
                role=role,
                skills=sorted(rng.sample(names.SKILLS, rng.randint(2, 5))),
            )
        )
    leavers = [replace(one, status="TERMINATED", left_on=date(2026, 9, 30)) for one in people[-2:]]
    return [*people[:-2], *leavers]


def draw_clients(rng: Random, partners: Sequence[Person]) -> list[Client]:
    count = len(names.CLIENTS)
    customer_numbers, billing_ids, psa_ids = (shuffled(rng, count) for _ in range(3))
    clients = []
    for place, name in enumerate(names.CLIENTS):
        entity = ENTITIES[place % len(ENTITIES)]
        country, _ = rng.choice(entity.places)
        has_vat_id = entity.code != "US01"
        clients.append(
            Client(
                account_id=f"ACC-{place + 1:05d}",
                customer_no=f"C{10000 + customer_numbers[place]}",
                billing_id=f"cus_{billing_ids[place]:06d}",
                psa_id=psa_ids[place],
                name=name,
                segment=rng.choices(("ENTERPRISE", "MIDMARKET", "SMB"), (3, 4, 3))[0],
                owner_email=rng.choice(partners).email,
                entity=entity,
                country=country,
                address=f"{rng.choice(names.STREETS)} {rng.randint(1, 240)}, {entity.city}",
                vat_id=f"{country}{rng.randrange(10**8, 10**9)}" if has_vat_id else None,
                terms_days=rng.choice((14, 30, 30, 45, 60)),
                credit_block=rng.choices(("NONE", "WATCH", "BLOCKED"), (17, 2, 1))[0],
            )
        )
    return clients


def draw_engagements(rng: Random, clients: Sequence[Client]) -> list[Engagement]:
    stages = ["CLOSED_WON"] * WON
    stages += [rng.choice(("QUALIFYING", "PROPOSED", "CLOSED_LOST")) for _ in range(NOT_WON)]
    rng.shuffle(stages)
    upcoming = [place for place, stage in enumerate(stages) if stage == "CLOSED_WON"][-PLANNED:]
    engagements = []
    for place, stage in enumerate(stages):
        if place in upcoming or stage in ("QUALIFYING", "PROPOSED"):
            starts_on = TODAY + timedelta(days=rng.randint(11, 80))
        else:
            starts_on = FIRST_DAY + timedelta(days=rng.randrange(480))
        engagements.append(
            Engagement(
                opportunity_id=f"OPP-{place + 1:05d}",
                client=clients[place % len(clients)],
                title=f"{rng.choice(names.SERVICES)} {starts_on.year}",
                stage=stage,
                amount=Decimal(rng.randint(40, 900) * 1000),
                starts_on=starts_on,
                ends_on=starts_on + timedelta(days=rng.randint(120, 360)),
            )
        )
    return engagements


def draw_projects(
    rng: Random, engagements: Sequence[Engagement], people: Sequence[Person]
) -> list[Project]:
    """Two or three per won engagement, numbered within the month they start in."""
    won = [one for one in engagements if one.stage == "CLOSED_WON"]
    phases = [
        (engagement, phase)
        for place, engagement in enumerate(won)
        for phase in names.PHASES[: 2 + place % 2]
    ]
    starts = [rng.randint(0, 30) for _ in phases]
    psa_ids = shuffled(rng, len(phases))
    numbered: Counter[str] = Counter()
    projects = []
    for place, (engagement, phase) in enumerate(phases):
        start_on = engagement.starts_on + timedelta(days=starts[place])
        month = f"P-{start_on:%y%m}"
        numbered[month] += 1
        project_no = f"{month}-{numbered[month]:03d}"
        projects.append(
            draw_project(rng, project_no, psa_ids[place], engagement, phase, start_on, people)
        )
    return projects


def draw_project(
    rng: Random,
    project_no: str,
    psa_id: int,
    engagement: Engagement,
    phase: str,
    start_on: date,
    people: Sequence[Person],
) -> Project:
    end_on = engagement.ends_on
    status = project_status(rng, start_on, end_on)
    team = draw_team(rng, people)
    hours = rng.randint(20, 300) * 10
    return Project(
        project_no=project_no,
        psa_id=psa_id,
        engagement=engagement,
        name=f"{engagement.title}: {phase}",
        status=status,
        budget_hours=hours,
        budget_amount=Decimal(hours * rng.randint(110, 190)),
        start_on=start_on,
        end_on=end_on,
        manager=team[0],
        team=team,
        percent_done=percent_done(start_on, end_on, status),
        health=rng.choices(("green", "amber", "red"), (7, 2, 1))[0],
    )


def project_status(rng: Random, start_on: date, end_on: date) -> str:
    if start_on > TODAY:
        return "PLANNED"
    if end_on < TODAY:
        return "CLOSED"
    return "ON_HOLD" if rng.random() < 0.08 else "OPEN"


def percent_done(start_on: date, end_on: date, status: str) -> int:
    if status in ("PLANNED", "CLOSED"):
        return 100 if status == "CLOSED" else 0
    return min(95, 100 * (TODAY - start_on).days // max(1, (end_on - start_on).days))


def draw_team(rng: Random, people: Sequence[Person]) -> list[Person]:
    """Three to eight people, a manager first."""
    staffable = [one for one in people if one.status != "TERMINATED"]
    manager = rng.choice([one for one in staffable if one.role == "Manager"])
    others = [one for one in staffable if one.role not in ("Partner", "Manager")]
    return [manager, *rng.sample(others, rng.randint(2, 7))]


def draw_invoices(rng: Random, projects: Sequence[Project]) -> list[Invoice]:
    """In order of issue, so that ids ascend with time; as many per started project."""
    started = [one for one in projects if one.start_on < TODAY - timedelta(days=14)]
    chosen = [started[place % len(started)] for place in range(INVOICES)]
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
    if document_status == "PAID":
        return replace(invoice, paid=invoice.gross or Decimal(0))
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


def shuffled(rng: Random, count: int) -> list[int]:
    """The numbers 1 to `count`: systems met the same records in different orders."""
    numbers = list(range(1, count + 1))
    rng.shuffle(numbers)
    return numbers


def ascii_word(name: str) -> str:
    """The name as it stands in an e-mail address."""
    plain = name.replace("ı", "i").replace("ø", "o").casefold()
    folded = unicodedata.normalize("NFKD", plain)
    return "".join(letter for letter in folded if letter.isascii() and letter.isalnum())
