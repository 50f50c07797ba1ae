"""Field groups: the ownership policy as data: one owner each, and who holds copies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from schema.system import System

CRM, PSA, HR, ERP, BILLING = System.CRM, System.PSA, System.HR, System.ERP, System.BILLING


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGroup:
    """Fields that one system owns together.

    `copies` are the systems that must receive each change; `objective` is the p95 time from the
    owner's commit until a copy is applied.
    """

    name: str
    owner: System
    copies: tuple[System, ...]
    objective: timedelta

    @property
    def freshness(self) -> str:
        return (
            f"Owned by {self.owner.name}; copies within {self.objective.total_seconds():g} s (p95)."
        )


def _group(name: str, owner: System, *copies: System, seconds: float) -> FieldGroup:
    return FieldGroup(name=name, owner=owner, copies=copies, objective=timedelta(seconds=seconds))


CLIENT_COMMERCIAL = _group("client commercial", CRM, PSA, ERP, BILLING, seconds=60)
CLIENT_ACCOUNTING = _group("client accounting", ERP, BILLING, CRM, seconds=60)
ENGAGEMENT = _group("engagement", CRM, PSA, seconds=60)
PROJECT_IDENTITY = _group("project identity", ERP, PSA, BILLING, CRM, seconds=60)
PROJECT_BUDGET = _group("project budget", ERP, PSA, seconds=60)
PROJECT_DELIVERY = _group("project delivery", PSA, CRM, ERP, seconds=300)
PROJECT_TEAM = _group("project team", PSA, seconds=10)
RESOURCE_EMPLOYMENT = _group("resource employment", HR, PSA, ERP, seconds=900)
RESOURCE_SKILLS = _group("resource skills", PSA, seconds=900)
INVOICE_DRAFT = _group("invoice draft", BILLING, ERP, seconds=60)
INVOICE_LEDGER = _group("invoice ledger", ERP, BILLING, CRM, seconds=30)
PAYMENT = _group("payment", ERP, BILLING, CRM, PSA, seconds=60)
