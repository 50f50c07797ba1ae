"""Lists of references stand in the order of ids, whatever came first and whoever filled them."""

from __future__ import annotations

from itertools import permutations

import asyncpg
from support.intaking import Desk

from cdc.log.port import LogRecord
from schema.ids import mint
from sync.connectors.hr import RESOURCE

TEAM, PEOPLE = "psa.public.projects", "psa.public.users"
_TEAMS = "SELECT psa_key, team_ids FROM projection.project"


def person(desk: Desk, number: str) -> LogRecord:
    row = {"id": number, "hr_number": f"E{number}"}
    return desk.event(PEOPLE, {"id": number}, row, "c", lsn=100)


async def test_a_team_is_in_one_order_however_its_people_became_known(pool: asyncpg.Pool) -> None:
    """Each time the project and its three people come in another order, one by one."""
    desk, expected = Desk(pool), dict[str, list[str]]()
    for number, order in enumerate(permutations(["team", "1", "2", "3"])):
        people = [f"{number}{n}" for n in (2, 3, 1)]
        row = {"id": str(number), "erp_code": f"P-{number}", "member_ids": [*people, people[0]]}
        for name in order:
            if name == "team":
                await desk.take(desk.event(TEAM, {"id": str(number)}, row, "c", lsn=100))
            else:
                await desk.take(person(desk, f"{number}{name}"))
        ids = (mint("res", RESOURCE.system.value, f"E{one}") for one in people)
        expected[str(number)] = sorted(ids)
    assert dict(await pool.fetch(_TEAMS)) == expected
