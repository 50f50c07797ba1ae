"""What is told of a transaction beside its rows: Debezium's `provide.transaction.metadata`."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import orjson

from cdc.capture.table_shape import JsonRow
from cdc.log.port import NewRecord
from schema.position import Topic


def transaction_topic(system: str) -> Topic:
    return Topic(f"{system}.transaction")


class Transaction:
    """One transaction while its rows are written; counts them by table."""

    def __init__(self, system: str, xid: int, lsn: int) -> None:
        self._system = system
        self._id = f"{xid}:{lsn}"
        self._counts: Counter[str] = Counter()

    def member(self, table: str) -> JsonRow:
        """The next record of it, of a table: the `transaction` block of its envelope."""
        self._counts[table] += 1
        return {
            "id": self._id,
            "total_order": self._counts.total(),
            "data_collection_order": self._counts[table],
        }

    def end(self, now: datetime) -> list[NewRecord]:
        """The marker that tells how many records there were; none for a transaction without."""
        if not self._counts:
            return []
        marker = {
            "status": "END",
            "id": self._id,
            "ts_ms": int(now.timestamp() * 1000),
            "event_count": self._counts.total(),
            "data_collections": [
                {"data_collection": table, "event_count": count}
                for table, count in self._counts.items()
            ],
        }
        key = orjson.dumps({"id": self._id})
        return [
            NewRecord(topic=transaction_topic(self._system), key=key, value=orjson.dumps(marker))
        ]
