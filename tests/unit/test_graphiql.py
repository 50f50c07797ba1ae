"""GraphiQL: what its tabs propose is valid and can be read, and it needs nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

import hub
import schema

FOLDER = Path(hub.__file__).parent / "graphiql"
SCHEMA = build_schema(Path(schema.__file__).with_name("schema.graphql").read_text())
PROPOSED = re.findall(r"const \w+ = `(.+?)`;", (FOLDER / "page.js").read_text(), re.DOTALL)
WIDTH = 58
"""Characters of the editor's half on a laptop."""


@pytest.mark.parametrize("text", PROPOSED)
def test_what_a_tab_proposes_is_valid_and_fits_its_window(text: str) -> None:
    assert validate(SCHEMA, parse(text)) == []
    assert max(map(len, text.splitlines())) <= WIDTH


def test_every_operation_has_a_tab() -> None:
    assert len(PROPOSED) == (FOLDER / "page.js").read_text().count("{ query: ")


def test_all_it_loads_lies_beside_it() -> None:
    loaded = re.findall(r'(?:src|href)="(?!data:)(.+?)"', (FOLDER / "index.html").read_text())
    assert loaded
    for place in loaded:
        assert (FOLDER.parent / place).is_file()
