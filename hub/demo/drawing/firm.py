"""Draws a believable firm from a seed number: the same number gives the same firm."""

from random import Random

from hub.demo.drawing.assignments import draw_assignments
from hub.demo.drawing.clients import draw_clients, draw_engagements
from hub.demo.drawing.contracts import draw_agreements, draw_sows, place_under
from hub.demo.drawing.credits import with_credit_notes
from hub.demo.drawing.employment import employ
from hub.demo.drawing.exchange import draw_exchange
from hub.demo.drawing.holds import draw_holds
from hub.demo.drawing.invoices import draw_invoices, number_documents
from hub.demo.drawing.lines import itemise
from hub.demo.drawing.people import draw_people
from hub.demo.drawing.prices import draw_prices
from hub.demo.drawing.projects import draw_projects
from hub.demo.drawing.size import S, Size
from hub.demo.drawing.terms import book_project
from hub.demo.firm import Firm


def draw_firm(seed: int, size: Size = S) -> Firm:
    """Contracts have dice of their own, so that they leave the rest of the firm as it is."""
    rng = Random(seed)
    details = Random(seed + 1)
    people = employ(details, draw_people(rng, size))
    clients = draw_clients(rng, size, [one for one in people if one.role == "Partner"])
    engagements = draw_engagements(rng, size, clients)
    prices = draw_prices(clients, people)
    sows = draw_sows(Random(seed), engagements, prices)
    drawn = place_under(sows, draw_projects(rng, engagements, people))
    projects = [book_project(details, one) for one in drawn]
    billed = [itemise(details, one) for one in draw_invoices(rng, size, projects)]
    invoices = with_credit_notes(number_documents(billed))
    return Firm(
        people=people,
        clients=clients,
        engagements=engagements,
        projects=projects,
        invoices=invoices,
        assignments=draw_assignments(seed, projects),
        seed=seed,
        exchange=draw_exchange(seed),
        size=size,
        holds=draw_holds(rng, clients, projects, invoices),
        agreements=draw_agreements(Random(seed), prices, sows, projects),
    )
