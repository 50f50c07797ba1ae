"""Legal numbers and project numbers: a series and a place in it."""

from __future__ import annotations


def split_number(number: str) -> tuple[str, int]:
    """The prefix of the series, its dash included, and the place: `P-2601-`, 7."""
    prefix, _, digits = number.rpartition("-")
    return f"{prefix}-", int(digits)
