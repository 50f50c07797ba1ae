"""The SQL of consolidated figures: what no single owner could add up, from the projection.

Plain SQL over the tables of the canon. Amounts are exact decimals and are only ever added up
within one currency; every row tells as `as_of` how old the oldest part in it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from schema.entities.billing_hold import BillingHold, BillingHoldStatus
from schema.entities.invoice import Invoice, InvoiceKind
from schema.entities.invoice_status import InvoiceStatus
from schema.entities.milestone import Milestone, MilestoneStatus
from schema.entities.payment_status import PaymentState, PaymentStatus
from schema.entities.project import Project
from schema.entities.time_entry import BillingState, TimeEntry, TimeEntryStatus
from schema.entity import anchor, owners
from schema.rate import RateUnit
from sync.store.projection_tables import table_for

INVOICED = (
    InvoiceStatus.POSTED,
    InvoiceStatus.SENT,
    InvoiceStatus.PARTIALLY_PAID,
    InvoiceStatus.PAID,
    InvoiceStatus.CREDITED,
    InvoiceStatus.WRITTEN_OFF,
)
"""An invoice that was credited stays invoiced: its credit note is what takes it back."""

UNPAID = (PaymentState.OPEN, PaymentState.PARTIALLY_PAID)
UNBILLED = (BillingState.UNBILLED, BillingState.PARTLY_BILLED, BillingState.CREDITED)
"""Of all of them, the share that no invoice has taken and nobody has given up."""


def _table(entity: type) -> str:
    return table_for(entity).fullname


def _alive(entity: type, alias: str) -> str:
    home = anchor(entity).value
    return f"{alias}.{home}_as_of IS NOT NULL AND {alias}.{home}_deleted_at IS NULL"


def _as_of(entity: type, alias: str) -> str:
    """The oldest part of a row; parts that nobody has told yet do not count."""
    return f"least({', '.join(f'{alias}.{system.value}_as_of' for system in owners(entity))})"


def _words(members: Iterable[Enum]) -> str:
    return ", ".join(f"'{member.value}'" for member in members)


_IS_BILLABLE = "t.is_billable IS NOT false AND coalesce(t.billable, 0) > 0"
_IS_UNBILLED = f"""{_IS_BILLABLE}
    AND (t.billing_state IS NULL OR t.billing_state IN ({_words(UNBILLED)}))"""
_TAKEN = "coalesce(t.billed_share, 0) + coalesce(t.written_off_share, 0)"
_LEFT = f"t.billable * (1 - ({_TAKEN}))"
_IS_PRICED = f"t.rate_per = '{RateUnit.HOUR.value}' AND t.rate_currency = p.currency"
_APPROVED = f"""t.status = '{TimeEntryStatus.APPROVED.value}' AND {_alive(TimeEntry, "t")}"""
_PROJECT = f"""
  SELECT id, client_id, engagement_id, coalesce(currency, budget_currency) AS currency,
    budget_amount, budget_currency, budget_minutes, {_as_of(Project, "q")} AS as_of
  FROM {_table(Project)} q"""

PROJECT_FIGURES = f"""
WITH p AS MATERIALIZED ({_PROJECT}
  WHERE id = ANY($1)
)
SELECT p.id, p.currency, p.budget_minutes, worked, billable, unbilled, unpriced, other_currency,
  CASE WHEN p.budget_currency = p.currency THEN p.budget_amount END AS budget,
  round(worked / nullif(p.budget_minutes, 0)::numeric, 4) AS budget_used,
  round(priced / 60, 6) AS unbilled_amount,
  invoiced, open_invoices, open_amount, holds, milestone_id, milestone_name, milestone_due_on,
  least(p.as_of, time.as_of, invoices.as_of, open.as_of, held.as_of, next.as_of) AS as_of
