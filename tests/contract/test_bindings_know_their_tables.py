"""Every column of the stand-ins is read by a binding or left unread knowingly: none is extra."""

from __future__ import annotations

import pytest

from hub.demo.systems import SYSTEMS
from sync.connectors.billing import Billing
from sync.connectors.crm import Crm
from sync.connectors.erp import Erp
from sync.connectors.hr import Hr
from sync.connectors.psa import Psa
from sync.extra import leftovers

TABLES = leftovers(b for one in (Crm, Psa, Hr, Erp, Billing) for b in one.bindings)


@pytest.mark.parametrize(("system", "table"), sorted(TABLES), ids=".".join)
def test_a_table_has_no_extra_column(system: str, table: str) -> None:
    """Else a private column of today would be kept as if its owner had just added it."""
    leftover = TABLES[system, table]
    [declared] = [one for one in SYSTEMS[system].tables if f"public.{one.name}" == table]
    stored = {c.name for c in declared.by_name.values() if c.composed_by is None}
    if leftover.keeper is not None:
        assert stored - leftover.known == set()
