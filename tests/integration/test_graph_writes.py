"""What mutations do over real routing: to their owner, once, and answered with what it says."""

from __future__ import annotations

import pytest
from support.graph import GraphFirm, codes

from schema.errors import Rejected, Unavailable
from schema.ids import mint
from schema.system import System

CLIENT = mint("cli", "crm", "ACC-00001")
PROJECT = mint("prj", "erp", "P-001")
DOWN = Unavailable("ERP does not answer; try again later.", system=System.ERP)

UPDATE = """
mutation($input: UpdateClientInput!) {
  updateClient(input: $input) {
    ... on ClientWritten { client { name paymentTermsDays } token }
    ... on Refused { code message }
    ... on RejectedByOwner { system ownerCode }
  }
}
"""


async def test_a_write_goes_to_its_owner_and_is_read_back(firm: GraphFirm) -> None:
    """ERP's field is written in ERP, the payload shows it, and the token is good for a read."""
    found = await firm.ask(UPDATE, input={"id": CLIENT, "owner": "ERP", "paymentTermsDays": 60})
    assert found["updateClient"]["client"] == {"name": "Client 1", "paymentTermsDays": 60}
    assert firm.erp.calls["update"] == 1
    assert firm.crm.calls["update"] == 0


async def test_a_token_is_good_for_a_read(firm: GraphFirm) -> None:
    """The projection has not caught up within the wait: the owner is asked, and shows the write."""
    written = await firm.ask(UPDATE, input={"id": CLIENT, "paymentTermsDays": 61})
    found = await firm.ask(
        "query($id: ID!, $token: String!) {"
        " client(id: $id, read: {after: $token}) { paymentTermsDays } }",
        id=CLIENT,
        token=written["updateClient"]["token"],
    )
    assert found["client"]["paymentTermsDays"] == 61


async def test_null_empties_a_field_and_absence_leaves_it(firm: GraphFirm) -> None:
    """A segment of null is written; a name that is not there is not."""
    found = await firm.ask(
        "mutation($input: UpdateClientInput!) { updateClient(input: $input)"
        " { ... on ClientWritten { client { name segment } } } }",
        input={"id": CLIENT, "segment": None},
    )
    assert found["updateClient"]["client"] == {"name": "Client 1", "segment": None}


async def test_what_goes_is_not_written_beside_what_takes_its_place(firm: GraphFirm) -> None:
    """Which of two bill-to addresses would count nobody could say, so nothing is sent."""
    address = {"street": "Mill Lane 1", "city": "Leeds", "country": "GB", "isBillTo": True}
    result = await firm.run(UPDATE, input={"id": CLIENT, "billTo": "x", "addresses": [address]})
    assert codes(result) == ["BAD_USER_INPUT"]
    assert "give addresses alone" in result.errors[0].message
    assert firm.erp.calls["update"] == 0


async def test_fields_of_another_owner_are_refused_by_name(firm: GraphFirm) -> None:
    """NOT_OWNER says whose the field is, and nothing is written."""
    patch = {"id": CLIENT, "owner": "CRM", "paymentTermsDays": 60}
    result = await firm.run(UPDATE, input=patch)
    assert codes(result) == ["NOT_OWNER"]
    assert "paymentTermsDays belongs to ERP" in result.errors[0].message
    assert firm.erp.calls["update"] == 0


async def test_a_refusal_of_the_owner_is_an_answer(firm: GraphFirm) -> None:
    """The business says no: a typed member with the owner's words and code, and no error."""
    firm.erp.refusal = Rejected(
        "ERP: 90 days need a credit check.", system=System.ERP, owner_code="TERMS_TOO_LONG"
    )
    result = await firm.run(UPDATE, input={"id": CLIENT, "paymentTermsDays": 90})
    assert result.errors is None
    assert result.data["updateClient"] == {
        "code": "REJECTED",
        "message": "ERP: 90 days need a credit check.",
        "system": "ERP",
        "ownerCode": "TERMS_TOO_LONG",
    }


async def test_a_record_that_has_moved_on_is_an_answer(firm: GraphFirm) -> None:
    """Whoever writes to what they read a while ago is told so, and reads again."""
    found = await firm.ask(
        """mutation($input: UpdateClientInput!) { updateClient(input: $input) {
             __typename ... on Refused { code } ... on Stale { system } } }""",
        input={"id": CLIENT, "paymentTermsDays": 60, "ifVersion": 99},
    )
    assert found["updateClient"] == {"__typename": "Stale", "code": "CONFLICT", "system": "ERP"}


async def test_what_can_be_done_next_is_said(firm: GraphFirm) -> None:
    """An active project can be suspended or wound down, and not be closed at once."""
    found = await firm.ask(
        "query($id: ID!) { project(id: $id) { status"
        " availableActions { action mutation takes resultingState system askedBy } } }",
        id=PROJECT,
    )
    actions = found["project"]["availableActions"]
    assert [one["action"] for one in actions] == ["suspend", "windDown"]
    assert actions[0] == {
        "action": "suspend",
        "mutation": "suspendProject",
        "takes": [],
        "resultingState": "SUSPENDED",
        "system": "ERP",
        "askedBy": "PROJECT_MANAGER",
    }


