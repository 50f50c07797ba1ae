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
from support.wire import Answering, hang_up, listening, saying, stop_halfway, trickle

from schema.entity import FilterOp
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
from sync.connectors.binding import Binding, Column, Row
from sync.connectors.codec import Ref, decode, encode
from sync.connectors.http import Endpoint
from sync.connectors.ports import PAGE_LIMIT, Condition, RowQuery, Writes

NOBODY = "999999999"
"""A well-formed key, in every system, of no record."""

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


class ConnectorConformance:
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

    async def test_every_bound_column_is_there_and_reads(self, connected: Writes) -> None:
        """No row lacks a bound column, and each decodes, owned and copied fields alike."""
        for binding in connected.bindings:
            for row in await _all(connected, binding):
                for copies in (False, True):
                    decoded = decode(binding, row, copies=copies)
                    assert decoded.keys() == (binding.copies if copies else binding.owns).keys()

    async def test_encoding_what_was_decoded_changes_nothing(self, connected: Writes) -> None:
        """Row to canonical values to row to canonical values: the values stay."""
        for binding in connected.bindings:
            for row in await _all(connected, binding):
                for copies in (False, True):
                    values = decode(binding, row, copies=copies)
                    kept = {n: v for n, v in values.items() if n not in binding.read_only}
                    written = encode(binding, {n: _local(v) for n, v in kept.items()})
                    again = decode(binding, {**row, **written}, copies=copies)
                    assert {name: again[name] for name in kept} == kept

    async def test_a_column_nobody_knows_is_ignored(self, connected: Writes) -> None:
        """A system may grow columns."""
        for binding in connected.bindings:
            row = (await _first(connected, binding))[0]
            assert decode(binding, {**row, "shoe_size": 43}) == decode(binding, row)

    async def test_asked_for_keys_come_back_or_are_missing(self, connected: Writes) -> None:
        """By the system's own key and by the anchor's: only what exists comes."""
        for binding in connected.bindings:
            rows = (await _first(connected, binding))[2:5]
            for column in {binding.key, binding.anchor_key}:
                keys = {str(row[column]) for row in rows}
                found = await _fetch(connected, binding, column, *keys, NOBODY)
                assert {str(row[column]) for row in found} == keys

    async def test_asking_for_no_key_answers_no_row(self, connected: Writes) -> None:
        """An empty list is not the lack of a condition."""
        for binding in connected.bindings:
            assert await _fetch(connected, binding, binding.anchor_key) == []

    async def test_a_full_batch_of_keys_is_one_call(self, connected: Writes, url: str) -> None:
        """As many keys as a page holds fit into one call."""
        for binding in connected.bindings:
            keys = [str(row[binding.key]) for row in await _first(connected, binding)]
            filled = [*keys, *(f"{n}" for n in range(10**8, 10**8 + 500))][:500]
            await _reset_calls(url)
            found = await _fetch(connected, binding, binding.key, *filled)
            assert {str(row[binding.key]) for row in found} == set(keys[:500])
            assert await _calls(url) == 1

    async def test_every_filter_is_carried_out_by_the_system(self, connected: Writes) -> None:
        """Each declared filter answers exactly the rows that a full scan would pick."""
        for binding in (b for b in connected.bindings if b.is_anchor):
            rows = await _all(connected, binding)
            for name, place in binding.owns.items():
                for op in binding.field(name).filters:
                    assert isinstance(place, Column)
                    condition = _condition(place.name, op, rows)
                    found = await _all(connected, binding, condition)
                    assert found == [row for row in rows if _passes(row, condition)]
                    assert 0 < len(found) < len(rows), condition

    async def test_filters_hold_together(self, connected: Writes) -> None:
        """Two conditions on one query: a row must pass both."""
        for binding in (b for b in connected.bindings if b.key != b.anchor_key):
            first, other = (await _first(connected, binding))[:2]
            key, anchor_key = binding.key, binding.anchor_key
            both = (
                Condition(column=key, op=FilterOp.IN, value=(str(first[key]), str(other[key]))),
                Condition(column=anchor_key, op=FilterOp.IN, value=(str(other[anchor_key]),)),
            )
            assert await _all(connected, binding, *both) == [other]

    async def test_pages_join_without_gap_or_overlap(self, connected: Writes) -> None:
        """Walking by small pages, up or down, meets every row once and in order."""
        for binding in connected.bindings:
            rows = await _all(connected, binding)
            limit = min(len(rows) // 4 + 1, PAGE_LIMIT)
            assert await _walk(connected, binding, limit=limit) == rows
            assert await _walk(connected, binding, limit=limit, descending=True) == rows[::-1]

    async def test_a_window_excludes_both_its_bounds(self, connected: Writes) -> None:
        """`after` and `before` together: what lies between them."""
        for binding in connected.bindings:
            rows = await _first(connected, binding)
            first, last = 0, min(4, len(rows) - 1)
            after, before = str(rows[first][binding.key]), str(rows[last][binding.key])
            page = await connected.fetch(RowQuery(binding=binding, after=after, before=before))
            assert list(page.rows) == rows[first + 1 : last]

    async def test_a_created_record_has_a_key_and_is_found(self, connected: Writes) -> None:
        """The answer to a create carries the key by which the record can be fetched."""
        created = await connected.create(self.creates, self.record, idempotency_key="create-1")
        key = str(created[self.creates.key])
        assert await _fetch(connected, self.creates, self.creates.key, key) == [created]
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
        [now] = await _fetch(connected, self.creates, self.creates.key, key)
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


async def _first(connector: Writes, binding: Binding) -> list[Row]:
    """The first page, where a few rows are enough."""
    return list((await connector.fetch(RowQuery(binding=binding, limit=PAGE_LIMIT))).rows)


async def _all(connector: Writes, binding: Binding, *where: Condition) -> list[Row]:
    return await _walk(connector, binding, *where, limit=500)


async def _walk(
    connector: Writes,
    binding: Binding,
    *where: Condition,
    descending: bool = False,
    limit: int,
) -> list[Row]:
    rows: list[Row] = []
    edge: str | None = None
    while True:
        bound = {"before" if descending else "after": edge}
        query = RowQuery(binding=binding, where=where, descending=descending, limit=limit, **bound)
        page = await connector.fetch(query)
        rows += page.rows
        if not page.has_more:
            return rows
        assert len(page.rows) == limit
        edge = str(page.rows[-1][binding.key])


async def _fetch(connector: Writes, binding: Binding, column: str, *keys: str) -> list[Row]:
    asked = Condition(column=column, op=FilterOp.IN, value=keys)
    return list((await connector.fetch(RowQuery(binding=binding, where=(asked,)))).rows)


def _condition(column: str, op: FilterOp, rows: list[Row]) -> Condition:
    """A condition that some rows pass, and others do not."""
    cells = sorted({str(row[column]) for row in rows if row[column] is not None})
    middle = cells[len(cells) // 2]
    match op:
        case FilterOp.IN:
            return Condition(column=column, op=op, value=(middle, cells[0])[: len(cells) - 1])
        case FilterOp.CONTAINS:
            return Condition(column=column, op=op, value=middle[1:-1].lower())
        case FilterOp.FROM | FilterOp.TO:
            return Condition(column=column, op=op, value=middle)


def _passes(row: Row, condition: Condition) -> bool:
    if row[condition.column] is None:
        return False
    cell = str(row[condition.column])
    match condition.op:
        case FilterOp.IN:
            return cell in condition.value
        case FilterOp.CONTAINS:
            return condition.value.lower() in cell.lower()
        case FilterOp.FROM:
            return bool(cell >= condition.value)
        case FilterOp.TO:
            return bool(cell <= condition.value)


def _local(value: Any) -> Any:
    """A decoded value with the system's own keys in the place of references."""
    if isinstance(value, list):
        return [_local(part) for part in value]
    return value.external_id if isinstance(value, Ref) else value


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
