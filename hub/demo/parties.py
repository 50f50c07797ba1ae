"""Who the firm is and works for: people and clients, with their ids."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from hub.demo.company import Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRate:
    """What an hour of a person costs from a day on, in the currency of the entity."""

    valid_from: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    psa_id: int
    employee_number: str
    name: str
    email: str
    worker_type: str
    status: str
    entity: Entity
    country: str
    time_zone: str
    hired_on: date
    left_on: date | None
    role: str
    skills: list[str]
    grade: str = ""
    manager_number: str | None = None
    week: tuple[int, ...] = ()
    holidays: tuple[date, ...] = ()
    cost_rates: tuple[CostRate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    street: str
    city: str
    country: str
    is_bill_to: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    account_id: str
    customer_no: str
    billing_id: str
    psa_id: int
    name: str
    segment: str
    owner_email: str
    entity: Entity
    currency: str
    country: str
    address: str
    vat_id: str | None
    terms_days: int
    credit_block: str
    trading_as: str | None
    language: str
    parent: "Client | None"

    @property
    def addresses(self) -> list[Address]:
        """Where invoices go; the larger ones are visited elsewhere."""
        street, _, city = self.address.partition(", ")
        bill_to = Address(street=street, city=city, country=self.country, is_bill_to=True)
        visited = replace(bill_to, street=f"{street}, Gate 2", is_bill_to=False)
        return [bill_to, visited] if self.segment == "ENTERPRISE" else [bill_to]
