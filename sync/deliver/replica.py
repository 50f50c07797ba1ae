"""One record at one replica: what it should hold, and find - create - confirm.

No target is assumed to be idempotent. A record is looked for before it is created; after an
uncertain create it is looked for again, and never created twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from schema.canon import BY_ID_TYPE
from schema.entity import FilterOp, anchor, bare_type, entity_name, owned_fields
from schema.errors import Poison, Rejected
from schema.system import System
from sync.connectors.binding import Binding, Column, Row
from sync.connectors.codec import decode
from sync.connectors.encoding import encode
from sync.connectors.ports import Condition, Removes, RowQuery, Writes
from sync.connectors.refs import Ref, references, resolved
from sync.json_form import json_form
from sync.read.projected import Projected
from sync.records import Values
from sync.xref import Xref


class NotYet(Exception):
    """Something the delivery needs has not arrived; the message says what."""


class Gone(Exception):
    """The replica is to hold no copy of the record; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The replica's row of a record; `copies` is what it holds, if it had to be looked for."""

    key: str
    copies: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The replica's row after a write."""

    key: str
    row: Row


class Replica:
    """The records of one type in one system that holds copies of it."""

    def __init__(
        self,
        connector: Writes,
        binding: Binding,
        projected: Projected,
        xref: Xref,
        remover: Removes | None = None,
    ) -> None:
        if binding.only_while and remover is None:
            raise TypeError(
                f"{binding.system.name} must be able to remove what it holds for a while"
            )
        self.binding = binding
        self._connector = connector
        self._remover = remover
        self._projected = projected
        self._xref = xref
        fields = owned_fields(binding.entity)
        owners = {anchor(binding.entity), *(fields[name].owner for name in binding.copies)}
        self.owners = sorted(owners, key=lambda owner: owner.value)
        """Whose word it takes to say what the replica should hold."""

    async def wanted(self, record_id: str) -> Values:
        """The present values of all fields the replica should hold.

        Raises Gone when the owner deleted the record or it is in a state that is not copied,
        NotYet while its anchor has not been heard.
        """
        entity = self.binding.entity
        home = anchor(entity)
        known = await self._projected.select_parts(entity, self.owners, [record_id])
        if record_id in known[home].gone:
            raise Gone("the owner deleted it")
        if record_id not in known[home].parts:
            raise NotYet(f"{home.name} has not told of it yet")
        values = {
            name: value
            for part in known.values()
            if record_id in part.parts
            for name, value in part.parts[record_id].values.items()
        }
        self._require_held(values)
        return {name: values[name] for name in self._needed() if name in values}

    def copies_of(self, values: Values) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in self.binding.copies}

    async def find(self, record_id: str, values: Values) -> Found | None:
        """The replica's row of the record, by the cross-reference or by asking the replica.

        Where copies come and go, the cross-reference may name a row that is gone. The row may say
        what the anchor called the record before it gave it another key. Raises Rejected when the
        replica holds the record more than once.
        """
        binding = self.binding
        known = await self._xref.external_ids(binding.entity, binding.system, [record_id])
        if record_id in known and not binding.only_while:
            return Found(key=known[record_id])
        entity, anchored_id = self._anchored(record_id, values)
        anchored = await self._anchor_id(entity, anchored_id)
        named = await self._xref.every_id(entity, anchor(entity), anchored_id)
        asked = Condition(column=binding.anchor_key, op=FilterOp.IN, value=tuple(named))
        page = await self._connector.fetch(RowQuery(binding=binding, where=(asked,)))
        if len(page.rows) > 1:
            keys = ", ".join(str(row[binding.key]) for row in page.rows)
            raise Rejected(
                f"{binding.system.name} holds {anchored} more than once ({keys}); "
                "merge them there.",
                system=binding.system,
                owner_code="DUPLICATE_IN_TARGET",
            )
        if not page.rows:
            return None
        key = str(page.rows[0][binding.key])
        return Found(key=key, copies=await self._copies_in(page.rows[0]))

    async def find_anew(self, record_id: str, values: Values) -> Found | None:
        """The same once the replica's row is not there: it may have been made again there."""
        self._xref.forget(self.binding.entity, self.binding.system, record_id)
        return await self.find(record_id, values)

    async def create(self, record_id: str, values: Values) -> Written:
        """Create the record with every copied field. Raises NotYet where it may not."""
        binding = self.binding
        if binding.is_anchor or binding.is_part_of is not None:
            raise NotYet(f"{binding.system.name} has not got the row it belongs to yet")
        row = await self._row(self.copies_of(values))
        row[binding.anchor_key] = await self._anchor_id(*self._anchored(record_id, values))
        created = await self._connector.create(
            binding, row, idempotency_key=_creation_key(record_id, row)
        )
        key = str(created[binding.key])
        await self.link(record_id, key)
        return Written(key=key, row=created)

    async def update(self, key: str, values: Values) -> Written:
        row = await self._row(values)
        updated = await self._connector.update(self.binding, key, row)
        return Written(key=key, row=updated)

    async def removable(self, record_id: str) -> str | None:
        """The key of the copy, where such copies come and go, if there is one."""
        if self._remover is None or not self.binding.only_while:
            return None
        found = await self.find(record_id, {})
        return None if found is None else found.key

    async def remove(self, key: str) -> None:
        """Remove a copy that is `removable`."""
        if self._remover is not None:
            await self._remover.remove(self.binding, key)

    async def link(self, record_id: str, key: str) -> None:
        ref = Ref(self.binding.entity, self.binding.system.value, key)
        await self._xref.link([(ref, record_id)])

    def _require_held(self, values: Values) -> None:
        for name, held in self.binding.only_while.items():
            if values.get(name) not in held:
                raise Gone(f"{self.binding.system.name} holds none of this {name}")

    def _needed(self) -> Iterable[str]:
        found_by = () if self.binding.found_by is None else (self.binding.found_by,)
        return (*self.binding.copies, *found_by)

    def _anchored(self, record_id: str, values: Values) -> tuple[type, str]:
        """Whose id stands in `anchor_key`: the record's own, or that of what it refers to."""
        if self.binding.found_by is None:
            return self.binding.entity, record_id
        entity = BY_ID_TYPE[bare_type(self.binding.field(self.binding.found_by).type)]
        return entity, values.get(self.binding.found_by) or ""

    async def _anchor_id(self, entity: type, record_id: str) -> str:
        """What the anchor calls the record now."""
        known = await self._xref.external_ids(entity, anchor(entity), [record_id])
        if record_id not in known:
            raise NotYet(f"its {entity_name(entity)} is not known yet")
        return known[record_id]

    async def _copies_in(self, row: Row) -> dict[str, Any]:
        """What the row holds, in JSON form; nothing if it holds a word that nobody declared."""
        try:
            held = decode(self.binding, row, copies=True)
        except Poison:
            return {}
        ids = await self._xref.resolve(references(self.binding.entity, held))
        return {name: json_form(resolved(value, ids)) for name, value in held.items()}

    async def _row(self, values: Values) -> dict[str, Any]:
        """The cells for canonical values, references in the replica's own ids."""
        local = {name: await self._local(name, value) for name, value in values.items()}
        return encode(self.binding, local)

    async def _local(self, name: str, value: Any) -> Any:
        target = BY_ID_TYPE.get(bare_type(self.binding.field(name).type))
        if target is None or value is None:
            return value
        place = self.binding.copies[name]
        system = place.names if isinstance(place, Column) and place.names else self.binding.system
        known = await self._xref.external_ids(target, system, [value])
        if value not in known:
            raise NotYet(f"{system.name} does not have its {entity_name(target)} yet")
        return known[value]


def replicas_of(
    connectors: Mapping[System, Writes],
    projected: Projected,
    xref: Xref,
    removes: Mapping[System, Removes],
) -> dict[tuple[System, type], Replica]:
    """Every type in every connected system."""
    return {
        (system, binding.entity): Replica(connector, binding, projected, xref, removes.get(system))
        for system, connector in connectors.items()
        for binding in connector.bindings
    }


def differing(values: Values, held: Mapping[str, Any]) -> dict[str, Any]:
    """The values that the replica is not known to hold already."""
    return {n: v for n, v in values.items() if n not in held or held[n] != json_form(v)}


def _creation_key(record_id: str, row: Row) -> str:
    content = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    return f"concord:{record_id}:{hashlib.sha256(content).hexdigest()[:16]}"
