"""The legal entities of the ERP stand-in: how their books are kept."""

from collections.abc import Mapping

from hub.demo.calls import broken
from hub.demo.kinds import COUNT, COUNTRY, CURRENCY, TEXT, document
from hub.demo.tables import (
    EXACT,
    LIKE,
    Connection,
    Row,
    Table,
    composed,
    own,
    text_key,
)

ENTITY_CODES = ("NL01", "UK01", "US01")

REGISTRATION = {"country": COUNTRY, "tax_kind": TEXT, "tax_number": TEXT}
ROUNDING = {"net_at": TEXT, "tax_at": TEXT, "half_goes": TEXT, "step": TEXT}
PERIODS_OF_ENTITY = (
    "SELECT coalesce(jsonb_agg(jsonb_build_object('period', period, 'is_open', is_open)"
    " ORDER BY period), '[]') FROM periods WHERE periods.entity_code = entities.entity_code"
)


async def refuse_new_entity(connection: Connection, values: Mapping[str, object]) -> str:
    message = "A legal entity is set up with its books by the accounting department, not here."
    raise broken("ENTITY_SETUP", message)


async def refuse_other_books(connection: Connection, before: Row | None, values: Row) -> None:
    """What the postings of years are kept in cannot be changed under them."""
    if before and values.get("book_currency", before["book_currency"]) != before["book_currency"]:
        message = f"The books of {before['entity_code']} are kept in {before['book_currency']}."
        raise broken("BOOKS_IN_USE", message)


ENTITIES = Table(
    name="entities",
    key=text_key("entity_code"),
    new_key=refuse_new_entity,
    check=refuse_other_books,
    columns=(
        own("registered_name", by=LIKE),
        own("country", COUNTRY, by=EXACT),
        own("book_currency", CURRENCY),
        own("time_zone"),
        own("year_starts_in", COUNT, default="1"),
        own("number_prefix"),
        own("tax_registrations", document(REGISTRATION, is_list=True), default="'[]'"),
        own("rounding", document(ROUNDING)),
        composed("periods", PERIODS_OF_ENTITY),
    ),
)
