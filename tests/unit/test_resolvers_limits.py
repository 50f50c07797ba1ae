"""Limits on the shape of a document, and the gate that remembers its verdicts."""

from __future__ import annotations

import time

import pytest
from graphql import build_schema, parse

from resolvers.gate import Gate
from resolvers.limits import Limits, broken_limits

LIMITS = Limits(depth=3, aliases=2, counts=2)
COUNTS = ["TOO_MANY_COUNTS"]
SCHEMA = build_schema("type Query { a: Query b: String }")


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("{ a { a { a { b } } } }", []),
        ("{ a { a { a { a { b } } } } }", ["DOCUMENT_TOO_DEEP"]),
        ("{ a { ...F } } fragment F on Query { a { a { a { b } } } }", ["DOCUMENT_TOO_DEEP"]),
        ("{ a { ... on Query { a { a { a { b } } } } } }", ["DOCUMENT_TOO_DEEP"]),
        ("{ x: b y: b }", []),
        ("{ x: b y: b z: b }", ["TOO_MANY_ALIASES"]),
        ("{ ...F a { ...F } } fragment F on Query { x: b y: b }", ["TOO_MANY_ALIASES"]),
        ("{ a { totalCount { b } } a { totalCount { b } } }", []),
        ("{ a { ...F } a { ...F b } totalCount } fragment F on A { totalCount { b } }", COUNTS),
        ("{ ...F } fragment F on Query { a { ...F } }", []),
        ("{ ...Nope }", []),
        ("{ __schema { a { a { a { a { b } } } } } }", []),
    ],
)
def test_shapes_are_measured_through_fragments(query: str, codes: list[str]) -> None:
    """Fragments count at each use; cycles, unknown ones and introspection are for validation."""
    errors = broken_limits(parse(query), LIMITS)
    assert [(error.extensions or {})["code"] for error in errors] == codes


@pytest.mark.parametrize(("lists", "codes"), [(8, []), (9, COUNTS)])
def test_eight_lists_are_counted_unless_it_is_set_otherwise(lists: int, codes: list[str]) -> None:
    query = f"{{ {'a { totalCount { b } } ' * lists} }}"
    errors = broken_limits(parse(query), Limits())
    assert [(error.extensions or {})["code"] for error in errors] == codes


def test_fragments_that_double_are_refused_at_once() -> None:
    """Forty fragments that spread each other twice would be a million million fields."""
    fragments = [
        f"fragment F{n} on Query {{ x: a {{ ...F{n + 1} }} y: a {{ ...F{n + 1} }} }}"
        for n in range(40)
    ]
    query = " ".join(["{ ...F0 }", *fragments, "fragment F40 on Query { b }"])
    started = time.process_time()
    verdict = Gate(Limits(), lambda: SCHEMA).judge(query)
    assert time.process_time() - started < 1
    assert [(error.extensions or {})["code"] for error in verdict.refusals] == [
        "DOCUMENT_TOO_DEEP",
        "TOO_MANY_ALIASES",
    ]


def test_a_verdict_is_reached_once() -> None:
    """The same text has the same verdict, refused or not; a very long one is not kept."""
    gate = Gate(Limits(), lambda: SCHEMA)
    assert gate.judge("{ b }") is gate.judge("{ b }")
    assert gate.judge("{ c }") is gate.judge("{ c }")
    long = "{ b }" + " " * 20_000
    assert gate.judge(long) is not gate.judge(long)
