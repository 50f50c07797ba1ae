"""How systems that name their parameters after columns are told what a list is narrowed by."""

from __future__ import annotations

from collections.abc import Mapping

from schema.entity import FilterOp
from sync.connectors.binding import Binding
from sync.connectors.http import comma_list
from sync.connectors.ports import Condition


def named_condition(
    binding: Binding, condition: Condition, suffix: Mapping[FilterOp, str]
) -> tuple[str, str]:
    """A condition as a parameter named after its column; several keys are `ids`."""
    if condition.op is FilterOp.IN:
        name = "ids" if condition.column == binding.key else condition.column
        return name, comma_list(condition.value)
    return condition.column + suffix[condition.op], str(condition.value)
