"""Which transactions a snapshot sees, by the 32 bits that the stream tells of each."""

from __future__ import annotations

import pytest

from cdc.capture.visibility import parse_snapshot

_CYCLE = 2**32


@pytest.mark.parametrize(
    ("snapshot", "transaction", "is_seen"),
    [
        ("700:700:", 699, True),
        ("700:700:", 700, False),
        ("700:710:700,705", 700, False),
        ("700:710:700,705", 704, True),
        ("700:710:700,705", 705, False),
        ("700:710:700,705", 711, False),
        (f"{_CYCLE + 5}:{_CYCLE + 5}:", _CYCLE - 1, True),
        (f"{_CYCLE + 5}:{_CYCLE + 9}:{_CYCLE + 6}", 6, False),
        (f"{_CYCLE - 2}:{_CYCLE - 1}:{_CYCLE - 2}", 3, False),
    ],
)
def test_what_is_seen(snapshot: str, transaction: int, is_seen: bool) -> None:
    assert parse_snapshot(snapshot).sees(transaction) is is_seen
