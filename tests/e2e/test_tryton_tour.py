"""The demo's story on real systems."""

from __future__ import annotations

import pytest
from support.commands import concord
from support.tryton import fresh_state

from hub.story import STORY


@pytest.mark.tryton
def test_the_tour_holds_on_real_systems() -> None:
    """The story does not depend on the stand-ins, and one Tryton can be the CRM and the ERP."""
    state = str(fresh_state("crm", "erp"))
    told = concord("demo", "--tour", "--crm", "tryton", "--erp", "tryton", "--state", state)
    assert told.returncode == 0, f"{told.stdout}{told.stderr}"
    assert told.stdout.count("✓") == len(STORY), told.stdout
