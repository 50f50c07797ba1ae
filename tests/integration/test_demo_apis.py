"""The APIs of the stand-ins over a real Postgres: paging, versions, refusals and business rules."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from support.stand_ins import caller

from hub.demo.systems import SYSTEMS

DRAFT = "/erp/ar-invoices?$top=500&$filter=document_status eq 'DRAFT' and entity_code eq 'NL01'"


@pytest.fixture
async def crm(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("crm", seeded_database("crm")) as client:
        yield client


@pytest.fixture
async def erp(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("erp", seeded_database("erp")) as client:
        yield client


@pytest.fixture
async def billing(seeded_database: Callable[[str], str]) -> AsyncIterator[httpx.AsyncClient]:
    async with caller("billing", seeded_database("billing")) as client:
        yield client


UNSEEDED = frozenset({"cancellations"})
"""What only a call brings about: the firm has cancelled nothing yet."""


def rows_of(body: Any) -> list[dict[str, Any]]:
    return next(value for value in body.values() if isinstance(value, list))


@pytest.mark.parametrize("system", SYSTEMS)
async def test_a_system_answers_each_of_its_collections(
    system: str, seeded_database: Callable[[str], str]
) -> None:
    """Every table lists its seeded rows under its path, ascending, with a version each."""
    async with caller(system, seeded_database(system)) as client:
        for table in SYSTEMS[system].tables:
            response = await client.get(f"{SYSTEMS[system].base}/{table.path}")
            rows = rows_of(response.json())
            keys = [table.key.kind.decode(row[table.key.name]) for row in rows]
            assert keys == sorted(keys)  # type: ignore[type-var]
            assert all(row.keys() == table.by_name.keys() for row in rows)
            assert {row["version"] for row in rows} == (set() if table.name in UNSEEDED else {1})


@pytest.mark.parametrize("system", SYSTEMS)
async def test_bad_calls_get_a_refusal_in_any_dialect(
    system: str, seeded_database: Callable[[str], str]
) -> None:
    """No key, no JSON, unknown fields, ids, filters and paths: a 4xx with a body, never a 500."""
    declared = SYSTEMS[system]
    collection = f"{declared.base}/{declared.tables[0].path}"
    wrong = '{"data": {"colour": 1}}' if system == "psa" else '{"colour": 1}'
    async with caller(system, seeded_database(system)) as client:
        answers = [
            (401, await client.get(collection, headers={"Authorization": "Bearer other"})),
            (400, await client.post(collection, content=b"{")),
            (400, await client.post(collection, content=b"[]")),
            (413, await client.post(collection, content=b" " * 1_000_001)),
            (422, await client.post(collection, content=wrong)),
            (404, await client.get(f"{collection}/nobody")),
            (404, await client.get(f"{collection}/%00")),
            (400, await client.get(f"{collection}?colour=red")),
            (404, await client.get("/nowhere")),
            (405, await client.delete(collection)),
        ]
    assert [answer.status_code for _, answer in answers] == [status for status, _ in answers]
    assert "colour" in answers[4][1].text
    assert "colour" in answers[7][1].text


async def test_pages_meet_without_gap_or_overlap(crm: httpx.AsyncClient) -> None:
    """Following `after` forwards or `before` backwards gives each row once."""
    for order, cursor in (("false", "after"), ("true", "before")):
        seen: list[str] = []
        has_more = True
        while has_more:
            query = {"limit": "7", "desc": order} | ({cursor: seen[-1]} if seen else {})
            page = (await crm.get("/services/accounts", params=query)).json()
            seen += [row["id"] for row in page["records"]]
            has_more = page["hasMore"]
        assert sorted(seen) == [f"ACC-{number:05d}" for number in range(1, 41)]
        assert seen == sorted(seen, reverse=order == "true")


async def test_a_search_ignores_case_and_takes_wildcards_literally(crm: httpx.AsyncClient) -> None:
    """`%` and `_` are letters here."""
    accounts = "/services/accounts"
    found = (await crm.get(accounts, params={"account_name.contains": "SOCIÉTÉ"})).json()
    assert [row["account_name"] for row in found["records"]] == ["Société Générale d'Ingénierie"]
    assert (await crm.get(accounts, params={"account_name.contains": "%"})).json()["records"] == []


async def test_a_new_record_gets_the_next_key(crm: httpx.AsyncClient) -> None:
    """Keys go on where the seed stopped, and nothing prevents a double."""
    account = {
        "account_name": "Twice",
        "segment": "SMB",
        "owner_email": "a@b.example",
        "billing_country": "NL",
    }
    answers = [await crm.post("/services/accounts", json=account) for _ in range(2)]
    assert [answer.json()["id"] for answer in answers] == ["ACC-00041", "ACC-00042"]


async def test_a_stale_version_is_refused_in_each_dialect(
    seeded_database: Callable[[str], str],
) -> None:
    """Each dialect carries the expected version its own way and has its own word for stale."""
    updates: dict[str, tuple[str, dict[str, Any], int, str]] = {
        "crm": ("/services/accounts/ACC-00001", {"json": {"bill_to": "x"}}, 412, "STALE_VERSION"),
        "psa": ("/api/v2/clients/1", {"json": {"data": {"title": "x"}}}, 409, "conflict"),
        "hr": ("/v1/employees/E1001", {"json": {"full_name": "x"}}, 409, "version_conflict"),
        "erp": ("/erp/customers/C10001", {"json": {"vat_id": "x"}}, 412, "STALE"),
        "billing": ("/v1/customers/cus_000001", {"json": {"name": "x"}}, 409, "stale_object"),
    }
    in_body = {"psa": "version", "hr": "expected_version", "billing": "version"}
    for system, (path, call, status, word) in updates.items():
        async with caller(system, seeded_database(system)) as client:
            for version, expected in (("1", 200), ("1", status), ("2", 200)):
                call["headers"] = {"If-Match": version}
                if system in in_body:
                    call["json"][in_body[system]] = int(version)
                response = await client.request(SYSTEMS[system].update_method, path, **call)
                assert response.status_code == expected, response.text
                assert (word in response.text) is (expected == status)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "ACC-1"},
        {"version": 5},
        {"updated_at": "2026-01-01"},
        {"segment": "GIANT"},
        {"account_name": None},
        {},
    ],
)
async def test_a_caller_cannot_set_what_the_system_gives(
    crm: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    """Keys, stamps, unknown words and missing values are refused and nothing changes."""
    response = await crm.patch("/services/accounts/ACC-00001", json=fields)
    assert response.status_code == 422
    assert (await crm.get("/services/accounts/ACC-00001")).json()["version"] == 1


async def test_a_local_reference_must_resolve(crm: httpx.AsyncClient) -> None:
    """References inside one system are checked; the answer names the field."""
    response = await crm.patch("/services/opportunities/OPP-00001", json={"account_id": "ACC-9"})
    assert response.status_code == 422
    assert "account_id" in response.text


async def drafts(erp: httpx.AsyncClient) -> list[int]:
    return [row["doc_id"] for row in (await erp.get(DRAFT)).json()["value"]]


async def post(erp: httpx.AsyncClient, document: int, day: str) -> httpx.Response:
    return await erp.post(f"/erp/ar-invoices/{document}/post", json={"posting_date": day})


async def test_a_closed_period_refuses_postings_until_reopened(erp: httpx.AsyncClient) -> None:
    """The refusal names period and entity and says what to do."""
    document = (await drafts(erp))[0]
    await erp.post("/erp/periods/NL01/2027-01/close")
    refused = await post(erp, document, "2027-01-31")
    assert refused.status_code == 409
    assert refused.json()["error"] == {
        "code": "PERIOD_CLOSED",
        "message": {
            "value": "Accounting period 2027-01 of NL01 is closed; "
            "reopen it or choose a later posting date."
        },
    }
    await erp.post("/erp/periods/NL01/2027-01/open")
    posted = (await post(erp, document, "2027-01-31")).json()
    assert (posted["document_no"], posted["posted_on"]) == ("NL01-2027-00001", "2027-01-31")


async def test_numbers_have_no_gaps_even_when_postings_race_and_fail(
    erp: httpx.AsyncClient,
) -> None:
    """A refused posting uses no number, and two at a time never share one."""
    documents = await drafts(erp)
    racing = [post(erp, document, "2026-12-01") for document in [*documents[:6], documents[0]]]
    answers = await asyncio.gather(*racing)
    assert (await post(erp, documents[6], "2026-01-01")).status_code == 409
    assert sorted(answer.status_code for answer in answers) == [200] * 6 + [409]
    assert (await post(erp, documents[6], "2026-12-02")).status_code == 200
    search = "contains(document_no,'NL01-2026')"
    listed = (await erp.get("/erp/ar-invoices", params={"$filter": search, "$top": "500"})).json()
    numbers = sorted(row["document_no"] for row in listed["value"])
    assert numbers == [f"NL01-2026-{number:05d}" for number in range(1, len(numbers) + 1)]


async def test_a_document_follows_the_order_of_dates(erp: httpx.AsyncClient) -> None:
    """A number later in the series never has an earlier date."""
    first, second, *_ = await drafts(erp)
    assert (await post(erp, first, "2026-12-15")).status_code == 200
    refused = await post(erp, second, "2026-12-14")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "DATE_ORDER")


async def test_a_posted_document_can_be_paid_but_not_changed(erp: httpx.AsyncClient) -> None:
    """Tax and balance are worked out; payments add up; nothing else can touch the document."""
    account = {"billing_ref": "in_9", "entity_code": "NL01", "currency": "EUR"}
    created = await erp.post("/erp/ar-invoices", json={**account, "net_amount": "100.05"})
    document = f"/erp/ar-invoices/{created.json()['doc_id']}"
    payment = {"amount": "100.00", "paid_on": "2026-12-20"}
    assert (await erp.post(f"{document}/payments", json=payment)).status_code == 409
    posted = (await post(erp, created.json()["doc_id"], "2026-12-01")).json()
    assert (posted["tax_amount"], posted["gross_amount"]) == ("21.01", "121.06")
    changed = await erp.patch(document, json={"net_amount": "1.00"})
    assert (changed.status_code, changed.json()["error"]["code"]) == (409, "DOCUMENT_IMMUTABLE")
    part = (await erp.post(f"{document}/payments", json=payment)).json()
    assert (part["document_status"], part["open_amount"]) == ("PART_PAID", "21.06")
    over = await erp.post(f"{document}/payments", json=payment)
    assert (over.status_code, over.json()["error"]["code"]) == (409, "OVERPAID")
    assert (await erp.post(f"{document}/cancel")).status_code == 409
    paid = await erp.post(f"{document}/payments", json={**payment, "amount": "21.06"})
    assert (paid.json()["document_status"], paid.json()["open_amount"]) == ("PAID", "0.00")


async def test_the_erp_accepts_the_same_reference_twice(erp: httpx.AsyncClient) -> None:
    """Finding before creating is the caller's duty: neither key nor reference prevents a double."""
    project = {
        "customer_no": "C10001",
        "description": "Twice",
        "entity_code": "NL01",
        "currency": "EUR",
        "start_on": "2027-03-01",
        "hub_reference": "same",
    }
    headers = {"Idempotency-Key": "same"}
    made = [await erp.post("/erp/projects", json=project, headers=headers) for _ in range(2)]
    assert [one.json()["project_no"] for one in made] == ["P-2703-001", "P-2703-002"]
    search = {"$filter": "hub_reference eq 'same'"}
    assert len((await erp.get("/erp/projects", params=search)).json()["value"]) == 2


