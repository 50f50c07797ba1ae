"""Somebody who gives every dead letter up, so that what waited behind them is applied."""

from __future__ import annotations

import asyncpg
from support.captured import BINDINGS

from cdc.replay import letter_decoder
from sync.apply.parking import LetterState
from sync.clock import utc_now
from sync.dead_letters import DeadLetters
from sync.intake import Intake
from sync.letters import Wanted
from sync.signed import Signed
from sync.xref import Xref

NOBODY = Signed(by="nobody@firm.example", why="It was garbage from the start.")


async def settle_all(pool: asyncpg.Pool) -> None:
    """Discard until none is left: behind one that is given up the next may be garbage too."""
    intake = Intake(pool, Xref(pool), {}, utc_now)
    office = DeadLetters(pool, intake, letter_decoder(BINDINGS))
    while dead := await office.page(Wanted(states=(LetterState.OPEN,)), first=500):
        await office.discard(Wanted(ids=[letter.id for letter in dead]), NOBODY)
