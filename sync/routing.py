"""Writes: a mutation goes to the one owner of its fields, and to nobody else.

The owner's commit comes back as a change and reaches the copies from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from schema.canon import require_id
from schema.checks import checks_of
from schema.entity import FilterOp, anchor, entity_name
from schema.errors import InFlight, Invalid, KeyRequired, NotFound, OutcomeUnknown, Rejected
from schema.lifecycle import Facts, Lifecycle
from schema.system import System
from sync.clock import Clock
from sync.connectors.binding import Binding, Row
from sync.connectors.codec import version_of
from sync.connectors.ports import Acts, Condition, RowQuery, Writes
from sync.reading import Reading
from sync.records import Record, with_derived
from sync.session import ReadSession
from sync.token import WriteToken, seal_token
from sync.write.checking import require_checks
from sync.write.currency import require_currencies, shared_currencies
from sync.write.encoding import encode_write
from sync.write.idempotency import SETTLE, Answer, Idempotency
from sync.write.ownership import lifecycle_of, owner_of
from sync.write.totals import BEFORE
from sync.xref import Xref

Send = Callable[[datetime | None], Awaitable[Row]]
"""Carries a write out and answers the owner's row; see `sync.write.idempotency.Attempt`."""

Tell = Callable[[Collection[str]], Awaitable[Mapping[str, Any]]]
"""What the hub itself knows of records beside their fields, by their ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The owner's part of the record after the write, and the token for reading it back."""

    record: Record
    token: str


