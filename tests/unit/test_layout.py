"""The shape of the project: names, sizes and documents that must stay true."""

from __future__ import annotations

import ast
import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from typer.main import get_command

from hub.cli import cli
from hub.play import QUERIES

ROOT = Path(__file__).parents[2]
PACKAGES = ("hub", "schema", "resolvers", "cdc", "sync")
LONGEST_FILE = 320
LONGEST_FUNCTION = 60
TABLES_AS_LITERALS = ROOT / "hub/demo/rows"


def _sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_provides_one_of_our_packages(name: str) -> None:
    """PyPI's `schema` would overwrite ours; nobody else may bring any of the five names."""
    assert set(packages_distributions().get(name, ["concord"])) == {"concord"}


def test_the_lock_refuses_the_other_schema_and_uploads() -> None:
    """The two guards that work before anything is installed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "schema<0" in project["tool"]["uv"]["constraint-dependencies"]
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]
    assert not re.search(r'^name = "schema"$', (ROOT / "uv.lock").read_text(), re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES)
def test_package_entries_hold_nothing_but_a_docstring(package: str) -> None:
    """`__init__.py` says what a package is for; importing it runs nothing."""
    for path in (ROOT / package).rglob("__init__.py"):
        body = ast.parse(path.read_text()).body
        assert len(body) == 1, path
        assert isinstance(body[0], ast.Expr), path


def test_files_and_functions_stay_readable() -> None:
    """A file of more than a few screens, or a function of more than one, asks to be split."""
    for path in _sources():
        text = path.read_text()
        assert len(text.splitlines()) <= LONGEST_FILE, path
        is_table = path.is_relative_to(TABLES_AS_LITERALS)
        for node in [] if is_table else ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or 0) - node.lineno + 1
                assert length <= LONGEST_FUNCTION, f"{path}:{node.lineno} {node.name}"


def test_every_module_says_what_it_is() -> None:
    """One sentence at the top of each module."""
    for path in _sources():
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_the_readme_is_short_and_its_commands_exist() -> None:
    """The demo stands by line 30; every `make` and `concord` command it names is real."""
    lines = (ROOT / "README.md").read_text().splitlines()
    text = "\n".join(lines)
    assert len(lines) <= 150
    assert any("make demo" in line for line in lines[:30])
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets
    verbs = set(get_command(cli).commands)  # type: ignore[attr-defined]  # a group has commands
    assert set(re.findall(r"`concord ([a-z]+)", text)) <= verbs
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (ROOT / link).exists(), link


def test_the_demo_shows_three_queries() -> None:
    """The banner promises three queries worth pasting."""
    assert len(QUERIES) == 3
