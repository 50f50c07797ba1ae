"""The rows of consolidated figures, and what they may be narrowed by.

Their values are added up by the hub from what it holds of the owners' records; `as_of` of a row
tells how old that is. Amounts of one row are in one currency: what is in another one is counted,
never converted.
"""

from datetime import date, datetime
from decimal import Decimal

import strawberry

from schema.entities.project import ProjectStatus
from schema.ids import ClientId, LegalEntityId, MilestoneId, ProjectId, ResourceId
from schema.minutes import Minutes
from schema.money import Money
from schema.part import figure, part

_AS_OF = "When the oldest part of it was true at its owner."


@strawberry.input(description="Which projects; all conditions must hold.")
class ProjectBoardFilter:
    client_id: list[ClientId] | None = strawberry.field(
        description="Of any of these clients.", default=None
    )
    manager_id: list[ResourceId] | None = strawberry.field(
        description="Managed by any of these people.", default=None
    )
    legal_entity_id: list[LegalEntityId] | None = strawberry.field(
        description="Delivered by any of these legal entities.", default=None
    )
    status: list[ProjectStatus] | None = strawberry.field(
        description="In any of these statuses.", default=None
    )


@strawberry.input(description="Which invoices; all conditions must hold.")
class ReceivablesFilter:
    client_id: list[ClientId] | None = strawberry.field(
        description="To any of these clients.", default=None
    )
    legal_entity_id: list[LegalEntityId] | None = strawberry.field(
        description="Issued by any of these legal entities.", default=None
    )


@part()
class Unbilled:
    """Approved billable time, or the share of it, that is still to be billed; no expenses."""

    minutes: Minutes = figure("All of it.")
    amount: Money | None = figure(
        "What its frozen prices make of it, exact to six decimals and not yet rounded as an "
        "invoice is; null where nothing has a price."
    )
    unpriced: Minutes = figure("The minutes without a price per hour in the project's currency.")


@part()
class NextMilestone:
    """The planned milestone that is due first."""

    id: MilestoneId = figure("Canonical id.")
    name: str | None = figure("Name.")
    due_on: date = figure("Day it is due.")


@part()
class ProjectBoardRow:
    """One project across the firm's systems, added up by the hub. Amounts are in its currency."""

    project_id: ProjectId = figure("Id of `project`.")
    budget: Money | None = figure("Budgeted fees.")
    budget_minutes: Minutes | None = figure("Budgeted work.")
    worked: Minutes = figure("Approved minutes worked.")
    billable: Minutes = figure("Approved billable minutes, billed or not.")
    budget_used: Decimal | None = figure(
        "Worked minutes of the budgeted ones, as a fraction: 0.5 is half."
    )
    invoiced: Money | None = figure("Net of its posted invoices, less their credit notes.")
    unbilled: Unbilled = figure("Approved work that is still to be billed.")
    open_invoices: int = figure("Posted invoices not paid in full.")
    open_amount: Money | None = figure(
        "What is still owed on those in its currency; `openInvoices` counts the others, too."
    )
    other_currency_invoices: int = figure(
        "Posted invoices in another currency, which no amount here includes."
    )
    holds: int = figure("Holds that bind it: on the project, its engagement or its client.")
    next_milestone: NextMilestone | None = figure("What is due next.")
    as_of: datetime = figure(_AS_OF)


@part()
class UnbilledWorkRow:
    """Approved billable time of one month of one project that is still to be billed."""

    project_id: ProjectId = figure("Id of `project`.")
    month: date = figure("First day of the month.")
    unbilled: Unbilled = figure("The work.")
    entries: int = figure("In how many time entries.")
    as_of: datetime = figure(_AS_OF)


@part()
class ReceivablesRow:
    """What one client owes in one currency, added up by the hub."""

    client_id: ClientId = figure("Id of `client`.")
    currency: str = figure("ISO 4217 code of the amounts.")
    open_invoices: int = figure("Invoices not paid in full.")
    open_amount: Money = figure("Still owed, due or not.")
    overdue: Money = figure("Owed after its due date; the sum of the four.")
    days_1_to_30: Money = figure("Overdue for 1 to 30 days.")
    days_31_to_60: Money = figure("Overdue for 31 to 60 days.")
    days_61_to_90: Money = figure("Overdue for 61 to 90 days.")
    days_over_90: Money = figure("Overdue for more than 90 days.")
    oldest_due_on: date | None = figure("The earliest due date.")
    as_of: datetime = figure(_AS_OF)
