"""The exchange rates of the ERP stand-in, by the day they hold from, and who published them."""

from datetime import date
from typing import Any

from hub.demo.calls import broken
from hub.demo.drawing.exchange import Exchange, ExchangeTable
from hub.demo.tables import Connection, Row

RATES_DDL = """CREATE TABLE IF NOT EXISTS exchange_rates (
    from_currency text NOT NULL,
    to_currency text NOT NULL,
    valid_from date NOT NULL,
    rate numeric(20,10) NOT NULL,
    provider text NOT NULL,
    PRIMARY KEY (from_currency, to_currency, valid_from))"""


async def copy_exchange_rates(connection: Connection, exchange: ExchangeTable) -> None:
    rates = exchange.published
    await connection.copy_records_to_table(
        "exchange_rates",
        records=[(one.base, one.quote, one.since, one.rate, one.source) for one in rates],
    )


async def read_book_rate(connection: Connection, document: Row, day: date) -> dict[str, Any]:
    """The rate to the currency of the books as of the day, as columns of a document."""
    found = await _read_rate(connection, document["currency"], document["entity_code"], day)
    return {
        "fx_rate": found.rate,
        "book_currency": found.quote,
        "fx_date": found.since,
        "fx_provider": found.source,
    }


async def _read_rate(connection: Connection, currency: str, entity: str, day: date) -> Exchange:
    books = "SELECT book_currency FROM entities WHERE entity_code = $1"
    functional = await connection.fetchval(books, entity)
    if currency == functional:
        return Exchange.at_par(currency, day)
    row = await connection.fetchrow(
        "SELECT rate, valid_from AS since, provider AS source FROM exchange_rates"
        " WHERE from_currency = $1 AND to_currency = $2"
        " AND valid_from <= $3 ORDER BY valid_from DESC LIMIT 1",
        currency,
        functional,
        day,
    )
    if row is None:
        message = f"There is no rate from {currency} to {functional} for {day}; enter one first."
        raise broken("NO_EXCHANGE_RATE", message)
    return Exchange(base=currency, quote=functional, **row)