FROM p
CROSS JOIN LATERAL (
  SELECT coalesce(sum(t.worked), 0)::bigint AS worked,
    coalesce(sum(t.billable) FILTER (WHERE {_IS_BILLABLE}), 0)::bigint AS billable,
    coalesce(round(sum({_LEFT}) FILTER (WHERE {_IS_UNBILLED})), 0)::bigint AS unbilled,
    coalesce(round(sum({_LEFT}) FILTER (
      WHERE {_IS_UNBILLED} AND ({_IS_PRICED}) IS NOT true)), 0)::bigint AS unpriced,
    sum({_LEFT} * t.rate_amount) FILTER (WHERE {_IS_UNBILLED} AND {_IS_PRICED}) AS priced,
    min({_as_of(TimeEntry, "t")}) AS as_of
  FROM {_table(TimeEntry)} t WHERE t.project_id = p.id AND {_APPROVED}
) time
CROSS JOIN LATERAL (
  SELECT coalesce(sum(CASE WHEN i.kind = '{InvoiceKind.CREDIT.value}' THEN -abs(i.net_amount)
      ELSE i.net_amount END) FILTER (WHERE i.net_currency = p.currency), 0) AS invoiced,
    count(*) FILTER (WHERE i.net_currency <> p.currency) AS other_currency,
    min({_as_of(Invoice, "i")}) AS as_of
  FROM {_table(Invoice)} i
  WHERE i.project_id = p.id AND {_alive(Invoice, "i")} AND i.status IN ({_words(INVOICED)})
) invoices
CROSS JOIN LATERAL (
  SELECT count(*) AS open_invoices,
    coalesce(sum(s.balance_amount) FILTER (WHERE s.balance_currency = p.currency), 0)
      AS open_amount,
    min({_as_of(PaymentStatus, "s")}) AS as_of
  FROM {_table(Invoice)} i JOIN {_table(PaymentStatus)} s ON s.invoice_id = i.id
  WHERE i.project_id = p.id AND {_alive(Invoice, "i")} AND {_alive(PaymentStatus, "s")}
    AND s.status IN ({_words(UNPAID)})
) open
CROSS JOIN LATERAL (
  SELECT count(*) AS holds, min({_as_of(BillingHold, "h")}) AS as_of
  FROM {_table(BillingHold)} h
  WHERE (h.project_id = p.id OR h.engagement_id = p.engagement_id OR h.client_id = p.client_id)
    AND {_alive(BillingHold, "h")} AND h.status <> '{BillingHoldStatus.RELEASED.value}'
) held
LEFT JOIN LATERAL (
  SELECT m.id AS milestone_id, m.name AS milestone_name, m.due_on AS milestone_due_on,
    {_as_of(Milestone, "m")} AS as_of
  FROM {_table(Milestone)} m
  WHERE m.project_id = p.id AND {_alive(Milestone, "m")} AND m.due_on IS NOT NULL
    AND m.status = '{MilestoneStatus.PLANNED.value}'
  ORDER BY m.due_on, m.id LIMIT 1
) next ON true
"""
"""Of the projects $1."""

UNBILLED_WORK = f"""
SELECT p.id, p.currency, month, round(sum({_LEFT}))::bigint AS unbilled,
  coalesce(round(sum({_LEFT}) FILTER (WHERE ({_IS_PRICED}) IS NOT true)), 0)::bigint AS unpriced,
  round(sum({_LEFT} * t.rate_amount) FILTER (WHERE {_IS_PRICED}) / 60, 6) AS unbilled_amount,
  count(*) AS entries, least(min(p.as_of), min({_as_of(TimeEntry, "t")})) AS as_of
FROM {_table(TimeEntry)} t
JOIN ({_PROJECT}
  WHERE {_alive(Project, "q")}
    AND ($1::text[] IS NULL OR q.client_id = ANY($1))
    AND ($2::text[] IS NULL OR q.manager_id = ANY($2))
    AND ($3::text[] IS NULL OR q.legal_entity_id = ANY($3))
    AND ($4::text[] IS NULL OR q.status = ANY($4))
) p ON p.id = t.project_id
CROSS JOIN LATERAL (SELECT date_trunc('month', t.work_date::timestamp)::date AS month) of_day
WHERE {_APPROVED} AND {_IS_UNBILLED} AND t.work_date IS NOT NULL
  AND ($5::text IS NULL OR (t.project_id, month) > ($5, $6::date))
GROUP BY p.id, p.currency, t.project_id, month
ORDER BY t.project_id, month
LIMIT $7
"""
"""Per project and month, narrowed by client, manager, legal entity and status of the project."""

RECEIVABLES = f"""
WITH due AS (
  SELECT i.client_id, s.balance_currency AS currency, s.balance_amount AS amount, i.due_on,
    $1::date - i.due_on AS late,
    least({_as_of(PaymentStatus, "s")}, {_as_of(Invoice, "i")}) AS as_of
  FROM {_table(PaymentStatus)} s JOIN {_table(Invoice)} i ON i.id = s.invoice_id
  WHERE {_alive(PaymentStatus, "s")} AND {_alive(Invoice, "i")} AND s.status IN ({_words(UNPAID)})
    AND i.client_id IS NOT NULL AND s.balance_currency IS NOT NULL
    AND ($2::text[] IS NULL OR i.client_id = ANY($2))
    AND ($3::text[] IS NULL OR i.legal_entity_id = ANY($3))
), per_client AS (
  SELECT client_id, currency, count(*) AS open_invoices, sum(amount) AS open_amount,
    coalesce(sum(amount) FILTER (WHERE late > 0), 0) AS overdue,
    coalesce(sum(amount) FILTER (WHERE late BETWEEN 1 AND 30), 0) AS days_1_to_30,
    coalesce(sum(amount) FILTER (WHERE late BETWEEN 31 AND 60), 0) AS days_31_to_60,
    coalesce(sum(amount) FILTER (WHERE late BETWEEN 61 AND 90), 0) AS days_61_to_90,
    coalesce(sum(amount) FILTER (WHERE late > 90), 0) AS days_over_90,
    min(due_on) AS oldest_due_on, min(as_of) AS as_of
  FROM due GROUP BY client_id, currency
)
SELECT * FROM per_client
WHERE $4::text IS NULL OR (currency, -overdue, client_id) > ($4, -($5::text::numeric), $6)
ORDER BY currency, -overdue, client_id
LIMIT $7
"""
"""Per client and currency, aged on the day $1, narrowed by client and legal entity."""
