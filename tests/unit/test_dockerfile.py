"""The image holds this version of all our packages, and no more of the checkout."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from typer.main import get_command

from hub.cli import cli

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text().replace("\\\n", "").splitlines()
IGNORED = (ROOT / ".dockerignore").read_text().split()
PACKAGES = set(
    tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["build-backend"][
        "module-name"
    ]
)


def test_the_builder_gets_every_package_and_nothing_else() -> None:
    copied = [line.split()[1:-1] for line in LINES if re.match(r"COPY (?!--from)", line)]
    admitted = {entry.removeprefix("!") for entry in IGNORED if entry.startswith("!")}
    assert IGNORED[0] == "*"
    assert admitted == {name for names in copied for name in names}
    assert {name for name in admitted if (ROOT / name).is_dir()} == PACKAGES


def test_our_wheel_is_built_from_the_sources_that_were_copied() -> None:
    """uv takes one from its cache while pyproject.toml is the same, whatever the sources say."""
    [last] = [n for n, line in enumerate(LINES) if line.startswith("COPY sync")]
    [installs] = [line for line in LINES[last:] if "uv sync" in line]
    assert "--refresh-package concord" in installs


def test_the_roles_it_names_are_commands() -> None:
    [roles] = re.findall(r"the role is the subcommand: (.+)\.", LINES[0])
    commands: Any = get_command(cli)
    assert set(roles.split(", ")) <= commands.commands.keys()


def test_it_runs_as_nobody_in_particular() -> None:
    [user] = [line.split()[1] for line in LINES if line.startswith("USER ")]
    assert int(user) >= 1000
