"""What the listener applies in one transaction of the intake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cdc.log.port import LogRecord
from schema.position import LogPartition
from sync.changes import Incoming
from sync.intake import Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records, what each of them means, and where their partitions stood before them."""

    records: Sequence[LogRecord]
    meanings: Sequence[Sequence[Incoming]]
    starts: Mapping[LogPartition, int]
    is_whole: bool = False
    """Whether it holds transactions that are to be seen as wholes."""

    @property
    def claims(self) -> list[Claim]:
        last = {(r.position.topic, r.position.partition): r.position for r in self.records}
        return [
            Claim(lane=p.lane, expected=self.starts[p.lane], next_offset=p.offset + 1)
            for p in last.values()
        ]

    def halves(self) -> tuple[Batch, Batch]:
        middle = len(self.records) // 2
        first = replace(self, records=self.records[:middle], meanings=self.meanings[:middle])
        between = {**self.starts, **{c.lane: c.next_offset for c in first.claims}}
        rest = self.records[middle:], self.meanings[middle:]
        return first, Batch(records=rest[0], meanings=rest[1], starts=between)
