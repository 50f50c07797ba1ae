"""The list calls of the stand-ins, as each dialect spells them."""

from datetime import date

import pytest

from hub.demo import billing, crm, erp, hr, psa
from hub.demo.odata import read_options
from hub.demo.query import ListQuery, Spelling
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Operator, Table

Condition = tuple[str, Operator, object]


def conditions(query: ListQuery) -> list[Condition]:
    return [(one.column.name, one.operator, one.operand) for one in query.filters]


@pytest.mark.parametrize(
    ("spelling", "table", "parameters"),
    [
        pytest.param(
            crm.SPELLING,
            crm.OPPORTUNITIES,
            [
                ("stage", "PROPOSED,CLOSED_WON"),
                ("title.contains", "cloud"),
                ("starts_on.from", "2026-01-01"),
                ("after", "OPP-00001"),
                ("desc", "true"),
                ("limit", "7"),
            ],
            id="crm",
        ),
        pytest.param(
            psa.SPELLING,
            psa.ENGAGEMENTS,
            [
                ("filter[phase]", "PROPOSED,CLOSED_WON"),
                ("filter[title][like]", "cloud"),
                ("filter[start_date][gte]", "2026-01-01"),
                ("page[after]", "1"),
                ("sort", "-id"),
                ("page[size]", "7"),
            ],
            id="psa",
        ),
        pytest.param(
            hr.SPELLING,
            hr.EMPLOYEES,
            [
                ("employment_status", "ACTIVE,ON_LEAVE"),
                ("full_name_like", "cloud"),
                ("hired_on_from", "2026-01-01"),
                ("cursor", "E1001"),
                ("order", "desc"),
                ("page_size", "7"),
            ],
            id="hr",
        ),
        pytest.param(
            billing.SPELLING,
            billing.INVOICES,
            [
                ("status[]", "draft"),
                ("status[]", "approved"),
                ("description[contains]", "cloud"),
                ("issued_on[gte]", "2026-01-01"),
                ("starting_after", "in_000001"),
                ("order", "desc"),
                ("limit", "7"),
            ],
            id="billing",
        ),
    ],
)
def test_each_dialect_spells_the_same_query(
    spelling: Spelling, table: Table, parameters: list[tuple[str, str]]
) -> None:
    """Words, contains, from, after, descending and limit reach the query in every dialect."""
    query = spelling.read(table, parameters)
    words, contains, since, after = query.filters
    assert words.operator is Operator.IN
    assert isinstance(words.operand, list)
    assert len(words.operand) == 2
    assert (contains.operator, contains.operand) == (Operator.CONTAINS, "cloud")
    assert (since.operator, since.operand) == (Operator.AT_LEAST, date(2026, 1, 1))
    assert (after.column, after.operator) == (table.key, Operator.ABOVE)
    assert query.is_descending
    assert query.limit == 7


def test_members_are_searched_by_any_of_several_ids() -> None:
    """The PSA finds the projects of several people in one call."""
    query = psa.SPELLING.read(psa.PROJECTS, [("filter[member_ids][any]", "4,17")])
    assert conditions(query) == [("member_ids", Operator.HAS_ANY, [4, 17])]


def test_an_empty_list_of_ids_asks_for_nothing() -> None:
    """`ids=` must not turn into "everything"."""
    query = crm.SPELLING.read(crm.ACCOUNTS, [("ids", "")])
    assert conditions(query) == [("id", Operator.IN, [])]


@pytest.mark.parametrize(
    "parameters",
    [
        [("owner", "x")],
        [("version", "1")],
        [("segment", "GIANT")],
        [("limit", "0")],
        [("limit", "501")],
        [("limit", "x")],
        [("desc", "maybe")],
        [("after", "a"), ("after", "b")],
        [("account_name.contains", "a\0b")],
    ],
)
def test_a_strange_parameter_is_refused_by_name(parameters: list[tuple[str, str]]) -> None:
    """Nothing is ignored: a misspelt filter would silently answer everything."""
    with pytest.raises(Refusal) as refused:
        crm.SPELLING.read(crm.ACCOUNTS, parameters)
    assert refused.value.reason is Reason.UNKNOWN_FILTER
    assert parameters[0][0] in refused.value.message


