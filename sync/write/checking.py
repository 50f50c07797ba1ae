"""The rules of `schema.checks` over what is about to be written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.checks import checks_of
from schema.errors import Invalid
from sync.write.ownership import shown


def require_checks(entity: type, written: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Raises Invalid for every rule on the written fields that the record would break."""
    broken = [one for one in checks_of(entity, written) if one.is_broken(values)]
    if broken:
        rules = "; ".join(_shown(one.fields, one.rule) for one in broken)
        raise Invalid(f"{entity.__name__}: it must hold that {rules}.")


def _shown(fields: tuple[str, ...], rule: str) -> str:
    """The rule in the clients' spelling of its fields."""
    for name in fields:
        rule = rule.replace(name, shown(name))
    return rule
