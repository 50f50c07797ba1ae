"""What takes a posted document back in the ERP stand-in: another one, with a number of its own."""

from datetime import date
from typing import Any

from hub.demo.kinds import CURRENCY, DATE, MONEY, TEXT
from hub.demo.ledger import draw_number
from hub.demo.periods import refuse_closed_period
from hub.demo.storage import insert_row
from hub.demo.tables import EXACT, Connection, Row, Table, given, number_key

CANCELLATIONS = Table(
    name="cancellations",
    key=number_key("id"),
    columns=(
        given("document_no", by=EXACT),
        given("cancels_no", by=EXACT),
        given("posted_on", DATE),
        given("currency", CURRENCY),
        given("net_amount", MONEY),
        given("tax_amount", MONEY),
        given("gross_amount", MONEY),
        given("reason_text", TEXT),
    ),
)


async def take_back(connection: Connection, document: Row, reason: str) -> str:
    """Posts the opposite of the document, after what its series holds; answers the number."""
    entity = document["entity_code"]
    day = await _last_day(connection, entity, document["posted_on"])
    await refuse_closed_period(connection, entity, day)
    amounts: dict[str, Any] = {
        name: -document[name] for name in ("net_amount", "tax_amount", "gross_amount")
    }
    posted = await insert_row(
        connection,
        CANCELLATIONS,
        {
            "document_no": await draw_number(connection, entity, day),
            "cancels_no": document["document_no"],
            "posted_on": day,
            "currency": document["currency"],
            "reason_text": reason,
            **amounts,
        },
    )
    return str(posted["document_no"])


async def _last_day(connection: Connection, entity: str, day: date) -> date:
    last: date = await connection.fetchval(
        "SELECT greatest(last_date, $2) FROM number_series WHERE series = $1",
        f"{entity}-{day:%Y}",
        day,
    )
    return last
