"""Draws the people of the firm."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import chain
from random import Random

from hub.demo import names
from hub.demo.company import ENTITIES
from hub.demo.drawing.dice import MAIL_DOMAIN, ascii_word, shuffled
from hub.demo.drawing.size import ROLE_SHARES, Size
from hub.demo.parties import Person

PAIRS = len(names.FIRST_NAMES) * len(names.LAST_NAMES)
"""So many people have different names without a middle initial."""


def draw_people(rng: Random, size: Size) -> list[Person]:
    counts = {role: share * size.sixties for role, share in ROLE_SHARES.items()}
    roles = list(chain.from_iterable([role] * count for role, count in counts.items()))
    psa_ids = shuffled(rng, len(roles))
    people: list[Person] = []
    for place, role in enumerate(roles):
        name = name_of(place)
        entity = ENTITIES[place % len(ENTITIES)]
        country, time_zone = rng.choice(entity.places)
        hired_on = date(2012, 1, 1) + timedelta(days=rng.randrange(4500))
        is_senior = role in ("Partner", "Manager")
        status = "ACTIVE" if is_senior or rng.random() < 0.86 else "ON_LEAVE"
        people.append(
            Person(
                psa_id=psa_ids[place],
                employee_number=f"E{1001 + place}",
                name=" ".join(name),
                email=f"{'.'.join(map(ascii_word, name))}@{MAIL_DOMAIN}",
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


def name_of(place: int) -> list[str]:
    """First and last name, different at each place; a middle initial where the pairs run out."""
    first = names.FIRST_NAMES[place % len(names.FIRST_NAMES)]
    last = names.LAST_NAMES[place % len(names.LAST_NAMES)]
    lap = place // PAIRS
    return [first, f"{chr(ord('A') + lap - 1)}.", last] if lap else [first, last]
