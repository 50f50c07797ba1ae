"""Draws the people of the firm."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import chain
from random import Random

from hub.demo import names
from hub.demo.company import ENTITIES
from hub.demo.drawing.dice import MAIL_DOMAIN, ascii_word, shuffled
from hub.demo.firm import Person

PEOPLE_PER_ROLE = {
    "Partner": 6,
    "Manager": 10,
    "Senior Consultant": 16,
    "Consultant": 18,
    "Analyst": 10,
}


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
