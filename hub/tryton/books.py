"""Opens the books: legal entities with their charts, years, taxes, series and ways to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.demo.company import Entity
from hub.tryton.companies import create_terms, found_companies
from hub.tryton.company import Company, open_company
from hub.tryton.rpc import Session

PROJECT_STATUSES = {
    "PLANNED": "Planned",
    "IN_SETUP": "In setup",
    "SETUP_FAILED": "Setup failed",
    "OPEN": "Open",
    "ON_HOLD": "On hold",
    "WINDING_UP": "Winding up",
    "CLOSED": "Done",
}
"""How the firm's words for a project read in Tryton; Open and Done are Tryton's own."""
UNITS = {"hour": "h", "day": "d", "item": "u"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    companies: Mapping[str, Company]
    terms: Mapping[int, int]
    statuses: Mapping[str, int]
    units: Mapping[str, int]
    revenue_journal: int


def open_books(session: Session, entities: Sequence[Entity], years: Sequence[int]) -> Books:
    """Set up every legal entity of a database that has none yet."""
    _print_plainly(session)
    founded = found_companies(session, entities)
    companies = {
        entity.code: open_company(
            session.within(company=one.id, companies=[one.id]), entity, one.id, one.currency, years
        )
        for entity, one in founded.items()
    }
    return Books(
        companies=companies,
        terms=create_terms(session),
        statuses=_create_statuses(session),
        units={
            word: session.search("product.uom", [("symbol", "=", symbol)])[0]
            for word, symbol in UNITS.items()
        },
        revenue_journal=session.search("account.journal", [("type", "=", "revenue")])[0],
    )


def _print_plainly(session: Session) -> None:
    """Posting prints the invoice: as an office document that takes longer than all the rest."""
    reports = session.search("ir.action.report", [("report_name", "=", "account.invoice")])
    plain = {"template_extension": "txt", "extension": "", "report_content": b"Invoice\n"}
    session.write("ir.action.report", reports, plain)


def _create_statuses(session: Session) -> dict[str, int]:
    known = {row["name"]: row["id"] for row in session.read("project.work.status", [], "name")}
    missing = [name for name in PROJECT_STATUSES.values() if name not in known]
    records = [{"name": name, "types": ["project"]} for name in missing]
    made = session.create("project.work.status", *records)
    known |= dict(zip(missing, made, strict=True))
    return {word: known[name] for word, name in PROJECT_STATUSES.items()}
