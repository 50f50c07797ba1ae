"""Positions: where a record stands in the log and in its source's own history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

Topic = NewType("Topic", str)
"""`<system>.<schema>.<table>`, for example `crm.public.accounts`."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class LogPartition:
    """One ordered lane of one topic."""

    topic: Topic
    partition: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Position:
    """Where one record stands in the log. Offsets rise within a partition, in commit order."""

    topic: Topic
    partition: int
    offset: int

    @property
    def lane(self) -> LogPartition:
        return LogPartition(topic=self.topic, partition=self.partition)

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"
