"""The customers of the ERP stand-in: where their invoices go, and on which terms."""

from hub.demo.calls import broken
from hub.demo.kinds import COUNT, COUNTRY, CURRENCY, FLAG, TEXT, document
from hub.demo.tables import (
    EXACT,
    LIKE,
    Connection,
    Row,
    Table,
    anchor,
    choice,
    copied,
    optional,
    own,
    text_key,
)

ADDRESS = {"street": TEXT, "town": TEXT, "country": COUNTRY, "gets_invoices": FLAG}
TAX_NUMBER = {"country": COUNTRY, "tax_kind": TEXT, "tax_number": TEXT}


async def refuse_second_bill_to(connection: Connection, before: Row | None, values: Row) -> None:
    """An invoice goes to one address."""
    addresses = values.get("addresses") or []
    if sum(one["gets_invoices"] is True for one in addresses) > 1:
        raise broken("ONE_INVOICE_ADDRESS", "Only one of the addresses may get the invoices.")


CUSTOMERS = Table(
    name="customers",
    key=text_key("customer_no"),
    prefix="C",
    digits=5,
    first=10001,
    check=refuse_second_bill_to,
    columns=(
        anchor("crm_account"),
        copied("customer_name", by=LIKE),
        copied("customer_group", by=EXACT),
        copied("rep_email", by=EXACT),
        copied("search_name", by=LIKE),
        copied("language_key"),
        copied("head_office_no", by=EXACT, references="customers"),
        own("invoice_address", default="''"),
        own("addresses", document(ADDRESS, is_list=True), default="'[]'"),
        optional("vat_id"),
        own("tax_numbers", document(TAX_NUMBER, is_list=True), default="'[]'"),
        optional("invoice_currency", CURRENCY),
        own("terms_days", COUNT, default="30"),
        choice("credit_block", "NONE", "WATCH", "BLOCKED", default="NONE"),
    ),
)
