"""Posting in the ERP stand-in: what makes a document legal, and the numbers without gaps."""

from datetime import date
from typing import Any

from hub.demo.calls import Fields, Path, broken, read_fields
from hub.demo.credits import settle_credit
from hub.demo.documents import change_document, refuse_unless_draft, select_document
from hub.demo.exchange import RATES_DDL, read_book_rate
from hub.demo.kinds import DATE
from hub.demo.periods import PERIODS_DDL, refuse_closed_period
from hub.demo.tables import Connection
from hub.demo.taxes import work_out

SERIES_DDL = """CREATE TABLE IF NOT EXISTS number_series (
    series text PRIMARY KEY,
    last_number integer NOT NULL,
    last_date date)"""

OWN_DDL = (PERIODS_DDL, RATES_DDL, SERIES_DDL)


async def post(connection: Connection, path: Path, fields: Fields) -> dict[str, Any]:
    """Makes a draft legal: tax of record and the next number of its series, for ever."""
    [posting_date] = read_fields(fields, posting_date=DATE)
    document = await select_document(connection, path)
    refuse_unless_draft(document)
    entity = document["entity_code"]
    await refuse_closed_period(connection, entity, posting_date)
    figures = await work_out(connection, document)
    posted = await change_document(
        connection,
        document,
        document_status="POSTED",
        document_no=await draw_number(connection, entity, posting_date),
        posted_on=posting_date,
        tax_amount=figures.tax,
        tax_lines=figures.tax_lines,
        rounding_amount=figures.rounding,
        gross_amount=figures.gross,
        open_amount=figures.gross,
        **await read_book_rate(connection, document, posting_date),
    )
    return await settle_credit(connection, posted) if posted["doc_type"] == "CRN" else posted


async def draw_number(connection: Connection, entity: str, day: date) -> str:
    """The next number of the entity's year; a refusal later in the transaction gives it back."""
    series = f"{entity}-{day:%Y}"
    drawn = await connection.fetchrow(
        "INSERT INTO number_series AS s VALUES ($1, 1, $2) ON CONFLICT (series) DO UPDATE"
        " SET last_number = s.last_number + 1, last_date = $2"
        " WHERE s.last_date <= $2 RETURNING last_number",
        series,
        day,
    )
    if drawn is None:
        message = f"Series {series} already holds a document later than {day}; post it later."
        raise broken("DATE_ORDER", message)
    return f"{series}-{drawn['last_number']:05d}"
