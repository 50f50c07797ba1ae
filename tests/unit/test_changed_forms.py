"""How each system is asked for what has changed, as it goes over the wire."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

import pytest

from schema.errors import Invalid
from sync.connectors import billing, crm, erp, hr, psa, psa_work
from sync.connectors.binding import Binding
from sync.connectors.changed_form import ChangedForm
from sync.connectors.ports import ChangedQuery

SINCE = datetime(2026, 11, 20, 8, tzinfo=UTC)
AT = datetime(2026, 11, 20, 9, 30, 0, 250, tzinfo=UTC)

FIRST = [
    (hr.CHANGED, hr.RESOURCE, "page_size=3&changed_since=2026-11-20T08:00:00+00:00"),
    (crm.CHANGED, crm.CLIENT, "limit=3&updated_at.from=2026-11-20T08:00:00+00:00&sort=updated_at"),
    (
        *(psa.CHANGED, psa_work.TIME_ENTRY),
        "page[size]=3&filter[updated_at][gte]=2026-11-20T08:00:00+00:00&sort=updated_at,id",
    ),
    (
        *(erp.CHANGED, erp.CLIENT),
        "$filter=updated_at ge 2026-11-20T08:00:00+00:00&$orderby=updated_at,customer_no&$top=3",
    ),
    (
        *(billing.CHANGED, billing.INVOICE),
        "limit=3&updated_at[gte]=2026-11-20T08:00:00+00:00&order=updated_at",
    ),
]
FURTHER = [
    (hr.CHANGED, hr.RESOURCE, ("changed_after", "2026-11-20T09:30:00.000250+00:00,7")),
    (crm.CHANGED, crm.CLIENT, ("after", "2026-11-20T09:30:00.000250+00:00,7")),
    (psa.CHANGED, psa_work.TIME_ENTRY, ("page[after]", "2026-11-20T09:30:00.000250+00:00,7")),
    (
        *(erp.CHANGED, erp.CLIENT),
        (
            "$filter",
            "updated_at gt 2026-11-20T09:30:00.000250+00:00 or "
            "updated_at eq 2026-11-20T09:30:00.000250+00:00 and customer_no gt '7'",
        ),
    ),
    (billing.CHANGED, billing.INVOICE, ("starting_after", "2026-11-20T09:30:00.000250+00:00,7")),
]


@pytest.mark.parametrize(("form", "binding", "asked"), FIRST)
def test_a_first_page_asks_since_a_time(form: ChangedForm, binding: Binding, asked: str) -> None:
    told = form.parameters(ChangedQuery(binding=binding, since=SINCE, limit=3))
    assert urlencode(told) == urlencode(parse_qsl(asked.replace("+", "%2B")))


@pytest.mark.parametrize(("form", "binding", "asked"), FURTHER)
def test_a_further_page_goes_on_behind_a_time_and_a_key(
    form: ChangedForm, binding: Binding, asked: tuple[str, str]
) -> None:
    told = form.parameters(ChangedQuery(binding=binding, since=SINCE, after=(AT, "7"), limit=3))
    assert asked in told
    assert len({name for name, _ in told}) == len(told)


def test_without_a_time_all_is_asked_for() -> None:
    told = dict(crm.CHANGED.parameters(ChangedQuery(binding=crm.CLIENT)))
    assert told["updated_at.from"].startswith("1970")


def test_a_key_cannot_leave_its_place_in_a_filter() -> None:
    query = ChangedQuery(binding=erp.CLIENT, after=(AT, "x' or customer_no ge '"))
    assert "gt 'x'' or customer_no ge '''" in dict(erp.CHANGED.parameters(query))["$filter"]
    with pytest.raises(Invalid, match="whole number"):
        erp.CHANGED.parameters(ChangedQuery(binding=erp.INVOICE, after=(AT, "1 or doc_id gt 0")))
