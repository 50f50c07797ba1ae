"""The projection's triggers: what the hub, as an owner, makes of what it hears of others' records.

They fire in the transaction that applies a change, so that the hub's own rows never lag behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schema.entities.expense_item import ExpenseItem
from schema.entities.time_entry import TimeEntry
from schema.entity import entity_name

_HEARS: Mapping[type, tuple[str, str, str]] = {
    TimeEntry: ("time_entries", "time_price", "time_entry"),
    ExpenseItem: ("expenses", "expense_price", "expense"),
}
"""Column of billing events, table of prices and its key: the arguments of `hub.derive_billed`."""


_ON_INSERT = "AFTER INSERT ON {table} REFERENCING NEW TABLE AS told\n  FOR EACH STATEMENT"
_ON_CHANGE = """AFTER UPDATE ON {table}
  FOR EACH ROW WHEN (NEW.psa_key IS NOT NULL
    AND (OLD.is_billable IS false) <> (NEW.is_billable IS false))"""


def heard_in_place_of(former: str, schema: str) -> Iterator[str]:
    """Statements that have the hub hear how the projection in `schema` differs from the former."""
    for entity, (column, prices, key) in _HEARS.items():
        table = entity_name(entity)
        yield (
            f"SELECT hub.derive_billed('{column}', '{prices}', '{key}', ARRAY(\n"
            f"  SELECT t.psa_key FROM {schema}.{table} t LEFT JOIN {former}.{table} f USING (id)\n"
            "  WHERE t.psa_key IS NOT NULL"
            " AND (t.is_billable IS false) <> (f.is_billable IS false)))"
        )


def triggers_for(entity: type, schema: str) -> Iterator[str]:
    """The DDL of a type's triggers, each runnable any number of times."""
    if entity in _HEARS:
        told = ", ".join(f"'{argument}'" for argument in _HEARS[entity])
        for name, moment in (("insert", _ON_INSERT), ("change", _ON_CHANGE)):
            yield (
                f"CREATE OR REPLACE TRIGGER hear_of_billable_on_{name}\n"
                f"  {moment.format(table=f'{schema}.{entity_name(entity)}')}\n"
                f"  EXECUTE FUNCTION hub.hear_of_billable({told})"
            )
