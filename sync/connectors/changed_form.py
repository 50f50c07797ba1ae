"""How a system is asked for what has changed since a time, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sync.connectors.http import Parameters
from sync.connectors.ports import ChangedQuery

_BEGINNING = "1970-01-01T00:00:00+00:00"


def _as_it_is(column: str, value: str) -> str:
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedForm:
    """The parameters that ask for a page of changes, in the order of their time and the key.

    They are templates: `{limit}` rows from `{since}` on; of the columns `{time}` and `{id}`
    the last row that was had held `{at}` and `{key}`. Those two are in the `further` pages only.
    `literal` spells a key of a column, where it must not be spelt as it is.
    """

    first: Parameters
    further: Parameters
    literal: Callable[[str, str], str] = _as_it_is

    def parameters(self, query: ChangedQuery) -> Parameters:
        """Raises Invalid for a key that the system cannot be told."""
        binding = query.binding
        told = {
            "limit": str(query.limit),
            "since": _BEGINNING if query.since is None else query.since.isoformat(),
            "time": binding.updated_at,
            "id": binding.key,
        }
        templates = self.first
        if query.after is not None:
            moment, key = query.after
            told |= {"at": moment.isoformat(), "key": self.literal(binding.key, key)}
            templates = self.further
        return [(name.format_map(told), value.format_map(told)) for name, value in templates]
