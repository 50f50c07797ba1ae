"""Draws the clients, and what is sold or being sold to them."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import count
from random import Random

from stdnum.de import vat as german
from stdnum.gb import vat as british
from stdnum.nl import btw as dutch

from hub.demo import names
from hub.demo.company import ENTITIES
from hub.demo.drawing.dice import FIRST_DAY, TODAY, shuffled
from hub.demo.drawing.size import Size
from hub.demo.engagements import Engagement
from hub.demo.parties import Client, Person

LANGUAGES = {"NL": "nl-NL", "DE": "de-DE", "GB": "en-GB", "US": "en-US"}
VAT = {"NL": (dutch, "B01"), "DE": (german, ""), "GB": (british, "")}
"""The rule of each country's VAT numbers, and what every one ends in."""

CHANCES = {
    "QUALIFYING": (10, 25, 35),
    "PROPOSED": (50, 65, 80),
    "CLOSED_WON": (100, 100, 100),
    "CLOSED_LOST": (0, 0, 0),
}


def draw_clients(rng: Random, size: Size, partners: Sequence[Person]) -> list[Client]:
    customer_numbers, billing_ids, psa_ids = (shuffled(rng, size.clients) for _ in range(3))
    clients: list[Client] = []
    for place in range(size.clients):
        entity = ENTITIES[place % len(ENTITIES)]
        country, _ = rng.choice(entity.places)
        has_vat_id = entity.code != "US01"
        clients.append(
            Client(
                account_id=f"ACC-{place + 1:05d}",
                customer_no=f"C{10000 + customer_numbers[place]}",
                billing_id=f"cus_{billing_ids[place]:06d}",
                psa_id=psa_ids[place],
                name=client_name(place),
                segment=rng.choices(("ENTERPRISE", "MIDMARKET", "SMB"), (3, 4, 3))[0],
                owner_email=rng.choice(partners).email,
                entity=entity,
                currency=currency_of(size, place),
                country=country,
                address=f"{rng.choice(names.STREETS)} {rng.randint(1, 240)}, {entity.city}",
                vat_id=vat_number(country, rng.randrange(10**8, 10**9)) if has_vat_id else None,
                terms_days=rng.choice((14, 30, 30, 45, 60)),
                credit_block=rng.choices(("NONE", "WATCH", "BLOCKED"), (17, 2, 1))[0],
                trading_as=client_name(place).split()[0] if place % 3 == 1 else None,
                language=LANGUAGES[country],
                parent=clients[place - len(ENTITIES)] if place % 10 == 9 else None,
            )
        )
    return clients


def currency_of(size: Size, place: int) -> str:
    """What the client is billed in: every tenth in a currency that its entity does not keep."""
    is_abroad = size.bills_abroad and place % 10 == 7
    return ENTITIES[(place + is_abroad) % len(ENTITIES)].currency


def vat_number(country: str, start: int) -> str:
    """The first valid VAT number of the country from `start` on."""
    rule, suffix = VAT[country]
    tried = (f"{country}{number}{suffix}" for number in count(start))
    return next(one for one in tried if rule.is_valid(one))


def client_name(place: int) -> str:
    lap, number = divmod(place, len(names.CLIENTS))
    return f"{names.CLIENTS[number]} {lap + 1}" if lap else names.CLIENTS[number]


def draw_engagements(rng: Random, size: Size, clients: Sequence[Client]) -> list[Engagement]:
    stages = ["CLOSED_WON"] * size.won
    stages += [rng.choice(("QUALIFYING", "PROPOSED", "CLOSED_LOST")) for _ in range(size.not_won)]
    rng.shuffle(stages)
    won = [place for place, stage in enumerate(stages) if stage == "CLOSED_WON"]
    upcoming = set(won[-size.upcoming :])
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
                win_chance=CHANCES[stage][place % 3],
                starts_on=starts_on,
                ends_on=starts_on + timedelta(days=rng.randint(120, 360)),
            )
        )
    return engagements