class Routing:
    """Mutations on their way to the owner.

    Every method raises what the owner says: Rejected with its words, Conflict for a stale
    version, NotFound, Unavailable when nothing was sent, OutcomeUnknown when the answer got lost.
    With an idempotency key, the same call again gives the same answer and no second effect.
    """

    def __init__(
        self,
        connectors: Mapping[System, Writes],
        reading: Reading,
        xref: Xref,
        pool: asyncpg.Pool,
        clock: Clock,
        acts: Mapping[System, Acts] | None = None,
        tells: Mapping[str, Tell] | None = None,
    ) -> None:
        self._connectors = connectors
        self._acts = acts or {}
        self._tells = tells or {}
        self._reading = reading
        self._owners = reading.owners
        self._xref = xref
        self._clock = clock
        self._idempotency = Idempotency(pool, clock)

    async def update(
        self,
        entity: type,
        record_id: str,
        patch: Mapping[str, Any],
        *,
        owner: System | None = None,
        version: int | None = None,
        idempotency_key: str | None = None,
    ) -> Written:
        """Change fields of one owner.

        Raises NotOwned for fields of another, or of several, and Invalid for what breaks a rule of
        `schema.checks` or is an amount in another currency than its record.
        """
        require_id(entity, record_id)
        binding = self._owners.binding(entity, owner_of(entity, patch, named=owner))
        await self._check(entity, record_id, patch)
        cells = await encode_write(self._xref, binding, patch)

        async def send(lost_at: datetime | None) -> Row:
            key = await self._key(binding, record_id)
            if lost_at is not None and (row := await self._holding(binding, key, patch)):
                return row
            if shared := shared_currencies(binding, patch):
                require_currencies(shared, patch, await self._find(binding, binding.key, key))
            writer = self._connectors[binding.system]
            return await writer.update(binding, key, cells, version=version)

        request = [record_id, patch, version]
        return await self._once("update", binding, idempotency_key, request, send)

    async def create(
        self, entity: type, values: Mapping[str, Any], *, idempotency_key: str | None
    ) -> Written:
        """Create a record at its anchor: find by the hub's reference, create when there is none.

        Raises KeyRequired without a key, and Rejected (DUPLICATE_IN_TARGET) when the owner holds
        several records of this request.
        """
        key = _required(idempotency_key)
        binding = self._owners.binding(entity, owner_of(entity, values, named=anchor(entity)))
        require_checks(entity, values, values)
        column = _reference_column(binding)
        reference = _reference(entity, key)
        cells = {**await encode_write(self._xref, binding, values), column: reference}

        async def send(lost_at: datetime | None) -> Row:
            if (row := await self._find(binding, column, reference)) is not None:
                return row
            if lost_at is not None and self._clock() < lost_at + SETTLE:
                raise InFlight(
                    f"{binding.system.name} may still be creating it; ask again in a moment.",
                    system=binding.system,
                )
            writer = self._connectors[binding.system]
            return await writer.create(binding, cells, idempotency_key=reference)

        return await self._once("create", binding, key, values, send)

    async def act(
        self,
        entity: type,
        record_id: str,
        action: str,
        arguments: Mapping[str, Any],
        *,
        idempotency_key: str | None,
    ) -> Written:
        """Have the owner carry out a business action on a record. Raises KeyRequired without a key.

        Raises NotAllowed, naming the steps there are, when the record's state has no such step,
        and Rejected when it has but a guard of the lifecycle objects, or a check of the hub fails.
        Whether a lost action took place cannot be told from the record, so it is never sent
        again with the same key: OutcomeUnknown says to look.
        """
        once_key = _required(idempotency_key)
        require_id(entity, record_id)
        lifecycle = lifecycle_of(entity)
        system = lifecycle.performer(action)
        binding = self._owners.binding(entity, system)
        if system not in self._acts:
            raise Invalid(f"{system.name} as it is connected here cannot {action}.")

        async def send(lost_at: datetime | None) -> Row:
            if lost_at is not None:
                raise OutcomeUnknown(
                    f"{system.name} may have carried out {action} already: read the record, and "
                    "send it with a new idempotency key if it was not.",
                    system=system,
                )
            facts = await self._facts(lifecycle, record_id)
            lifecycle.require(action, facts[lifecycle.field], facts)
            if require := BEFORE.get((entity, action)):
                await require(self._reading, record_id)
            key = await self._key(binding, record_id)
            return await self._acts[system].act(binding, key, action, arguments)

        return await self._once(action, binding, once_key, [record_id, arguments], send)

    async def _facts(self, lifecycle: Lifecycle, record_id: str) -> Facts:
        """Where the record stands and what its guards look at, as owners and hub say now."""
        values = await self._current(lifecycle.entity, record_id, lifecycle.reads)
        facts = {lifecycle.field: None, **with_derived(lifecycle.entity, values)}
        for name in lifecycle.tells(facts[lifecycle.field]):
            facts[name] = (await self._tells[name]([record_id]))[record_id]
        return facts

    async def _check(self, entity: type, record_id: str, patch: Mapping[str, Any]) -> None:
        """The rules over what the record will be; what the patch leaves out is read now."""
        left_out = {name for one in checks_of(entity, patch) for name in one.fields} - patch.keys()
        known = await self._current(entity, record_id, left_out) if left_out else {}
        require_checks(entity, patch, {**known, **patch})

    async def _current(
        self, entity: type, record_id: str, fields: Collection[str]
    ) -> Mapping[str, Any]:
        """What the owners say of the record now. Raises NotFound when nobody knows it."""
        found = await self._reading.by_ids(ReadSession(), entity, [record_id], frozenset(fields))
        if record_id not in found:
            raise NotFound(f"There is no {entity.__name__} {record_id}.")
        return found[record_id].values

    async def _once(
        self, verb: str, binding: Binding, key: str | None, request: object, send: Send
    ) -> Written:
        async def attempt(lost_at: datetime | None) -> Answer:
            row = await send(lost_at)
            plain = orjson.loads(orjson.dumps(row, default=str))
            return {"row": plain, "at": self._clock().isoformat()}

        if key is None:
            answer = await attempt(None)
        else:
            scope = f"{verb} {entity_name(binding.entity)}"
            answer = await self._idempotency.once(scope, key, request, attempt)
        return await self._written(binding, answer["row"], datetime.fromisoformat(answer["at"]))

    async def _written(self, binding: Binding, row: Row, at: datetime) -> Written:
        """Decode the owner's answer; a record it names for the first time is linked."""
        parts = await self._owners.parts_of(binding, [row], at)
        ((record_id, part),) = parts.items()
        token = WriteToken(
            entity=binding.entity,
            record_id=record_id,
            system=binding.system,
            version=version_of(binding, row),
        )
        record = Record(
            entity=binding.entity,
            id=record_id,
            values=part.values,
            provenance={binding.system: part.provenance},
        )
        return Written(record=record, token=seal_token(token))

    async def _key(self, binding: Binding, record_id: str) -> str:
        """What the owner calls the record; asks the owner when nobody has met it there yet."""
        entity, system = binding.entity, binding.system
        known = await self._xref.external_ids(entity, system, [record_id])
        if record_id in known:
            return known[record_id]
        parts = await self._owners.fetch_parts(entity, system, [record_id], None)
        key = parts[record_id].provenance.record_key if record_id in parts else None
        if key is None:
            raise NotFound(f"{system.name} has no {entity.__name__} {record_id}.", system=system)
        return key

    async def _holding(self, binding: Binding, key: str, patch: Mapping[str, Any]) -> Row | None:
        """The owner's row if it holds the patch already."""
        row = await self._find(binding, binding.key, key)
        if row is None:
            return None
        (part,) = (await self._owners.parts_of(binding, [row], self._clock())).values()
        return row if all(part.values.get(n) == value for n, value in patch.items()) else None

    async def _find(self, binding: Binding, column: str, value: str) -> Row | None:
        asked = Condition(column=column, op=FilterOp.IN, value=(value,))
        _, rows = await self._owners.fetch_rows(RowQuery(binding=binding, where=(asked,)), None)
        if len(rows) > 1:
            raise Rejected(
                f"{binding.system.name} holds {len(rows)} records with {column} {value}: keep one "
                "of them there, then send the request again.",
                system=binding.system,
                owner_code="DUPLICATE_IN_TARGET",
            )
        return rows[0] if rows else None


def _required(key: str | None) -> str:
    if not key:
        raise KeyRequired(
            "This mutation needs an idempotencyKey, so that a repeated request has no second "
            "effect; a UUID is a good one."
        )
    return key


def _reference_column(binding: Binding) -> str:
    if binding.reference is None:
        raise Invalid(
            f"A {binding.entity.__name__} cannot be created from here: {binding.system.name} keeps "
            "no reference by which a lost attempt could be found again."
        )
    return binding.reference


def _reference(entity: type, key: str) -> str:
    """The hub's own name for the record a key creates, the same for every attempt."""
    digest = hashlib.blake2b(f"{entity_name(entity)}\0{key}".encode(), digest_size=12)
    return f"hub-{digest.hexdigest()}"
