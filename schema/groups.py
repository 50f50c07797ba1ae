"""Field groups: the ownership policy as data. One owner each, who holds copies, and how it is kept.

The guard on writes, the fan-out plan, the reference page and the reconciliation jobs derive from
this table. Moving a group to another owner is the one word in its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

import strawberry

from schema.system import System

CRM, PSA, HR, ERP = System.CRM, System.PSA, System.HR, System.ERP
BILLING, HUB = System.BILLING, System.HUB


@strawberry.enum(description="What happens when a copy no longer agrees with its owner.")
class Drift(Enum):
    ENFORCE = strawberry.enum_value("enforce", description="The owner's value is written back.")
    REPORT = strawberry.enum_value("report", description="An exception is opened for a person.")
    ADOPT = strawberry.enum_value("adopt", description="Adopted by the owner after approval.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGroup:
    """Fields that one system owns together.

    `copies` are the systems that must receive each change; `objective` is the p95 time from the
    owner's commit until a copy is applied. `validation` is what must hold of its values: what the
    record alone can tell is checked before a write (`schema.checks`), the rest the owner refuses.
    Copies that were edited where they are held are compared with their owner, value by value, at
    least every `reconciled_every`, and `drift` says what is done about a difference;
    `reconciliation` is what an audit of the systems goes by.
    """

    name: str
    owner: System
    copies: tuple[System, ...]
    objective: timedelta
    validation: str
    reconciliation: str
    reconciled_every: timedelta
    drift: Drift

    @property
    def freshness(self) -> str:
        seconds = f"{self.objective.total_seconds():g}"
        copies = f"copies within {seconds} s (p95)" if self.copies else "no copies"
        return f"Owned by {self.owner.name}; {copies}."


HOURLY, DAILY, WEEKLY = timedelta(hours=1), timedelta(days=1), timedelta(days=7)


def _group(
    name: str,
    owner: System,
    *copies: System,
    seconds: float,
    checks: str,
    compares: str = "hash of the owned fields",
    every: timedelta = DAILY,
    drift: Drift = Drift.ENFORCE,
) -> FieldGroup:
    return FieldGroup(
        name=name,
        owner=owner,
        copies=copies,
        objective=timedelta(seconds=seconds),
        validation=checks,
        reconciliation=compares,
        reconciled_every=every,
        drift=drift,
    )


CLIENT_COMMERCIAL = _group(
    "client commercial",
    *(CRM, PSA, ERP, BILLING),
    seconds=60,
    checks="a name no longer than the narrowest target takes",
)
CLIENT_ACCOUNTING = _group(
    "client accounting",
    *(ERP, BILLING, CRM),
    seconds=60,
    checks="tax id format by country; one default bill-to",
    drift=Drift.REPORT,
)
LEGAL_ENTITIES = _group(
    "legal entity",
    *(ERP, CRM, PSA, HR, BILLING),
    seconds=300,
    checks="the period's state before any posting step",
)
ENGAGEMENTS = _group(
    "engagement",
    *(CRM, PSA),
    seconds=60,
    checks="a stage of the map; an amount with its currency",
)
CONTRACT = _group(
    "contract terms",
    *(CRM, PSA, ERP, BILLING),
    seconds=30,
    checks="approved versions only; dates nest; the cap covers what is billed",
    compares="every version's terms",
    every=WEEKLY,
    drift=Drift.REPORT,
)
AMENDMENTS = _group(
    "amendments",
    *(CRM, PSA, BILLING),
    seconds=30,
    checks="no overlap within one key; currency of the contract",
    compares="effective dates and changes",
    drift=Drift.REPORT,
)
RATE_CARDS = _group(
    "rate cards",
    *(CRM, PSA, BILLING),
    seconds=30,
    checks="no overlap within one key; currency match; a published version is never touched",
    compares="re-pricing of unbilled entries",
    drift=Drift.REPORT,
)
PROJECT_IDENTITY = _group(
    "project identity",
    *(ERP, PSA, BILLING, CRM),
    seconds=60,
    checks="a code unique per entity; the client linked first",
    every=HOURLY,
)
PROJECT_BUDGET = _group(
    "project budget",
    *(ERP, PSA),
    seconds=60,
    checks="budget in the project's currency",
    drift=Drift.REPORT,
)
PROJECT_DELIVERY = _group(
    "project delivery",
    *(PSA, CRM, ERP),
    seconds=300,
    checks="the manager is an active resource",
)
PROJECT_TEAM = _group(
    "project team",
    *(PSA,),
    seconds=10,
    checks="members are active resources",
    every=HOURLY,
)
RESOURCE_EMPLOYMENT = _group(
    "resource employment",
    *(HR, PSA, ERP),
    seconds=900,
    checks="employed on every assigned day",
    compares="every person",
)
RESOURCE_COST = _group(
    "resource cost rate",
    *(HR,),
    seconds=900,
    checks="effective-dated, no gap inside the employment",
    drift=Drift.REPORT,
)
RESOURCE_SKILLS = _group(
    "resource skills",
    *(PSA,),
    seconds=900,
    checks="the role is on the rate card",
    drift=Drift.ADOPT,
)
ASSIGNMENTS = _group(
    "assignments",
    *(PSA, ERP),
    seconds=10,
    checks="within project and employment dates; over-allocation warns",
    every=HOURLY,
)
TIME_CONTENT = _group(
    "time content and approval",
    *(PSA, ERP, BILLING),
    seconds=60,
    checks="open project and period, active assignment, at most 1440 minutes a day",
    compares="minutes per project and day in PSA, ERP and billing",
    every=HOURLY,
    drift=Drift.REPORT,
)
EXPENSE_CONTENT = _group(
    "expense content and approval",
    *(PSA, ERP, BILLING),
    seconds=60,
    checks="exchange rate present, receipt rule, recoverable tax",
    compares="amounts per project and day",
    every=HOURLY,
    drift=Drift.REPORT,
)
PRICING = _group(
    "frozen prices",
    *(HUB, BILLING),
    seconds=5,
    checks="resolves to exactly one rate line, or an exception",
    compares="replay of the resolution",
)
BILLING_LEDGER = _group(
    "billing events",
    *(HUB, BILLING),
    seconds=5,
    checks="allocations within the event's amount, signs kept",
    compares="replay of the ledger",
)
HOLD = _group(
    "billing holds",
    *(HUB, BILLING),
    seconds=5,
    checks="a reason and a review date",
    compares="replay of the ledger",
)
INVOICE_DRAFT = _group(
    "invoice draft",
    *(BILLING, ERP),
    seconds=60,
    checks="the lines add up to the net; tax recomputed within policy",
    compares="every invoice",
    drift=Drift.REPORT,
)
INVOICE_LEDGER = _group(
    "invoice ledger",
    *(ERP, BILLING, CRM),
    seconds=30,
    checks="a series without gaps; an accounting date in an open period",
    compares="sub-ledger totals",
)
PAYMENT = _group(
    "payment",
    *(ERP, BILLING, CRM, PSA),
    seconds=60,
    checks="applied at most the gross, in its currency",
    compares="aged balance",
)

GROUPS: tuple[FieldGroup, ...] = (
    CLIENT_COMMERCIAL,
    CLIENT_ACCOUNTING,
    LEGAL_ENTITIES,
    ENGAGEMENTS,
    CONTRACT,
    AMENDMENTS,
    RATE_CARDS,
    PROJECT_IDENTITY,
    PROJECT_BUDGET,
    PROJECT_DELIVERY,
    PROJECT_TEAM,
    RESOURCE_EMPLOYMENT,
    RESOURCE_COST,
    RESOURCE_SKILLS,
    ASSIGNMENTS,
    TIME_CONTENT,
    EXPENSE_CONTENT,
    PRICING,
    BILLING_LEDGER,
    HOLD,
    INVOICE_DRAFT,
    INVOICE_LEDGER,
    PAYMENT,
)
