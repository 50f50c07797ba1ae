"""Builders of Debezium envelopes and log records, as a capture would write them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from cdc.log.port import LogRecord
from schema.position import Position, Topic
from sync.connectors.billing import Billing
from sync.connectors.codec import columns_of
from sync.connectors.crm import Crm
from sync.connectors.erp import Erp
from sync.connectors.hr import Hr
from sync.connectors.psa import Psa

BINDINGS = [*Crm.bindings, *Psa.bindings, *Hr.bindings, *Erp.bindings, *Billing.bindings]
MOMENT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


def envelope(
    table: str,
    row: Mapping[str, Any] | None,
    *,
    op: str = "u",
    before: Mapping[str, Any] | None = None,
    lsn: int | None = 100,
    snapshot: str = "false",
    **source: Any,
) -> bytes:
    """The value of one event of `system.schema.table`."""
    system, schema, name = table.split(".")
    described = {
        "version": "3.6.1.Final",
        "connector": "postgresql",
        "name": system,
        "ts_ms": int(MOMENT.timestamp() * 1000),
        "snapshot": snapshot,
        "db": system,
        "sequence": f'["{lsn}","{lsn}"]',
        "schema": schema,
        "table": name,
        "txId": 700,
        "lsn": lsn,
        "xmin": None,
    }
    payload = {
        "before": before,
        "after": row,
        "source": described | source,
        "op": op,
        "ts_ms": int(MOMENT.timestamp() * 1000) + 5,
        "transaction": None,
    }
    return orjson.dumps(payload)


def whole(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with every column that is read of `system.schema.table`; what it lacks is null.

    Debezium's rows are whole: a column that is not in one does not exist.
    """
    system, _, name = table.partition(".")
    read = [b for b in BINDINGS if (b.system.value, b.table) == (system, name)]
    columns = sorted({column for binding in read for column in columns_of(binding)})
    return dict.fromkeys(columns) | dict(row)


def record(
    table: str,
    key: Mapping[str, Any] | None,
    value: bytes | None,
    *,
    offset: int = 0,
    partition: int = 0,
    headers: Mapping[str, bytes] | None = None,
) -> LogRecord:
    """A log record as the listener would poll it."""
    return LogRecord(
        position=Position(topic=Topic(table), partition=partition, offset=offset),
        key=None if key is None else orjson.dumps(key),
        value=value,
        headers=headers or {},
        appended_at=MOMENT,
    )
