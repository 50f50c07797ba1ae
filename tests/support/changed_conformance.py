"""What a connector promises of which rows have changed, tried against the system's API over HTTP.

A test inherits `ChangedConformance` and has a fixture `connected`, a connector to a seeded system.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from support.reading_conformance import NOBODY, all_of

from sync.connectors.binding import Binding, Row
from sync.connectors.ports import PAGE_LIMIT, ChangedQuery, Polls

_PAGES = 5
Place = tuple[datetime, str]


class ChangedConformance:
    """The part of the suite for systems that can be polled."""

    async def test_every_row_has_changed_once_since_the_beginning(self, connected: Polls) -> None:
        """Page by page, in the order of time and key, though many rows share a time."""
        for binding in connected.bindings:
            rows = await all_of(connected, binding)
            told = await _changed(
                connected, binding, None, limit=min(len(rows) // _PAGES + 1, PAGE_LIMIT)
            )
            assert sorted(map(repr, told)) == sorted(map(repr, rows))
            times = [_at(binding, row) for row in told]
            assert times == sorted(times)

    async def test_only_what_changed_since_is_told(self, connected: Polls) -> None:
        """The time is included, and to the microsecond."""
        for binding in connected.bindings:
            rows = await all_of(connected, binding)
            since = sorted(_at(binding, row) for row in rows)[len(rows) // 2]
            for start in (since, since + timedelta(microseconds=1)):
                told = await _changed(connected, binding, start)
                assert {repr(row) for row in told} == {
                    repr(row) for row in rows if _at(binding, row) >= start
                }

    async def test_a_page_goes_on_behind_a_place_not_behind_a_row(self, connected: Polls) -> None:
        """The row that ended the page before may have moved, and its successors may not."""
        binding = connected.bindings[0]
        told = await _changed(connected, binding, None)
        moment = _at(binding, told[0])
        place = moment, NOBODY
        query = ChangedQuery(binding=binding, after=place)
        behind = [row for row in told if (_at(binding, row), str(row[binding.key])) > place]
        assert list((await connected.changed(query)).rows) == behind[:PAGE_LIMIT]


async def _changed(
    connected: Polls, binding: Binding, since: datetime | None, *, limit: int = PAGE_LIMIT
) -> list[Row]:
    after: Place | None = None
    rows: list[Row] = []
    has_more = True
    while has_more:
        query = ChangedQuery(binding=binding, since=since, after=after, limit=limit)
        page = await connected.changed(query)
        rows += page.rows
        has_more = page.has_more
        assert page.rows or not has_more
        after = (_at(binding, rows[-1]), str(rows[-1][binding.key])) if rows else None
    return rows


def _at(binding: Binding, row: Row) -> datetime:
    return datetime.fromisoformat(row[binding.updated_at])
