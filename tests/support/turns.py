"""Turns: what only one test process at a time can use, such as the one real Tryton."""

from __future__ import annotations

import fcntl
from contextlib import ExitStack
from pathlib import Path

import pytest

BIG = ("tryton", "kafka")
"""The markers of tests that start a big program with state in the checkout."""

_SLOWEST_FIRST = ("e2e", "fault", "integration", "contract", "property", "conformance", "unit")
_FOLDER = Path(__file__).parents[2] / ".concord"


class Turns:
    """The turns of this process, each held from the first test that needs it in a module."""

    def __init__(self) -> None:
        self._held: dict[str, ExitStack] = {}

    def take(self, item: pytest.Item) -> None:
        """Wait until nobody else has what the test needs."""
        for name in _needs(item):
            if name not in self._held:
                self._held[name] = stack = ExitStack()
                _FOLDER.mkdir(exist_ok=True)
                lock = stack.enter_context((_FOLDER / f"{name}.turn").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)

    def give_back(self) -> None:
        while self._held:
            self._held.popitem()[1].close()


def share_out(items: list[pytest.Item]) -> None:
    """Groups for several processes, the longest first: no process waits for another's turn.

    All tests of a big program are one group, and so are those of each other module.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=_rank)


def _needs(item: pytest.Item) -> list[str]:
    return [name for name in BIG if item.get_closest_marker(name)]


def _group(item: pytest.Item) -> str:
    return next(iter(_needs(item)), item.path.stem)


def _rank(item: pytest.Item) -> tuple[int, int]:
    big, tier = _needs(item), item.path.parent.name
    return BIG.index(big[0]) if big else len(BIG), _SLOWEST_FIRST.index(tier)
