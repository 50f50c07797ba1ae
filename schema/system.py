"""The systems that own or hold parts of the canonical graph."""

from enum import Enum

from schema.enums import explained


class System(Enum):
    CRM = "crm"
    PSA = "psa"
    HR = "hr"
    ERP = "erp"
    BILLING = "billing"
    HUB = "hub"


_OWNS = {
    System.CRM: "Owns clients, engagements, contracts and prices.",
    System.PSA: "Owns plans, time, expenses and delivery.",
    System.HR: "Owns people and their employment.",
    System.ERP: "The ledger: owns legal entities, projects, postings and payments.",
    System.BILLING: "Owns the drafts of invoices.",
    System.HUB: "Concord itself: owns billing events, holds and frozen prices.",
}
explained(System, "A system of record or a replica behind the graph.", _OWNS)
