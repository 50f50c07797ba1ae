"""Provenance: where each part of an object came from, and how old it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

from resolvers.scalars import Long, print_instant
from schema.enums import explained
from schema.system import System
from sync.records import Provenance as Part
from sync.records import Source
from sync.session import Fetch

_SOURCES = {
    Source.OWNER: "The system of record itself.",
    Source.PROJECTION: "The hub's copy of what the owner has said.",
}
explained(Source, "Who answered.", _SOURCES)


@strawberry.type(description="Where the fields of one owner in one object came from.")
class Provenance:
    owner: System = strawberry.field(description="The system of record of these fields.")
    record_key: str | None = strawberry.field(description="The record's own key in that system.")
    as_of: datetime | None = strawberry.field(
        description="When these fields were last known to be true at their owner."
    )
    lag_ms: Long | None = strawberry.field(description="Age of `asOf` when this was answered.")
    source: Source = strawberry.field(description="Who answered.")
    reason: str | None = strawberry.field(
        description="Code of the fault that made the projection answer in the owner's place."
    )
    version: Long | None = strawberry.field(
        description="The owner's version of the record, for `ifVersion`; null where it keeps none."
    )


def provenance_of(part: Part, now: datetime) -> Provenance:
    return Provenance(
        owner=part.owner,
        record_key=part.record_key,
        as_of=part.as_of,
        lag_ms=_lag_ms(part.as_of, now),
        source=part.source,
        reason=part.reason,
        version=None if part.version is None else Long(part.version),
    )


def provenance_line(fetch: Fetch) -> dict[str, Any]:
    """One line of `extensions.provenance`: one owner's part of one batched read.

    `decided: "LIST"` marks what the projection was asked for only to decide which records are
    listed, and in which order.
    """
    return {
        "type": fetch.entity,
        "owner": fetch.owner.name,
        "source": fetch.source.name,
        "asOf": print_instant(fetch.as_of) if fetch.as_of else None,
        "lagMs": fetch.lag_ms,
        "records": fetch.records,
        **({"reason": fetch.reason} if fetch.reason else {}),
        **({"decided": "LIST"} if fetch.is_cut else {}),
    }


def _lag_ms(as_of: datetime | None, now: datetime) -> Long | None:
    return None if as_of is None else Long(max(0, round((now - as_of).total_seconds() * 1000)))
