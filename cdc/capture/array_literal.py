"""The text form of a Postgres array, `{1,NULL,"a \\"b\\""}`, as nested lists of text."""

from __future__ import annotations

import re

from schema.errors import Invalid

_TOKEN = re.compile(
    r"""(?P<open>\{) | (?P<close>\}) | (?P<comma>,)
    | "(?P<quoted>(?:[^"\\]|\\.)*)"
    | (?P<bare>[^{},"\\]+(?:\\.[^{},"\\]*)*)""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def parse_array(literal: str) -> list[object]:
    """Parse an array; an element is a str, a nested list, or None. Lower bounds are dropped."""
    start = literal.find("{")
    if start < 0:
        raise Invalid(f"not an array: {literal[:40]!r}")
    outermost: list[object] = []
    open_lists = [outermost]
    for token in _TOKEN.finditer(literal, start):
        match token.lastgroup:
            case "open":
                nested: list[object] = []
                open_lists[-1].append(nested)
                open_lists.append(nested)
            case "close":
                open_lists.pop()
            case "quoted":
                open_lists[-1].append(_ESCAPE.sub(r"\1", token["quoted"]))
            case "bare":
                bare = token["bare"]
                open_lists[-1].append(None if bare == "NULL" else _ESCAPE.sub(r"\1", bare))
            case _:  # a comma
                pass
    if len(open_lists) != 1 or len(outermost) != 1 or not isinstance(outermost[0], list):
        raise Invalid(f"not an array: {literal[:40]!r}")
    array: list[object] = outermost[0]
    return array
