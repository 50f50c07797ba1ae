"""Turns: what only one test process at a time can use, such as the one real Tryton."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIG = ("tryton", "kafka")
"""The markers of tests that start a big program with state in the checkout."""

_FOLDER = Path(__file__).parents[2] / ".concord"


@contextmanager
def turn_of(name: str) -> Iterator[None]:
    """Wait until nobody else has the turn; it ends with the block, or with the process."""
    _FOLDER.mkdir(exist_ok=True)
    with (_FOLDER / f"{name}.turn").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
