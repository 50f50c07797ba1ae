"""CloudEvents in structured mode: an envelope taken apart, its `source` spread over extensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from schema.errors import Poison

VERSION = "specversion"
_PREFIX = "iodebezium"


class CloudEvent(msgspec.Struct):
    """The same members as an envelope's, put together again; `data` may bring its schema along."""

    op: str
    source: dict[str, Any]
    transaction: str | None
    order: int | None
    data: msgspec.Raw


def cloud_event(told: Mapping[str, msgspec.Raw]) -> CloudEvent:
    """Raises Poison for an event without the attributes that say what changed.

    Extensions are lower case and without underscores; long numbers among them are text.
    """
    extensions = {
        name.removeprefix(_PREFIX): msgspec.json.decode(raw)
        for name, raw in told.items()
        if name.startswith(_PREFIX)
    }
    told_op, data, transaction = extensions.get("op"), told.get("data"), extensions.get("txid")
    if not isinstance(told_op, str) or data is None:
        detail = "A CloudEvent without `iodebeziumop` or `data`: enable its extension attributes."
        raise Poison("not_an_envelope", detail)
    return CloudEvent(
        op=told_op,
        source={**extensions, "ts_ms": extensions.get("tsms")},
        transaction=None if transaction is None else str(transaction),
        order=_order(extensions.get("txtotalorder")),
        data=data,
    )


def _order(told: Any) -> int | None:
    return int(told) if isinstance(told, str) and told.isdigit() else None
