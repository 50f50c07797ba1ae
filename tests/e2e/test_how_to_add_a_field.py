"""docs/how-to/add-a-field.md, followed to the letter in a copy of the checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/how-to/add-a-field.md"
COPIED = ("hub", "schema", "resolvers", "cdc", "sync", "docs", "pyproject.toml")
PROBE = """
from sync.connectors.codec import decode
from sync.connectors.crm import CLIENT

print(decode(CLIENT, {"billing_country": "NL"}))
"""

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run a program in a fresh copy of what the guide changes; answers what it printed."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "vendor")
            )
        else:
            shutil.copy(source, tmp_path / name)

    def run(*command: str, told: str = "") -> str:
        done = subprocess.run(
            command, cwd=tmp_path, input=told, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_guide_adds_a_field_that_is_read_printed_and_stored(run: Run, tmp_path: Path) -> None:
    """Its diffs apply, and after its commands the field is where the guide says it is."""
    diffs = re.findall(r"```diff\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert len(diffs) == 2
    for diff in diffs:
        run("git", "apply", told=diff)
    wrote = run(sys.executable, "-m", "hub", "snapshots")
    assert "wrote: schema/schema.graphql" in wrote
    assert run(sys.executable, "-m", "hub", "snapshots", "--check") == ""
    assert run(sys.executable, "-c", PROBE) == "{'country': 'NL'}\n"
    assert "| country | CRM | PSA, ERP, BILLING |" in _text(tmp_path, "docs/reference/ownership.md")
    ddl, sdl = (
        _text(tmp_path, "sync/store/projection.sql"),
        _text(tmp_path, "schema/schema.graphql"),
    )
    assert "\tcountry TEXT" in _part(ddl, "CREATE TABLE projection.client (", ");")
    client = _part(sdl, "type Client implements", "\n}")
    assert "country: String @owner(system: CRM)" in client
    assert "country: String" in _part(sdl, "input UpdateClientInput", "\n}")


def _text(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def _part(text: str, start: str, end: str) -> str:
    """From the first `start` to the next `end`."""
    return text[text.index(start) :].partition(end)[0]
