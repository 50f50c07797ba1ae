"""Which databases a demo uses."""

from __future__ import annotations

import pytest

from hub.demo.drawing.size import SIZES
from hub.stage import Engine, Size, suffix_of
from schema.errors import Invalid


def test_each_kind_and_size_of_demo_has_databases_of_its_own() -> None:
    """A demo never resumes with the data of another; the plain one keeps the plain names."""
    assert suffix_of([], Size.S) == ""
    casts = (["crm"], ["erp"], ["crm", "erp"])
    kinds = [([], size) for size in Size] + [(one, Size.S) for one in casts]
    suffixes = {suffix_of(*kind, log) for kind in kinds for log in Engine}
    assert len(suffixes) == 2 * (len(Size) + len(casts))


def test_a_real_system_takes_the_small_firm_only() -> None:
    """Tryton is seeded call by call; the refusal says what to leave out."""
    with pytest.raises(Invalid, match="leave out --crm and --erp"):
        suffix_of(["crm", "erp"], Size.M)


def test_the_demo_offers_the_sizes_that_are_drawn() -> None:
    """The command line names them itself, because the stand-ins are another program."""
    assert {size.value for size in Size} == SIZES.keys()
