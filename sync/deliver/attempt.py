"""One attempt at one delivery: find - create - confirm, and what of it nobody may know the end of.

Before a call, the fields it sends are doubted (see `Outbox.begin`), so that they are sent again
whatever becomes of the call and of us. They are believed again once the call was answered and that
is written down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from schema.errors import NotFound
from sync.connectors.codec import version_of
from sync.deliver.outbox import Delivery, Outbox
from sync.deliver.replica import Found, Gone, Replica, Written, differing
from sync.json_form import json_form
from sync.records import Values

log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """The lease ran out, and the delivery is another worker's: nothing was sent."""


class Attempt:
    """`sent` are the fields that calls were begun with, until an answer is noted."""

    def __init__(self, delivery: Delivery, outbox: Outbox, answered: Callable[[], None]) -> None:
        self.delivery = delivery
        self.sent: frozenset[str] = frozenset()
        self._outbox = outbox
        self._answered = answered

    async def carry_out(self, replica: Replica) -> str | None:
        """Answers why nothing had to be sent, if that was so.

        A row that is met for the first time is owed all copies, as a new one would be; it counts
        as met once it holds them. Raises Overtaken, and whatever the replica raises.
        """
        record_id = self.delivery.record_id
        try:
            values = await replica.wanted(record_id)
        except Gone as gone:
            return await self._take_out(replica, str(gone))
        found = await replica.find(record_id, values)
        if found is None:
            await self._create(replica, values)
            return None
        try:
            return await self._update(replica, found, values)
        except NotFound:
            again = await replica.find_anew(record_id, values)
            if again is None or again.key == found.key:
                raise
            return await self._update(replica, again, values)

    async def _create(self, replica: Replica, values: Values) -> None:
        copies = replica.copies_of(values)
        await self._begin(None, copies)
        await self._note(replica, await replica.create(self.delivery.record_id, values), copies)

    async def _update(self, replica: Replica, found: Found, values: Values) -> str | None:
        copies = replica.copies_of(values)
        if found.copies is None:
            owed = {name: copies[name] for name in self.delivery.fields if name in copies}
            lacking = differing(owed, await self._outbox.held(self.delivery, found.key))
        else:
            lacking = differing(copies, found.copies)
        if lacking:
            await self._begin(found.key, lacking)
            await self._note(replica, await replica.update(found.key, lacking), lacking)
        await replica.link(self.delivery.record_id, found.key)
        return None if lacking else "the target holds it already"

    async def _take_out(self, replica: Replica, why: str) -> str:
        key = await replica.removable(self.delivery.record_id)
        if key is not None:
            await self._begin(None, dict.fromkeys(self.delivery.fields))
            await replica.remove(key)
            self._answered()
            log.info("delivery.taken_out", **self.delivery.named, key=key, why=why)
        return why

    async def _begin(self, key: str | None, values: Mapping[str, Any]) -> None:
        if not await self._outbox.begin(self.delivery, key, list(values)):
            raise Overtaken
        self.sent |= values.keys()

    async def _note(self, replica: Replica, written: Written, sent: Mapping[str, Any]) -> None:
        self._answered()
        copies = {name: json_form(value) for name, value in sent.items()}
        version = version_of(replica.binding, written.row)
        await self._outbox.wrote(self.delivery, written.key, copies, version)
        self.sent -= sent.keys()  # owed with that note, if the delivery was another's by then
        log.info("delivery.delivered", **self.delivery.named, fields=sorted(sent))
