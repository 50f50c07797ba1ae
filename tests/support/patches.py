"""Patches as the graph would hand them to the routing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schema.writes import UPDATES


def patch_of(entity: type, **fields: Any) -> Mapping[str, Any]:
    """The fields, all of which the type's update input must have."""
    assert fields.keys() <= set(UPDATES[entity]), UPDATES[entity]
    return fields
