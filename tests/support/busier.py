"""A firm with all the moves that a busy one has, on top of those of `support.captured`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from support.captured import OPS, Cells, Firm, Kept, Source

from cdc.log.port import NewRecord
from schema.system import System

MOVES = OPS | {"re-insert", "transaction", "no effect", "large", "unlinked", "linked"}
"""Of these a load that proves anything has produced each."""

_LARGE_BYTES = 1150
"""In hex more than Postgres leaves in a row, and less than an index takes."""


class BusyFirm(Firm):
    """Also writes several rows at once, writes what is there already, and has strays.

    A stray is a customer that names no account: it belongs to no record until somebody fills the
    column in. `strays` are the bytes of every one there ever was.
    """

    def __init__(self, seed: int, *, records: int, garbage: float) -> None:
        super().__init__(seed, records=records, garbage=garbage)
        [accounts] = [s for s in self.sources if s.binding.system is System.CRM]
        accounts.make = self._sometimes_large(accounts.make)
        self.strays: list[bytes] = []
        self._astray: dict[int, Source] = {}

    def link_strays(self) -> list[NewRecord]:
        """Somebody fills the column in, of every stray there is."""
        waiting = list(self._astray.items())
        return [record for n, source in waiting for record in self._link(source, n)]

    def _moves(
        self, source: Source, n: int, known: Kept
    ) -> Iterator[tuple[Callable[[], Iterator[NewRecord]], float]]:
        yield from super()._moves(source, n, known)
        yield lambda: self._touch(source, known), 3
        yield lambda: self._transact(source), 3

    def _appear(self, source: Source, n: int) -> Iterator[NewRecord]:
        if n in source.records:
            self.produced["re-insert"] += 1
        elif source.binding.system is System.ERP:
            yield from self._link(source, n) if n in self._astray else self._come(source, n)
            return
        yield from super()._appear(source, n)

    def _come(self, source: Source, n: int) -> Iterator[NewRecord]:
        if self._rng.random() < 0.5:
            yield from super()._appear(source, n)
            return
        self._astray[n] = source
        row = source.make(n, 0, self._rng) | {"crm_account": None}
        stray = self._event(
            source, self._unknown(source, n), "unlinked", row, self._next_version(), row
        )
        self.strays.append(stray.value or b"")
        yield stray

    def _link(self, source: Source, n: int) -> Iterator[NewRecord]:
        del self._astray[n]
        known = source.records[n] = self._unknown(source, n)
        self.produced["linked"] += 1
        yield from self._write(source, n, known, "u")

    def _touch(self, source: Source, known: Kept) -> Iterator[NewRecord]:
        """An update that leaves every value as it was."""
        self.produced["no effect"] += 1
        row = dict(known.row or {})
        yield self._event(source, known, "u", row, self._next_version(), row)

    def _transact(self, source: Source) -> Iterator[NewRecord]:
        """Several rows of one table in one transaction."""
        self.produced["transaction"] += 1
        present = [(n, known) for n, known in source.records.items() if known.row]
        for n, known in self._rng.sample(present, min(len(present), 5)):
            yield from self._write(source, n, known, "u")

    def _sometimes_large(
        self, make: Callable[[int, int, random.Random], Cells]
    ) -> Callable[[int, int, random.Random], Cells]:
        """Names so long that Postgres keeps them beside the row, and leaves them out of updates."""

        def make_large(n: int, version: int, rng: random.Random) -> Cells:
            made = make(n, version, rng)
            if version and rng.random() < 0.05:
                self.produced["large"] += 1
                made["account_name"] += f" {rng.randbytes(_LARGE_BYTES).hex()}"
            return made

        return make_large
