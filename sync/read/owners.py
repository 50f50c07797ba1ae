"""Reading at the owners: one batched call each, with a deadline, decoded into parts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from schema.canon import BY_ID_TYPE
from schema.entity import FilterOp, anchor, one_of
from schema.errors import Poison, Unavailable
from schema.system import System
from sync.clock import Clock
from sync.connectors.binding import Binding, Column, Row
from sync.connectors.cells import text_of
from sync.connectors.codec import decode, version_of
from sync.connectors.encoding import encode_cell
from sync.connectors.ports import PAGE_LIMIT, Condition, Reads, RowQuery, Rows
from sync.connectors.refs import Ref, reference_fields, references, resolved
from sync.policy import Filter, Keyset
from sync.read.parts import Part, Parts, Stretch
from sync.records import Provenance, Source, Values
from sync.xref import Xref

Connectors = Mapping[System, Reads]
Fields = frozenset[str] | None


class Owners:
    """The systems of record, as canonical parts.

    Every fetch raises Unavailable when the owner does not answer in time, or not in a form that
    can be read. What owners call their records is remembered in the cross-reference. `fields` are
    the stored fields wanted, all by default; the rest of a row is not looked at.
    """

    def __init__(
        self, connectors: Connectors, xref: Xref, clock: Clock, timeout: timedelta
    ) -> None:
        self._connectors = connectors
        self._xref = xref
        self._clock = clock
        self._timeout = timeout
        self._bindings = {
            (system, binding.entity): binding
            for system, connector in connectors.items()
            for binding in connector.bindings
        }

    def binding(self, entity: type, system: System) -> Binding:
        found = self._bindings.get((system, entity))
        if found is None:
            raise Unavailable(
                f"{system.name} is not connected for {entity.__name__}; configure it first.",
                system=system,
            )
        return found

    def can_narrow(self, entity: type, narrowed: Filter) -> bool:
        """Whether the anchor's lists can be narrowed so in its own words; if it is connected."""
        binding = self._bindings.get((anchor(entity), entity))
        if binding is None:
            return True
        place = binding.places.get(narrowed.field)
        return isinstance(place, Column) and place.can_be_compared

    async def fetch_parts(
        self,
        entity: type,
        system: System,
        ids: Iterable[str],
        deadline: datetime | None,
        *,
        fields: Fields = None,
    ) -> Parts:
        """The parts of these records; absent where the owner has none.

        One call for as many records as a page holds; further ones go out at the same time.
        """
        binding = self.binding(entity, system)
        keys = await self._xref.external_ids(entity, anchor(entity), ids)
        if not keys:
            return {}
        at, rows = await self._fetch_keys(binding, tuple(keys.values()), deadline)
        return await self.parts_of(binding, rows, at, fields)

    async def fetch_by_key(
        self,
        entity: type,
        key: str,
        values: Sequence[str],
        deadline: datetime | None,
        *,
        fields: Fields = None,
    ) -> Stretch:
        """The anchor's parts of all records that refer to `values` in the field `key`."""
        narrowed = Filter(field=key, op=FilterOp.IN, value=tuple(values))
        binding = self.binding(entity, anchor(entity))
        asked = await self._condition(binding, narrowed)
        if asked is None:
            return Stretch(parts={binding.system: {}})
        at, rows = await self.fetch_rows(RowQuery(binding=binding, where=(asked,)), deadline)
        return Stretch(parts={binding.system: await self.parts_of(binding, rows, at, fields)})

    async def fetch_page(
        self,
        entity: type,
        filters: Sequence[Filter],
        keyset: Keyset,
        deadline: datetime | None,
        *,
        fields: Fields = None,
    ) -> Stretch:
        """One page of the anchor's parts, in ascending key order also when paging backwards."""
        binding = self.binding(entity, anchor(entity))
        conditions = [await self._condition(binding, narrowed) for narrowed in filters]
        query = RowQuery(
            binding=binding,
            where=tuple(asked for asked in conditions if asked is not None),
            after=keyset.after,
            before=keyset.before,
            descending=keyset.is_backward,
            limit=keyset.limit,
        )
        if len(query.where) < len(filters):
            return Stretch(parts={binding.system: {}})
        at, page = await self._fetch(query, deadline)
        rows = page.rows[::-1] if keyset.is_backward else page.rows
        parts = await self.parts_of(binding, rows, at, fields)
        return Stretch(parts={binding.system: parts}, has_more=page.has_more)

    async def fetch_rows(
        self, query: RowQuery, deadline: datetime | None
    ) -> tuple[datetime, list[Row]]:
        """Every row of the query, however many pages they take, and since when they are true."""
        at, page = await self._fetch(query, deadline)
        rows = list(page.rows)
        while page.has_more and page.rows:
            after = text_of(page.rows[-1].get(query.binding.key))
            _, page = await self._fetch(replace(query, after=after), deadline)
            rows += page.rows
        return at, rows

    async def _fetch_keys(
        self, binding: Binding, keys: Sequence[str], deadline: datetime | None
    ) -> tuple[datetime, list[Row]]:
        starts = range(0, len(keys), PAGE_LIMIT)
        asked = (
            Condition(
                column=binding.anchor_key, op=FilterOp.IN, value=keys[start : start + PAGE_LIMIT]
            )
            for start in starts
        )
        answers = await asyncio.gather(
            *(self.fetch_rows(RowQuery(binding=binding, where=(one,)), deadline) for one in asked)
        )
        return min(at for at, _ in answers), [row for _, rows in answers for row in rows]

    async def parts_of(
        self, binding: Binding, rows: Sequence[Row], at: datetime, fields: Fields = None
    ) -> Parts:
        """Decoded rows by canonical id. Of several rows for one record, the first counts."""
        try:
            keys = _keys(binding, rows)
            decoded = [decode(binding, row, fields=fields) for row in rows]
        except Poison as error:
            raise Unavailable(
                f"{binding.system.name} answered with a row nobody can read ({error.message}); "
                "fix the row there.",
                system=binding.system,
            ) from error
        ids = await self._resolve(binding, keys, decoded)
        referring = reference_fields(binding.entity)
        parts: Parts = {}
        links = []
        for (mine, anchors), row, values in zip(keys, rows, decoded, strict=True):
            record_id = ids[anchors]
            if record_id not in parts:
                links.append((mine, record_id))
                for name in referring:
                    if name in values:
                        values[name] = resolved(values[name], ids)
                parts[record_id] = Part(
                    values=values,
                    provenance=Provenance(
                        owner=binding.system,
                        record_key=mine.external_id,
                        as_of=at,
                        source=Source.OWNER,
                        version=version_of(binding, row),
                    ),
                )
        await self._xref.link(links)
        return parts

    async def _resolve(
        self, binding: Binding, keys: Sequence[tuple[Ref, Ref]], decoded: Sequence[Values]
    ) -> Mapping[Ref, str]:
        """Canonical ids of the rows and of what they refer to."""
        wanted = {ref for pair in keys for ref in pair}
        for values in decoded:
            wanted.update(references(binding.entity, values))
        return await self._xref.resolve(wanted)

    async def _condition(self, binding: Binding, narrowed: Filter) -> Condition | None:
        """The filter in the system's own words; None when no row can pass it."""
        place = binding.places[narrowed.field]
        if not isinstance(place, Column):
            raise TypeError(f"{narrowed.field} is an amount and cannot be filtered by.")
        if narrowed.op is not FilterOp.IN:
            value = encode_cell(binding, narrowed.field, narrowed.value)
            return Condition(column=place.name, op=narrowed.op, value=value)
        words = await self._words(binding, place, narrowed)
        return Condition(column=place.name, op=FilterOp.IN, value=words) if words else None

    async def _words(self, binding: Binding, place: Column, narrowed: Filter) -> tuple[Any, ...]:
        target = BY_ID_TYPE.get(one_of(binding.field(narrowed.field).type))
        if target is not None:
            system = place.names or binding.system
            keys = await self._xref.external_ids(target, system, narrowed.value)
            return tuple(keys.values())
        if place.words is not None:
            return tuple(word for word, member in place.words.items() if member in narrowed.value)
        return tuple(encode_cell(binding, narrowed.field, value) for value in narrowed.value)

    async def _fetch(self, query: RowQuery, deadline: datetime | None) -> tuple[datetime, Rows]:
        """A page, and the moment since when it is known to be true."""
        system = query.binding.system
        at = self._clock()
        left = self._timeout if deadline is None else min(self._timeout, deadline - at)
        seconds = max(left.total_seconds(), 0)
        try:
            async with asyncio.timeout(seconds):
                return at, await self._connectors[system].fetch(query)
        except TimeoutError as error:
            raise Unavailable(
                f"{system.name} did not answer within {seconds:.3g} s; try again later.",
                system=system,
            ) from error


def _keys(binding: Binding, rows: Sequence[Row]) -> list[tuple[Ref, Ref]]:
    """Of each row: what the system calls the record, and what its anchor calls it."""
    entity, system, home = binding.entity, binding.system.value, binding.anchor.value
    keys = []
    for row in rows:
        key, anchor_key = text_of(row.get(binding.key)), text_of(row.get(binding.anchor_key))
        if key is None or anchor_key is None:
            raise Poison("missing_key", f"{binding.key} and {binding.anchor_key} must be there")
        mine = Ref(entity, system, key)
        keys.append((mine, mine if home == system else Ref(entity, home, anchor_key)))
    return keys