async def test_billing_answers_a_repeated_key_once(billing: httpx.AsyncClient) -> None:
    """One key, one effect, also for calls at the same time; another body is an error."""
    customer = {"crm_account": "ACC-00001", "name": "Once"}
    headers = {"Idempotency-Key": "k1"}
    calls = [billing.post("/v1/customers", json=customer, headers=headers) for _ in range(3)]
    answers = await asyncio.gather(*calls)
    assert {answer.content for answer in answers} == {answers[0].content}
    assert [answer.status_code for answer in answers] == [201] * 3
    other = await billing.post("/v1/customers", json={**customer, "name": "x"}, headers=headers)
    assert (other.status_code, other.json()["error"]["type"]) == (409, "idempotency_error")
    unkeyed = await billing.post("/v1/customers", json=customer)
    assert unkeyed.json()["id"] == "cus_000042"


async def test_a_refused_call_leaves_its_key_unused(billing: httpx.AsyncClient) -> None:
    """The caller may correct the body and keep the key."""
    headers = {"Idempotency-Key": "k1"}
    project = {"project_code": "P-1", "customer": "cus_999999"}
    assert (await billing.post("/v1/projects", json=project, headers=headers)).status_code == 422
    project["customer"] = "cus_000001"
    assert (await billing.post("/v1/projects", json=project, headers=headers)).status_code == 201
