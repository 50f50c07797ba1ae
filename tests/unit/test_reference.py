"""The reference pages that derive from the code."""

from __future__ import annotations

import re

from hub.reference import errors_page
from resolvers.errors import DOCUMENT_CODES
from sync.connectors.http import KeyRefused


def test_every_code_is_listed_once() -> None:
    """A class that goes by its parent's code, such as a connector's own, adds no line."""
    listed = re.findall(r"^\| `([A-Z_]+)` \|", errors_page(), re.MULTILINE)
    assert listed.count(KeyRefused.code) == 1
    assert len(listed) == len(set(listed))
    assert set(listed) >= {*DOCUMENT_CODES, "REJECTED", "RATE_LIMITED", "PAYLOAD_TOO_LARGE"}
