"""From the messages of logical decoding to the records of the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from cdc.capture.envelope_writer import Source, write_change, write_truncate
from cdc.capture.pgoutput import (
    Begin,
    Commit,
    Delete,
    Insert,
    Logical,
    Origin,
    RelationId,
    Truncate,
    Update,
)
from cdc.capture.table_shape import TableShape
from cdc.capture.transaction import Transaction
from cdc.log.port import NewRecord


class ChangeStream:
    """Remembers what the changes of a transaction leave out: tables, commit time, origin.

    With `tells_transactions` the changes say to which they belong, and its end is a record.
    `announce` a relation before its rows are taken; pgoutput sends it in that order too.
    """

    def __init__(self, blank: Source, *, tells_transactions: bool = False) -> None:
        self._source = blank
        self._tells_transactions = tells_transactions
        self._shapes: dict[RelationId, TableShape] = {}

    @property
    def transaction(self) -> int:
        """The number of the transaction whose messages are taken now."""
        return self._source.xid or 0

    def announce(self, relation: RelationId, shape: TableShape) -> None:
        self._shapes[relation] = shape

    def take(self, lsn: int, message: Logical, now: datetime) -> Iterable[NewRecord]:
        """The records that one message gives, in order; most messages but rows give none."""
        match message:
            case Begin():
                self._source = replace(
                    self._source,
                    committed_at=message.committed_at,
                    xid=message.xid,
                    origin=None,
                    origin_lsn=None,
                    transaction=self._begun(message),
                )
            case Origin():
                self._source = replace(self._source, origin=message.name, origin_lsn=message.lsn)
            case Commit():
                begun = self._source.transaction
                self._source = replace(
                    self._source, last_commit_lsn=message.end_lsn, transaction=None
                )
                return [] if begun is None else begun.end(now)
            case Insert() | Update() | Delete():
                source = replace(self._source, lsn=lsn)
                return write_change(message, self._shapes[message.relation], source, now)
            case Truncate():
                source = replace(self._source, lsn=lsn)
                return [write_truncate(self._shapes[id_], source, now) for id_ in message.relations]
            case _:  # relations are announced; type names and logical messages change no row
                pass
        return ()

    def _begun(self, begin: Begin) -> Transaction | None:
        if not self._tells_transactions:
            return None
        return Transaction(self._source.system, begin.xid, begin.final_lsn)
