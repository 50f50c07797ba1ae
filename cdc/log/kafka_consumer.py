"""The log in Kafka: reading as a member of a consumer group.

The client may be touched by one thread only. Every call is handed to that thread and awaited
there; what happens on it otherwise (a rebalance) waits in a queue until the next call.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from queue import SimpleQueue
from typing import TypeVar

from cdc.log.kafka_access import KafkaAccess, kafka_outage
from cdc.log.kafka_member import Member, News
from cdc.log.port import LogRecord
from schema.errors import ConcordError, Unavailable
from schema.position import LogPartition, Topic

_STAY_EVERY_S = 3
"""A group that shares its partitions out again waits for every member to poll."""

T = TypeVar("T")


class KafkaLogConsumer:
    """One member of `group`, reading `topics` and every topic that starts with one of `prefixes`.

    Topics may appear later. A poll that changes the assignment returns nothing, so that the caller
    can look at it and seek before the first record of a new partition comes. After `Unavailable`
    the assignment is empty; the next call joins again. One caller at a time.
    """

    def __init__(
        self,
        *,
        access: KafkaAccess,
        group: str,
        topics: tuple[Topic, ...] = (),
        prefixes: tuple[str, ...] = (),
    ) -> None:
        self._access = access
        self._group = group
        self._pattern = _pattern(topics, prefixes)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka")
        self._news: News = SimpleQueue()
        self._member: Member | None = None
        self._staying: asyncio.Task[None] | None = None
        self._is_polled = False

    async def poll(self, limit: int, wait: timedelta) -> Sequence[LogRecord]:
        """See `Consumes.poll`."""
        self._is_polled = True
        return await self._call(lambda member: member.poll(limit, wait))

    async def assignment(self) -> frozenset[LogPartition]:
        """The partitions this member reads now; joins the group if it has not yet."""
        return await self._call(lambda member: member.assignment())

    def seek(self, partition: LogPartition, offset: int) -> None:
        self._news.put(lambda member: member.seek(partition, offset))

    def pause(self, partition: LogPartition) -> None:
        self._news.put(lambda member: member.pause(partition))

    def resume(self, partition: LogPartition) -> None:
        self._news.put(lambda member: member.resume(partition))

    async def commit(self, offsets: Mapping[LogPartition, int]) -> None:
        """Tell Kafka how far the group is; nothing is read from there."""
        await self._call(lambda member: member.commit(offsets))

    async def close(self) -> None:
        """Leave the group: the partitions are free at once. Closing twice is fine."""
        if self._staying is not None:
            self._staying.cancel()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._leave)

    async def _call(self, act: Callable[[Member], T]) -> T:
        if self._staying is None:
            self._staying = asyncio.create_task(self._stay(), name="stay in the group")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, act)

    async def _stay(self) -> None:
        """An owner that is down may keep the caller from polling for as long as it likes."""
        while True:
            await asyncio.sleep(_STAY_EVERY_S)
            if not self._is_polled:
                with suppress(ConcordError):  # which the next poll will raise again
                    await self._call(lambda member: member.stay())
            self._is_polled = False

    def _do(self, act: Callable[[Member], T]) -> T:
        try:
            with kafka_outage():
                if self._member is None:
                    self._member = Member(self._access, self._group, self._pattern, self._news)
                return act(self._member)
        except Unavailable:
            self._leave()
            raise

    def _leave(self) -> None:
        member, self._member = self._member, None
        self._news = SimpleQueue()
        if member is not None:
            member.close()


def _pattern(topics: Sequence[str], prefixes: Sequence[str]) -> str:
    exact = [re.escape(topic) for topic in topics]
    return f"^(?:{'|'.join([*exact, *(f'{re.escape(prefix)}.*' for prefix in prefixes)])})$"
