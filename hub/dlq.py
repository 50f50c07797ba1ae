"""`concord dlq`: the dead letters, from the command line."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hub.operate import By, Why, with_hub
from schema.errors import NotFound
from sync.apply.parking import LetterClass, LetterState
from sync.dead_letters import DeadLetters, WorkedOff
from sync.letters import UNSETTLED, DeadLetter, Wanted
from sync.signed import Signed

dlq = typer.Typer(
    name="dlq",
    help="Dead letters: what could not be applied, with its bytes, until somebody settles it.",
    no_args_is_help=True,
)

Ids = Annotated[list[int] | None, typer.Argument(help="Letters by id; none: all that match.")]
Id = Annotated[int, typer.Argument(help="The letter.")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="Only of this topic; may be repeated.")
]
Reasons = Annotated[
    list[str] | None, typer.Option("--reason", help="Only with this reason; may be repeated.")
]
Classes = Annotated[
    list[LetterClass] | None, typer.Option("--class", help="Only of this class; may be repeated.")
]
Done = Callable[[DeadLetters], Awaitable[None]]


@dlq.command(name="list")
def list_letters(
    topics: Topics = None,
    reasons: Reasons = None,
    classes: Classes = None,
    is_all: Annotated[bool, typer.Option("--all", help="Settled ones too.")] = False,
    after: Annotated[int, typer.Option(help="Go on behind this id.")] = 0,
) -> None:
    """The unsettled letters, oldest first, fifty at a time."""
    states = tuple(LetterState) if is_all else UNSETTLED
    wanted = Wanted(states=states, topics=topics, reasons=reasons, classes=classes)

    async def show(letters: DeadLetters) -> None:
        Console().print(_table(await letters.page(wanted, after=after)))

    _with_letters(show)


@dlq.command()
def show(letter: Id) -> None:
    """One letter with everything that is known of it."""

    async def tell(letters: DeadLetters) -> None:
        found = await letters.page(Wanted(ids=[letter], states=tuple(LetterState)))
        if not found:
            raise NotFound(f"There is no dead letter {letter}.")
        typer.echo(_described(found[0]))

    _with_letters(tell)


@dlq.command()
def retry(
    by: By,
    why: Why,
    ids: Ids = None,
    topics: Topics = None,
    reasons: Reasons = None,
    classes: Classes = None,
) -> None:
    """Try letters again, and what waits behind them, in order."""
    wanted = Wanted(ids=ids or (), topics=topics, reasons=reasons, classes=classes)
    _settle(lambda letters: letters.retry(wanted, Signed(by=by, why=why)))


@dlq.command()
def edit(
    letter: Id,
    value: Annotated[Path, typer.Option(exists=True, help="A file with the value to apply.")],
    by: By,
    why: Why,
) -> None:
    """Try one letter again with another value; the original is kept."""
    raw = value.read_bytes()
    _settle(lambda letters: letters.edit(letter, raw, Signed(by=by, why=why)))


@dlq.command()
def discard(
    by: By,
    why: Why,
    ids: Annotated[list[int], typer.Argument(help="Letters by id.")],
) -> None:
    """Give letters up; what waits behind them is applied."""
    _settle(lambda letters: letters.discard(Wanted(ids=ids), Signed(by=by, why=why)))


def _settle(settling: Callable[[DeadLetters], Awaitable[WorkedOff]]) -> None:
    """Say what came of it; exits 1 when letters stay dead."""

    async def tell(letters: DeadLetters) -> None:
        worked = await settling(letters)
        typer.echo(f"Applied: {worked.applied}. Still dead: {len(worked.still_dead)}.")
        if worked.still_dead:
            typer.echo(f"See `concord dlq show {worked.still_dead[0]}`.", err=True)
            sys.exit(1)

    _with_letters(tell)


def _with_letters(done: Done) -> None:
    with_hub(lambda hub: done(hub.services.operations.dead_letters))


def _table(letters: list[DeadLetter]) -> Table:
    table = Table("id", "position", "key", "class", "state", "reason", "parked", "tried")
    for one in letters:
        table.add_row(
            *(str(one.id), str(one.position), _text(one.key), one.letter_class.value),
            *(one.state.value, one.reason, f"{one.parked_at:%Y-%m-%d %H:%M}", str(one.attempts)),
        )
    return table


def _described(letter: DeadLetter) -> str:
    told = {
        "position": str(letter.position),
        "class": letter.letter_class.value,
        "state": letter.state.value,
        "reason": letter.reason,
        "detail": letter.detail,
        "parked": letter.parked_at.isoformat(),
        "tried again": str(letter.attempts),
        "key": _text(letter.key),
        "value": _text(letter.value),
        "edited": _text(letter.edited),
        **{f"header {name}": _text(raw) for name, raw in letter.headers.items()},
        "settled": letter.settled_at.isoformat() if letter.settled_at else "-",
        "by": letter.settled_by or "-",
        "why": letter.settled_why or "-",
    }
    return "\n".join(f"{name:12} {text}" for name, text in told.items())


def _text(raw: bytes | None) -> str:
    return "-" if raw is None else raw.decode(errors="backslashreplace")
