"""Billing's invoices as a capture writes them, 853 bytes each: the load of the CDC benches."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import orjson

from cdc.log.port import Appends, NewRecord
from schema.position import Topic
from sync.connectors.billing_bindings import INVOICE
from sync.connectors.codec import columns_of

TOPIC = Topic("billing.public.invoices")
ENVELOPE_BYTES = 853
_AT_ONCE = 5_000
_COLUMNS = sorted(columns_of(INVOICE))


def events(numbers: Iterable[int], op: str, *, lsn: int | None) -> Iterable[NewRecord]:
    for number in numbers:
        row = invoice_row(number, lsn or 0)
        value = {
            "before": None,
            "after": row,
            "source": {
                "version": "3.6.1.Final",
                "connector": "postgresql",
                "name": "billing",
                "ts_ms": 1_795_000_000_000,
                "snapshot": "true" if op == "r" else "false",
                "db": "billing",
                "sequence": f'["{lsn}","{lsn}"]',
                "schema": "public",
                "table": "invoices",
                "txId": 4711,
                "lsn": lsn,
                "xmin": None,
            },
            "op": op,
            "ts_ms": 1_795_000_000_123,
            "transaction": None,
        }
        body = orjson.dumps(value)
        row["description"] += "." * max(0, ENVELOPE_BYTES - len(body))
        yield NewRecord(topic=TOPIC, key=orjson.dumps({"id": row["id"]}), value=orjson.dumps(value))


async def append_all(log: Appends, records: Iterable[NewRecord]) -> int:
    """Append in portions; answers how many there were."""
    count, rest = 0, iter(records)
    while portion := list(islice(rest, _AT_ONCE)):
        await log.append(portion)
        count += len(portion)
    return count


def invoice_row(number: int, generation: int) -> dict[str, Any]:
    return dict.fromkeys(_COLUMNS) | {
        "id": f"in_{number:06d}",
        "customer": None,
        "project_code": f"P-26{number % 12:02d}-{number % 997:03d}",
        "entity_code": "NL01",
        "currency": "EUR",
        "amount_net": f"{1000 + number % 9000 + generation}.00",
        "status": "draft",
        "issued_on": 20_700,
        "due_on": 20_730,
        "description": "Consulting services",
        "version": 1 + generation,
        "updated_at": "2026-11-20T08:15:30.123456Z",
    }
