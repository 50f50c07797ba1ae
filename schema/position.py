"""Positions: where a record stands in the log and in its source's own history.

Structs, not dataclasses: one is made per event, and a struct is made several times faster. What can
be part of no cycle says so (`gc=False`), and the collector need not walk it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NewType

import msgspec

Topic = NewType("Topic", str)
"""`<system>.<schema>.<table>`, for example `crm.public.accounts`."""


class LogPartition(msgspec.Struct, frozen=True, kw_only=True, order=True, gc=False):
    """One ordered lane of one topic."""

    topic: Topic
    partition: int


class Position(msgspec.Struct, frozen=True, kw_only=True, order=True, gc=False):
    """Where one record stands in the log. Offsets rise within a partition, in commit order."""

    topic: Topic
    partition: int
    offset: int

    @property
    def lane(self) -> LogPartition:
        return LogPartition(topic=self.topic, partition=self.partition)

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"


Ends = Callable[[], Awaitable[Mapping[LogPartition, int]]]
"""The next offset of each partition, as a log tells them."""