async def test_a_step_that_is_not_there_is_refused_with_those_that_are(firm: GraphFirm) -> None:
    """Nobody is asked: the answer says where the project stands and what is possible."""
    found = await firm.ask(
        """mutation($id: ID!) { resumeProject(id: $id, idempotencyKey: "k-3") {
             ... on Refused { code message }
             ... on ActionNotAllowed { currentState availableActions { action mutation } } } }""",
        id=PROJECT,
    )
    refused = found["resumeProject"]
    assert refused["code"] == "TRANSITION_NOT_ALLOWED"
    assert refused["currentState"] == "ACTIVE"
    assert refused["availableActions"] == [
        {"action": "suspend", "mutation": "suspendProject"},
        {"action": "windDown", "mutation": "windDownProject"},
    ]
    assert "suspend (to SUSPENDED)" in refused["message"]
    assert firm.erp.calls["resume"] == 0


async def test_a_step_is_carried_out_by_its_system(firm: GraphFirm) -> None:
    """The ERP suspends the project, and the answer shows it."""
    found = await firm.ask(
        """mutation($id: ID!) { suspendProject(id: $id, idempotencyKey: "k-4") {
             ... on ProjectWritten { project { status } } } }""",
        id=PROJECT,
    )
    assert found["suspendProject"]["project"]["status"] == "SUSPENDED"


async def test_a_lost_read_back_does_not_hide_the_write(firm: GraphFirm) -> None:
    """The owner of another part fails after the write: the token arrives, with one error."""
    firm.crm.fault = Unavailable("CRM does not answer.", system=System.CRM)
    result = await firm.run(UPDATE, input={"id": CLIENT, "paymentTermsDays": 60})
    assert result.data["updateClient"]["token"]
    assert codes(result) == ["UPSTREAM_UNAVAILABLE"]


CREATE = """
mutation($client: ID!, $key: String!) {
  createProject(
    input: {name: "Audit", clientId: $client, budget: {amount: "10.50", currency: "EUR"}}
    idempotencyKey: $key
  ) { ... on ProjectWritten { project { id name budget { amount currency } } } }
}
"""


async def test_creating_needs_a_key_and_happens_once(firm: GraphFirm) -> None:
    """With an empty key it is refused; with one, a repeat is the same project."""
    refused = await firm.run(CREATE, client=CLIENT, key="")
    assert codes(refused) == ["IDEMPOTENCY_KEY_REQUIRED"]
    first = await firm.ask(CREATE, client=CLIENT, key="k-1")
    again = await firm.ask(CREATE, client=CLIENT, key="k-1")
    assert first == again
    assert first["createProject"]["project"]["budget"] == {"amount": "10.50", "currency": "EUR"}
    assert firm.erp.calls["create"] == 1


@pytest.mark.parametrize(
    ("budget", "words"),
    [
        ({"amount": 10.5, "currency": "EUR"}, "send it as text"),
        ({"amount": 10, "currency": "EUR"}, "send it as text"),
        ({"amount": "10.505", "currency": "EUR"}, "EUR has 2 decimals"),
        ({"amount": "10.5", "currency": "JPY"}, "JPY has 0 decimals"),
        ({"amount": "10.50", "currency": "EURO"}, "no ISO 4217 currency"),
    ],
)
async def test_an_amount_that_is_not_exact_money_is_refused(
    firm: GraphFirm, budget: dict[str, object], words: str
) -> None:
    """A JSON number, a part of a cent or an unknown currency never reaches the owner."""
    result = await firm.run(
        """mutation($given: CreateProjectInput!) {
             createProject(input: $given, idempotencyKey: "k-2") { __typename } }""",
        given={"name": "Audit", "clientId": CLIENT, "budget": budget},
    )
    assert codes(result) == ["BAD_USER_INPUT"]
    assert words in result.errors[0].message
    assert firm.calls() == {}


async def test_posting_needs_a_key(firm: GraphFirm) -> None:
    """A business action without a key is not even a valid document."""
    result = await firm.run(
        'mutation($id: ID!) { postInvoice(id: $id, postingDate: "2026-03-31") { __typename } }',
        id=mint("inv", "billing", "1"),
    )
    assert codes(result) == ["GRAPHQL_VALIDATION_FAILED"]
    assert "(idempotencyKey:)' of type 'String!' is required" in result.errors[0].message


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"rate": 1.0834}, "not an exact decimal"),
        ({"rate": "0"}, "no rate from EUR to USD"),
        ({"quote": "EUR"}, "rate from EUR to itself is 1"),
    ],
)
async def test_what_is_no_rate_of_exchange_is_refused(
    firm: GraphFirm, changed: dict[str, object], words: str
) -> None:
    """JSON numbers, nothing, and a currency that is not worth itself."""
    fx = {"base": "EUR", "quote": "USD", "rate": "1.0834", "date": "2026-11-02", "source": "ECB"}
    expense = {
        "resourceId": mint("res", "hr", "1"),
        "projectId": PROJECT,
        "incurredOn": "2026-11-03",
        "category": "travel",
        "amount": {"amount": "10.00", "currency": "EUR"},
        "billingFx": fx | changed,
    }
    result = await firm.run(
        "mutation($input: CreateExpenseItemInput!) {"
        ' createExpenseItem(input: $input, idempotencyKey: "k") { __typename } }',
        input=expense,
    )
    [error] = result.errors
    assert words in error.message
