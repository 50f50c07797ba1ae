"""The tour says so when a step does not hold, and why."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import cast

from rich.console import Console

from hub.guide import Guide, Unkept
from hub.story import STORY
from hub.tour import _tell


async def _holds(_: Guide) -> str:
    return "it did"


async def _breaks(_: Guide) -> str:
    raise Unkept("the copy never came")


async def test_a_step_that_holds_is_told_with_its_outcome() -> None:
    """A tick, the title, what happened and how long it took."""
    out = io.StringIO()
    assert await _tell(Console(file=out, width=200), 1, "A step", _holds, cast(Guide, None))
    assert "1. ✓ A step: it did (" in out.getvalue()


async def test_a_step_that_does_not_hold_ends_the_tour_with_the_reason() -> None:
    """A cross and the reason; the exit code follows from the answer."""
    out = io.StringIO()
    assert not await _tell(Console(file=out, width=200), 5, "A copy", _breaks, cast(Guide, None))
    assert "5. ✗ A copy: the copy never came" in out.getvalue()


def test_the_readme_tells_the_same_story() -> None:
    """Its listing has every step, in order and by its title."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    told = re.findall(r"^(\d)\. ✓ ([^:]+):", readme, re.MULTILINE)
    assert told == [(str(n), title) for n, (title, _) in enumerate(STORY, start=1)]
