"""GraphQL over HTTP as clients meet it: media types, statuses, limits, the explorer."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from support.graph import GraphFirm, served

NEW = {"accept": "application/graphql-response+json"}
QUERY = {"query": "{ clients(first: 1) { nodes { name } } }"}


@pytest.fixture
async def http(firm: GraphFirm) -> AsyncIterator[httpx.AsyncClient]:
    async with served(firm.services) as host, httpx.AsyncClient(base_url=f"http://{host}") as http:
        yield http


async def test_the_root_leads_to_the_explorer(http: httpx.AsyncClient) -> None:
    found = await http.get("/", headers={"accept": "text/html"}, follow_redirects=True)
    assert (found.status_code, found.url.path) == (200, "/graphql")
    assert "GraphiQL" in found.text


async def test_a_query_is_answered_in_the_media_type_asked_for(http: httpx.AsyncClient) -> None:
    """The specification's media type when accepted, the older one otherwise."""
    new = await http.post("/graphql", json=QUERY, headers=NEW)
    assert new.headers["content-type"] == "application/graphql-response+json"
    old = await http.post("/graphql", json=QUERY)
    assert old.headers["content-type"] == "application/json"
    assert new.status_code == old.status_code == 200
    assert (
        new.json()["data"] == old.json()["data"] == {"clients": {"nodes": [{"name": "Client 1"}]}}
    )


@pytest.mark.parametrize(
    "body", [{"query": "{"}, {"query": "{ nope }"}, {"query": "query($a: Int!) { __typename }"}]
)
async def test_a_refused_request_has_no_data(http: httpx.AsyncClient, body: object) -> None:
    """400 in the specification's media type, 200 in the older one, and no data key in either."""
    new = await http.post("/graphql", json=body, headers=NEW)
    old = await http.post("/graphql", json=body)
    assert (new.status_code, old.status_code) == (400, 200)
    assert new.json() == old.json()
    assert new.json().keys() == {"errors"}
    assert new.json()["errors"][0]["extensions"]["code"]


async def test_a_field_error_is_still_an_answer(http: httpx.AsyncClient) -> None:
    """An error below a root field leaves status 200 and the data that there is."""
    answer = await http.post("/graphql", json={"query": '{ client(id: "x") { id } }'}, headers=NEW)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"client": None}


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "BAD_REQUEST"),
        (b"\xff", {}, 400, "BAD_REQUEST"),
        (b"[" * 200_000, {}, 400, "BAD_REQUEST"),
        (b"null", {}, 400, "BAD_REQUEST"),
        (b'[{"query": "{__typename}"}]', {}, 400, "BAD_REQUEST"),
        (b"{}", {}, 400, "BAD_REQUEST"),
        (b'{"query": 5}', {}, 400, "BAD_REQUEST"),
        (b'{"query": "{__typename}", "variables": 5}', {}, 400, "BAD_REQUEST"),
        (b'{"query": "{__typename}", "operationName": []}', {}, 400, "BAD_REQUEST"),
        (b'{"query": "query A {a:__typename}", "operationName": "B"}', {}, 400, "BAD_REQUEST"),
        (b'{"query": "subscription{invoiceStatusChanged{at}}"}', {}, 400, "BAD_REQUEST"),
        (b"{}", {"content-type": "text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"a=1", {"content-type": "multipart/form-data"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", {"content-type": "application/json; charset=utf-7"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", {"content-encoding": "gzip"}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"{}", {"accept": "text/csv"}, 406, "NOT_ACCEPTABLE"),
        (b" " * 1_000_001, {}, 413, "PAYLOAD_TOO_LARGE"),
    ],
)
async def test_what_is_no_request_is_refused_with_a_code(
    http: httpx.AsyncClient, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    """Never a 500: a status, a code and a message."""
    sent = {"content-type": "application/json", **headers}
    answer = await http.post("/graphql", content=body, headers=sent)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == code
    assert error["message"]


async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(http: httpx.AsyncClient) -> None:
    """A chunked body is refused once it passes the limit, without reading on."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1_000):
            sent += 100_000
            yield b" " * 100_000

    headers = {"content-type": "application/json"}
    try:
        answer = await http.post("/graphql", content=endless(), headers=headers)
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the server hung up while we were still sending
    assert sent < 100_000_000


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_only_post_runs_operations(http: httpx.AsyncClient, method: str) -> None:
    """Other methods are told what is allowed."""
    answer = await http.request(method, "/graphql?query={__typename}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_a_browser_gets_the_explorer_from_this_host_only(http: httpx.AsyncClient) -> None:
    """Every file of GraphiQL is served here, and the policy forbids any other source."""
    page = await http.get("/graphql", headers={"accept": "text/html,*/*"})
    assert page.status_code == 200
    assert "script-src 'self';" in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert not [file for file in files if "//" in file]
    for file in (file for file in files if not file.startswith("data:")):
        assert (await http.get(f"/{file}")).status_code == 200, file


async def test_probes_answer(http: httpx.AsyncClient) -> None:
    """Liveness and readiness are separate questions."""
    assert (await http.get("/livez")).json() == {"status": "live"}
    assert (await http.get("/readyz")).json() == {"status": "ready"}
