"""What the CRM stand-in refuses on its contract side, whoever asks."""

from collections.abc import Mapping

from hub.demo.calls import broken
from hub.demo.kinds import DATE, ID, KEY, MONEY, TEXT, Kind
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Connection, Row

NEGOTIATED = ("DRAFT", "UNDER_REVIEW")
AMENDABLE = ("APPROVED", "ACTIVE", "SUSPENDED")
NO_TERMS = frozenset({"document_sha256", "erp_project_no", "remaining_amount", "remaining_hours"})
"""What becomes known after the approval, and changes nothing of what was agreed."""

TERMS: Mapping[str, Kind] = {
    "ceiling_amount": MONEY,
    "valid_from": DATE,
    "valid_to": DATE,
    "payment_days": ID,
    "price_book_version_id": KEY,
    "customer_po": TEXT,
}
"""The terms of a contract that a change order rewrites when it takes effect."""

SCOPE = "scope"
"""The one term that is prose, and not a column."""

PRICED_FOR = ("job_role", "job_grade", "region", "entity_code", "service_line", "worker_no")


async def check_contract(connection: Connection, before: Row | None, values: Row) -> None:
    """Terms are free until the approval; after it, only change orders touch them."""
    if before is not None and values.keys() - NO_TERMS:
        refuse_agreed(before)
    after = {**(before or {}), **values}
    if after.get("valid_to") is not None and after["valid_to"] < after["valid_from"]:
        raise broken("PERIOD_BACKWARDS", "A contract cannot end before it starts.")


async def check_contract_part(connection: Connection, before: Row | None, values: Row) -> None:
    """Deliverables and retainers are terms of their contract, in its currency."""
    if not values.keys() - NO_TERMS:
        return
    after = {**(before or {}), **values}
    for contract_id in {row["sow_id"] for row in (before, after) if row is not None}:
        contract = await find(connection, "statements_of_work", contract_id, "FOR SHARE")
        if contract is None:
            return
        refuse_agreed(contract)
        refuse_other_currency(contract, after)


async def check_change_order(connection: Connection, before: Row | None, values: Row) -> None:
    """Drafts only, on an approved contract, and one of a kind for a day."""
    if before is not None and before["status"] != "DRAFT":
        message = f"Change order {before['id']} is {before['status']} and can no longer be changed."
        raise broken("CHANGE_ORDER_IMMUTABLE", message)
    after = {"replaces_id": None, **(before or {}), **values}
    new_terms(after)
    contract = await find(connection, "statements_of_work", after["sow_id"], "FOR UPDATE")
    if contract is None:
        return
    if contract["status"] not in AMENDABLE:
        message = f"Contract {contract['id']} is {contract['status']}; it takes no change orders."
        raise broken("NOT_AMENDABLE", message)
    await refuse_overlap(connection, before, after)


async def check_price_book(connection: Connection, before: Row | None, values: Row) -> None:
    """The currency stays what the published prices were published in."""
    if (
        before is None
        or values.get("currency_iso", before["currency_iso"]) == before["currency_iso"]
    ):
        return
    is_published = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM price_book_versions"
        " WHERE price_book_id = $1 AND status = 'PUBLISHED')",
        before["id"],
    )
    if is_published:
        message = f"Prices of {before['id']} are published in {before['currency_iso']}."
        raise broken("PUBLISHED_IMMUTABLE", message)


async def check_price_line(connection: Connection, before: Row | None, values: Row) -> None:
    """Lines change in working versions only, in the book's currency, one price for one thing."""
    after = {**dict.fromkeys(PRICED_FOR), **(before or {}), **values}
    for version_id in {r["price_book_version_id"] for r in (before, after) if r is not None}:
        version = await find(connection, "price_book_versions", version_id, "FOR UPDATE")
        if version is None:
            return
        refuse_line_of_published(version)
        book = await find(connection, "price_books", version["price_book_id"], "FOR SHARE")
        refuse_other_currency(book or after, after)
    await refuse_second_price(connection, before, after)


def refuse_published(version: Row) -> None:
    if version["status"] == "PUBLISHED":
        message = (
            f"Version {version['version_no']} of {version['price_book_id']} is published and can "
            "no longer be changed; make a new version."
        )
        raise broken("PUBLISHED_IMMUTABLE", message)


def refuse_line_of_published(version: Row) -> None:
    if version["status"] == "PUBLISHED":
        message = f"{version['id']} is published: its lines are fixed; make a new version."
        raise broken("LINE_IMMUTABLE", message)


def refuse_agreed(contract: Row) -> None:
    if contract["status"] not in NEGOTIATED:
        message = (
            f"Contract {contract['id']} is {contract['status']}: its terms change by a change "
            "order only."
        )
        raise broken("TERMS_IMMUTABLE", message)


def refuse_other_currency(whole: Row, part: Row) -> None:
    if whole["currency_iso"] != part["currency_iso"]:
        message = f"{whole['id']} is in {whole['currency_iso']}, not {part['currency_iso']}."
        raise broken("CURRENCY_MISMATCH", message)


async def refuse_overlap(connection: Connection, before: Row | None, after: Row) -> None:
    """The contract's row is locked: two drafts for one day cannot both get through."""
    other = await connection.fetchval(
        "SELECT id FROM change_orders WHERE sow_id = $1 AND change_type = $2"
        " AND effective_date = $3 AND status NOT IN ('VOID', 'REPLACED')"
        " AND id IS DISTINCT FROM $4 AND id IS DISTINCT FROM $5",
        after["sow_id"],
        after["change_type"],
        after["effective_date"],
        before["id"] if before is not None else None,
        after["replaces_id"],
    )
    if other is not None:
        message = (
            f"{other} changes the {after['change_type']} of {after['sow_id']} on "
            f"{after['effective_date']} already; void or replace it."
        )
        raise broken("CHANGE_ORDER_OVERLAP", message)


async def refuse_second_price(connection: Connection, before: Row | None, after: Row) -> None:
    same = " AND ".join(
        f"{name} IS NOT DISTINCT FROM ${place}" for place, name in enumerate(PRICED_FOR, start=3)
    )
    other = await connection.fetchval(
        "SELECT id FROM price_lines WHERE price_book_version_id = $1"
        f" AND id IS DISTINCT FROM $2 AND {same}",
        after["price_book_version_id"],
        before["id"] if before is not None else None,
        *(after[name] for name in PRICED_FOR),
    )
    if other is not None:
        raise broken("DUPLICATE_PRICE", f"{other} has a price for exactly this already.")


def new_terms(change: Row) -> dict[str, object]:
    """The columns of the contract a change order rewrites; refuses what is no term or no value."""
    rewritten: dict[str, object] = {}
    for told in change.get("changed_terms", ()):
        term, value = told["term"], told["new_value"]
        if term == SCOPE:
            continue
        if term not in TERMS:
            raise Refusal(Reason.INVALID, f"{term} is no term of a contract.")
        try:
            rewritten[term] = TERMS[term].decode(value)
        except ValueError as error:
            raise Refusal(Reason.INVALID, f"{term} {error}.") from None
    return rewritten


async def find(connection: Connection, table: str, key: str, lock: str) -> Row | None:
    """A row that stays as it is until the transaction ends; a missing one is the database's to
    refuse, by its foreign key."""
    row: Row | None = await connection.fetchrow(f"SELECT * FROM {table} WHERE id = $1 {lock}", key)
    return row
