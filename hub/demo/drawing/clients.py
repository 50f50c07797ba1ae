"""Draws the clients, and what is sold or being sold to them."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from random import Random

from hub.demo import names
from hub.demo.company import ENTITIES
from hub.demo.drawing.dice import FIRST_DAY, TODAY, shuffled
from hub.demo.firm import Client, Engagement, Person

WON, NOT_WON, PLANNED = 48, 24, 3


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
