"""The firm as it is drawn: every record, each with its id in every system."""

from dataclasses import dataclass

from hub.demo.agreements import Agreements
from hub.demo.bills import Hold, Invoice
from hub.demo.drawing.exchange import ExchangeTable
from hub.demo.drawing.size import Size
from hub.demo.engagements import Engagement, Project
from hub.demo.parties import Client, Person
from hub.demo.work import Assignment


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """Time, expenses and billing events are not held: they are drawn from it, see `drawing`."""

    people: list[Person]
    clients: list[Client]
    engagements: list[Engagement]
    projects: list[Project]
    invoices: list[Invoice]
    assignments: list[Assignment]
    seed: int
    exchange: ExchangeTable
    size: Size
    holds: list[Hold]
    agreements: Agreements