def test_odata_reads_every_comparison() -> None:
    """The whole small grammar, quotes within quotes included."""
    query = read_options(
        erp.PROJECTS,
        [
            (
                "$filter",
                "project_no in ('P-1','it''s') and project_status eq 'OPEN'"
                " and contains(description,'a, (b)') and start_on ge 2026-01-01"
                " and start_on lt 2026-02-01 and project_no gt 'P-0'",
            ),
            ("$top", "9"),
            ("$orderby", "project_no desc"),
        ],
    )
    assert conditions(query) == [
        ("project_no", Operator.IN, ["P-1", "it's"]),
        ("project_status", Operator.IN, ["OPEN"]),
        ("description", Operator.CONTAINS, "a, (b)"),
        ("start_on", Operator.AT_LEAST, date(2026, 1, 1)),
        ("start_on", Operator.BELOW, date(2026, 2, 1)),
        ("project_no", Operator.ABOVE, "P-0"),
    ]
    assert (query.limit, query.is_descending) == (9, True)


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "project_no",
        "project_no eq",
        "project_no eq P-1",
        "project_no eq 'P-1",
        "project_no eq 'a' or project_no eq 'b'",
        "project_no in ()",
        "project_no in ('a'",
        "project_no ne 'a'",
        "start_on ge '2026-01-01'",
        "start_on ge 2026-13-01",
        "contains(customer_no,'1')",
        "budget_hours gt 3",
        "secret eq 'x'",
        "project_no eq 'a' and",
    ],
)
def test_odata_refuses_what_it_does_not_understand(expression: str) -> None:
    """Outside the grammar there is a clear refusal, never a wider answer."""
    with pytest.raises(Refusal) as refused:
        read_options(erp.PROJECTS, [("$filter", expression)])
    assert refused.value.reason is Reason.UNKNOWN_FILTER


SINCE = "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("spelling", "table", "since"),
    [
        (crm.SPELLING, crm.ACCOUNTS, "updated_at.from"),
        (psa.SPELLING, psa.CLIENTS, "filter[updated_at][gte]"),
        (billing.SPELLING, billing.INVOICES, "updated_at[gte]"),
    ],
)
def test_changes_are_listed_in_the_order_that_was_asked_for(
    spelling: Spelling, table: Table, since: str
) -> None:
    """Whoever leaves the order out would page by the key, and miss what moves."""
    assert spelling.changed_order is not None
    with pytest.raises(Refusal, match="order of changes"):
        spelling.read(table, [(since, SINCE)])
    query = spelling.read(table, [(since, SINCE), spelling.changed_order])
    assert query.changed is not None
    assert (query.changed.since.isoformat(), query.changed.after) == (SINCE, None)


@pytest.mark.parametrize(
    "expression",
    [
        "updated_at le 2026-01-01",
        "updated_at ge 2026-01-01 and doc_id gt 7",
        "updated_at gt 2026-01-01",
        "updated_at gt 2026-01-01 or updated_at eq 2026-01-02 and doc_id gt 7",
        "updated_at gt 2026-01-01 or updated_at eq 2026-01-01 and doc_id gt '7'",
        "updated_at ge yesterday",
    ],
)
def test_other_questions_for_changes_are_refused(expression: str) -> None:
    with pytest.raises(Refusal) as refused:
        read_options(erp.AR_INVOICES, [("$filter", expression), ("$orderby", "updated_at,doc_id")])
    assert refused.value.reason is Reason.UNKNOWN_FILTER


def test_an_option_that_is_given_twice_is_refused() -> None:
    with pytest.raises(Refusal, match="given twice"):
        read_options(erp.AR_INVOICES, [("$top", "1"), ("$top", "2")])
