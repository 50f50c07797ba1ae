"""What every connector promises, tried against the system's API over HTTP.

A connector's test inherits `ConnectorConformance` and names its connector and one record that may
be created.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import pytest
from support.changed_conformance import ChangedConformance
from support.reading_conformance import NOBODY, ReadingConformance, fetch_by, first_of
from support.wire import Answering, hang_up, listening, saying, stop_halfway, trickle

from schema.errors import (
    ConcordError,
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from schema.system import System
from sync.connectors.binding import Binding, Row
from sync.connectors.http import Endpoint
from sync.connectors.ports import RowQuery, Writes

BRIEF = timedelta(milliseconds=150)
GARBAGE = (b"<html>", b"null", b"[]", b'{"error": "teapot"}', b'"ok"')
BROKEN: Mapping[str, Answering] = {
    "hangs up": hang_up,
    "stops halfway": stop_halfway,
    "trickles": trickle,
    "answers 500": saying("500 Oops"),
    "answers 503": saying("503 Down"),
    **{f"says {body.decode()}": saying("200 OK", body) for body in GARBAGE[:3]},
}


class ConnectorConformance(ReadingConformance, ChangedConformance):
    """The suite. `record` is a complete row of `creates` in the system's own words."""

    connector: ClassVar[Callable[[Endpoint], Writes]]
    system: ClassVar[System]
    creates: ClassVar[Binding]
    record: ClassVar[Row]

    @pytest.fixture
    def url(self, stand_ins: Mapping[str, str]) -> str:
        return stand_ins[self.system.value]

    @pytest.fixture
    async def connected(self, url: str) -> AsyncIterator[Writes]:
        async with self._connecting(url) as connector:
            yield connector

    async def test_a_full_batch_of_keys_is_one_call(self, connected: Writes, url: str) -> None:
        """As many keys as a page holds fit into one call."""
        for binding in connected.bindings:
            keys = [str(row[binding.key]) for row in await first_of(connected, binding)]
            filled = [*keys, *(f"{n}" for n in range(10**8, 10**8 + 500))][:500]
            await _reset_calls(url)
            found = await fetch_by(connected, binding, binding.key, *filled)
            assert {str(row[binding.key]) for row in found} == set(keys[:500])
            assert await _calls(url) == 1

    async def test_a_created_record_has_a_key_and_is_found(self, connected: Writes) -> None:
        """The answer to a create carries the key by which the record can be fetched."""
        created = await connected.create(self.creates, self.record, idempotency_key="create-1")
        key = str(created[self.creates.key])
        assert await fetch_by(connected, self.creates, self.creates.key, key) == [created]
        assert {name: created[name] for name in self.record} == self.record

    async def test_an_update_raises_the_version(self, connected: Writes) -> None:
        """Guarded by the version it read, an update is applied and answers the new row."""
        row = await connected.create(self.creates, self.record, idempotency_key="update-1")
        key, version = str(row[self.creates.key]), row[self.creates.version]
        updated = await connected.update(self.creates, key, self.record, version=version)
        assert updated[self.creates.version] == version + 1

    async def test_a_stale_version_is_a_conflict(self, connected: Writes) -> None:
        """The second of two writers that read the same version is told so, and changes nothing."""
        row = await connected.create(self.creates, self.record, idempotency_key="stale-1")
        key, version = str(row[self.creates.key]), row[self.creates.version]
        await connected.update(self.creates, key, self.record, version=version)
        with pytest.raises(Conflict, match=self.system.name):
            await connected.update(self.creates, key, self.record, version=version)
        [now] = await fetch_by(connected, self.creates, self.creates.key, key)
        assert now[self.creates.version] == version + 1

    @pytest.mark.parametrize("key", [NOBODY, "../nobody", "no?body#"])
    async def test_an_unknown_key_is_not_found(self, connected: Writes, key: str) -> None:
        """Whatever characters a key has, it is one key."""
        with pytest.raises(NotFound):
            await connected.update(self.creates, key, self.record)

    async def test_a_refusal_keeps_the_systems_words(self, connected: Writes) -> None:
        """What the system says and its code for it reach the caller."""
        with pytest.raises(Rejected, match="shoe_size") as refused:
            await connected.create(
                self.creates, {**self.record, "shoe_size": 43}, idempotency_key="refused-1"
            )
        assert refused.value.owner_code
        assert refused.value.system is self.system

    async def test_a_wrong_key_is_named_by_its_setting_and_never_shown(self, url: str) -> None:
        """The operator learns which setting to check; nobody learns the key."""
        endpoint = Endpoint(url=url, key="s3cr3t")
        connector = type(self).connector(endpoint)
        with pytest.raises(Unavailable, match=f"CONCORD_{self.system.name}__KEY") as refused:
            await connector.fetch(RowQuery(binding=self.creates))
        with pytest.raises(Unavailable, match=f"CONCORD_{self.system.name}__KEY"):
            await connector.create(self.creates, self.record, idempotency_key="key-1")
        await connector.close()
        shown = [repr(endpoint), repr(connector), repr(vars(connector)), str(refused.value)]
        assert not any("s3cr3t" in text for text in shown)

    async def test_a_request_for_a_pause_is_heard(self, connected: Writes, url: str) -> None:
        """429 is RateLimited with the pause that was asked for, for reads and writes."""
        async with _fault(url, mode="throttle"):
            for call in self._calls(connected):
                with pytest.raises(RateLimited) as limited:
                    await call()
                assert limited.value.retry_after == timedelta(seconds=1)

    async def test_a_late_answer_is_not_waited_for(self, url: str) -> None:
        """A slow read is Unavailable; a slow write may have been carried out."""
        async with (
            _fault(url, mode="slow", seconds=1, after_effect=True),
            self._connecting(url, within=BRIEF) as connector,
        ):
            await self._expect(connector, reading=Unavailable, writing=OutcomeUnknown)

    @pytest.mark.parametrize("answering", BROKEN.values(), ids=BROKEN)
    async def test_a_broken_answer_loses_a_write_and_fails_a_read(
        self, answering: Answering
    ) -> None:
        """Once the request has left, only a clear answer tells that a write was not carried out."""
        async with listening(answering) as url, self._connecting(url, within=BRIEF) as connector:
            await self._expect(connector, reading=Unavailable, writing=OutcomeUnknown)

    @pytest.mark.parametrize("body", [*GARBAGE, b'{"records": [1], "hasMore": false}'])
    async def test_json_of_another_shape_is_no_answer(self, body: bytes) -> None:
        """A page that is not a list of objects never reaches the decoder."""
        async with listening(saying("200 OK", body)) as url, self._connecting(url) as connector:
            with pytest.raises(Unavailable):
                await connector.fetch(RowQuery(binding=self.creates))

    async def test_a_redirect_is_not_followed(self) -> None:
        """Our key goes to the address that was configured, and nowhere else."""
        moved = saying("302 Found", header="location: http://127.0.0.1:9/\r\n")
        async with listening(moved) as url, self._connecting(url) as connector:
            await self._expect(connector, reading=Unavailable, writing=Unavailable)

    async def test_a_refusal_without_words_is_told_by_its_status(self) -> None:
        """A proxy's 400 is still a refusal, though not in the system's words."""
        refusing = saying("400 Bad", b"go away")
        async with listening(refusing) as url, self._connecting(url) as connector:
            with pytest.raises(Rejected, match="400"):
                await connector.create(self.creates, self.record, idempotency_key="words-1")

    async def test_nobody_listening_means_nothing_was_sent(self) -> None:
        """A refused connection is Unavailable for writes too: they can safely be sent again."""
        async with listening(hang_up) as url:
            pass
        async with self._connecting(url) as connector:
            await self._expect(connector, reading=Unavailable, writing=Unavailable)

    async def test_a_failing_system_is_left_alone_for_a_moment(self, url: str) -> None:
        """After five failures in a row, reads are answered without a call."""
        async with _fault(url, mode="down"), self._connecting(url) as connector:
            await _reset_calls(url)
            for _ in range(8):
                with pytest.raises(Unavailable):
                    await connector.fetch(RowQuery(binding=self.creates))
            assert await _calls(url) == 5

    async def _expect(
        self, connector: Writes, *, reading: type[ConcordError], writing: type[ConcordError]
    ) -> None:
        """The read and both writes fail in exactly this way, naming the system."""
        for call, expected in zip(self._calls(connector), (reading, writing, writing), strict=True):
            with pytest.raises(ConcordError) as failed:
                await call()
            assert type(failed.value) is expected
            assert self.system.name in failed.value.message

    def _calls(self, connector: Writes) -> tuple[Callable[[], Any], ...]:
        return (
            lambda: connector.fetch(RowQuery(binding=self.creates)),
            lambda: connector.create(self.creates, self.record, idempotency_key="call-1"),
            lambda: connector.update(self.creates, NOBODY, self.record),
        )

    @asynccontextmanager
    async def _connecting(
        self, url: str, *, within: timedelta = timedelta(seconds=5)
    ) -> AsyncIterator[Writes]:
        key = f"demo-{self.system.value}"
        endpoint = Endpoint(url=url, key=key, read_timeout=within, write_timeout=within)
        connector = type(self).connector(endpoint)
        try:
            yield connector
        finally:
            await connector.close()


@asynccontextmanager
async def _fault(url: str, **fault: Any) -> AsyncIterator[None]:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        (await client.put("/_fault", json=fault)).raise_for_status()
        try:
            yield
        finally:
            (await client.put("/_fault", json={"mode": "none"})).raise_for_status()


async def _calls(url: str) -> int:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        return int((await client.get("/_calls")).json()["total"])


async def _reset_calls(url: str) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        (await client.delete("/_calls")).raise_for_status()
