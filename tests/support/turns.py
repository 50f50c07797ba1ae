"""Turns: what only one test process at a time can use, such as the one real Tryton."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

BIG = ("tryton", "kafka")
"""The markers of tests that start a big program with state in the checkout."""

_SLOWEST_FIRST = ("e2e", "fault", "integration", "contract", "property", "conformance", "unit")
_ROOT = Path(__file__).parents[2]


class Turns:
    """The turns of this process, each held from the first test of a module that needs it."""

    def __init__(self) -> None:
        self._held: dict[str, ExitStack] = {}

    def take(self, item: pytest.Item) -> None:
        """Wait until nobody else has what the test needs."""
        folder = _ROOT / ".concord"
        for name in BIG:
            if item.get_closest_marker(name) and name not in self._held:
                self._held[name] = stack = ExitStack()
                folder.mkdir(exist_ok=True)
                lock = stack.enter_context((folder / f"{name}.turn").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)

    def give_back(self) -> None:
        while self._held:
            self._held.popitem()[1].close()


class Shares(LoadScopeScheduling):
    """Shares the tests out among processes, so that none waits for another's turn.

    All modules that need the same big program go to one process; any other module is by itself.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return _big_of(_ROOT / module) or module


def longest_first(item: pytest.Item) -> tuple[int, int]:
    """The order in which modules are begun: what is left at the end should be short."""
    big = _big_of(item.path)
    tier = item.path.relative_to(_ROOT / "tests").parts[0]
    return BIG.index(big) if big else len(BIG), _SLOWEST_FIRST.index(tier)


@cache
def _big_of(module: Path) -> str | None:
    text = module.read_text()
    return next((name for name in BIG if f"mark.{name}" in text), None)
