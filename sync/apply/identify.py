"""Which canonical record each change belongs to, as one transaction sees it.

What a transaction meets is shared with the process only after its commit, so that the process
never remembers a link that was taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import asyncpg

from sync.apply.renames import outlived, rename, reuse
from sync.changes import Change, Reject, Renamed
from sync.connectors.binding import Binding
from sync.connectors.refs import Ref, reference_fields, refs_in
from sync.xref import Former, Known, anchored_id, find, insert, next_id, version_in

Identified = Sequence[tuple[str, Change]]
"""Changes of one binding in the order of the log, each with its canonical id."""


class Identities:
    """The cross-reference within one transaction of the intake.

    `rejects` collects the rows that belong to no record anybody knows, and `linked` the keys that
    have become known here, other than those of anchors, which were never unknown.
    """

    def __init__(
        self, connection: asyncpg.Connection, known: Known, epochs: Mapping[str, int]
    ) -> None:
        self.rejects: list[Reject] = []
        self.linked: set[Ref] = set()
        self._connection = connection
        self._known = known
        self._epochs = epochs
        self._met: dict[Ref, str] = {}
        self._left: dict[Ref, Former] = {}
        self._reads: dict[Binding, set[str]] = defaultdict(set)

    def share(self) -> None:
        """Let the whole process know what was met; only after the commit."""
        self._known.links.update(self._met)

    async def identify(self, binding: Binding, told: Iterable[Change | Renamed]) -> Identified:
        """Pair each change with its canonical id, linking keys that are new.

        Key changes take effect where they stand: before one a key means one record, after it
        another. A row that does not say which record it belongs to, and whose key nobody linked,
        is a reject: its system sends it again when a person has said there what it belongs to.
        """
        known: list[tuple[str, Change]] = []
        run: list[Change] = []
        for one in told:
            if isinstance(one, Change):
                run.append(one)
                continue
            known += await self._identify(binding, await self._not_outlived(binding, run))
            run = []
            await self._rename(one)
        return known + await self._identify(binding, await self._not_outlived(binding, run))

    async def is_overtaken(self) -> bool:
        """Whether a read that was let in is older than a key change committed since.

        Only once what was read is written is that certain: whoever changes the key now waits for
        the rows, and writes its own over them.
        """
        if not self._reads or await version_in(self._connection) == self._known.version:
            return False
        for binding, keys in self._reads.items():
            if await outlived(self._connection, binding, keys, self._epoch_of(binding)):
                return True
        return False

    async def resolve(self, refs: Collection[Ref]) -> dict[Ref, str]:
        """Canonical ids of references; absent where neither a link nor a mint gives one."""
        mints = self._known.mints
        ids = await self._linked([ref for ref in refs if ref not in mints])
        ids.update({ref: self._left[ref].record_id for ref in refs if ref in self._left})
        return ids | self._known.minted(ref for ref in refs if ref not in ids)

    async def _rename(self, renamed: Renamed) -> None:
        binding = renamed.binding
        await rename(self._connection, renamed, self._epoch_of(binding))
        self.linked.add(Ref(binding.entity, binding.system.value, renamed.key))
        self._count_own()
        self._met.clear()
        self._left.clear()

    def _count_own(self) -> None:
        """This transaction raised the version by one: what the process has met is not true here.

        A version that is higher still was raised by others.
        """
        self._known = Known(version=self._known.version + 1)

    async def _not_outlived(self, binding: Binding, changes: Sequence[Change]) -> Sequence[Change]:
        """All but reads under a key that their record has left, as the other key's lane has told.

        They are older than that, and bear no position by which the fence could know it.
        """
        reads = {change.key for change in changes if change.lsn is None}
        if not reads:
            return changes
        old: set[str] = set()
        if self._known.version:
            old = await outlived(self._connection, binding, reads, self._epoch_of(binding))
        self._reads[binding] |= reads - old
        return [change for change in changes if change.lsn is not None or change.key not in old]

    async def _identify(
        self, binding: Binding, changes: Sequence[Change]
    ) -> list[tuple[str, Change]]:
        entity, system = binding.entity, binding.system.value
        refs = [Ref(entity, system, change.key) for change in changes]
        ids = await self._linked(refs)
        if self._left and not self._left.keys().isdisjoint(refs):
            return await self._by_turns(binding, refs, changes)
        if len(ids) < len(set(refs)):
            fresh = await self._introduced(binding, refs, changes, ids)
            await insert(self._connection, fresh)
            self._met.update(fresh)
            if not binding.is_anchor:
                self.linked.update(fresh)
            ids |= fresh
            strangers = [c for ref, c in zip(refs, changes, strict=True) if ref not in ids]
            self._reject(binding, strangers, "unlinked")
        return [(ids[ref], c) for ref, c in zip(refs, changes, strict=True) if ref in ids]

    async def _by_turns(
        self, binding: Binding, refs: Sequence[Ref], changes: Sequence[Change]
    ) -> list[tuple[str, Change]]:
        """Changes of which some stand under a key that its record has left."""
        known: list[tuple[str, Change]] = []
        pairs = zip(refs, changes, strict=True)
        for is_left, run in groupby(pairs, lambda pair: pair[0] in self._left):
            if not is_left:
                known += await self._identify(binding, [change for _, change in run])
                continue
            for ref, change in run:
                record_id = await self._successor(binding, ref, change)
                if record_id is not None:
                    known.append((record_id, change))
        return known

    async def _successor(self, binding: Binding, ref: Ref, change: Change) -> str | None:
        """The record of a row under a key that its record has left: another one.

        News from before the key change are the former record's, where the fence refuses them.
        """
        left = self._left[ref]
        epoch = self._epoch_of(binding)
        if change.is_delete:
            return None
        if change.lsn is not None and (epoch, change.lsn) <= left.since:
            return left.record_id
        said = {} if binding.is_anchor else await self._introduced(binding, [ref], [change], ())
        successor = next_id(ref, left) if binding.is_anchor else said.get(ref)
        if successor is None:
            self._reject(binding, [change], "key_reused")
            return None
        await reuse(self._connection, ref, successor)
        self._count_own()
        self._met[ref] = successor
        self.linked.add(ref)
        del self._left[ref]
        return successor

    def _epoch_of(self, binding: Binding) -> int:
        return self._epochs.get(binding.system.value, 1)

    def _reject(self, binding: Binding, changes: Iterable[Change], reason: str) -> None:
        """Park rows of nobody's; a delete of what nobody knew loses nothing.

        A row that is found by a reference belongs to no record until Concord has written to it.
        """
        if binding.found_by is None:
            detail = f"{binding.anchor_key} of {binding.system.name} {binding.resource} is empty."
            self.rejects += [
                Reject(record=change.record, reason=reason, detail=detail)
                for change in changes
                if not change.is_delete
            ]

    async def _introduced(
        self,
        binding: Binding,
        refs: Sequence[Ref],
        changes: Sequence[Change],
        known: Collection[Ref],
    ) -> dict[Ref, str]:
        """The ids that rows of unknown keys give themselves, by what the anchor calls them."""
        if binding.is_anchor:
            return {ref: anchored_id(ref) for ref in refs if ref not in known}
        if binding.found_by is not None:
            return {}  # the column holds the id of another record
        said = {
            ref: Ref(binding.entity, binding.anchor.value, change.anchor_key)
            for ref, change in zip(refs, changes, strict=True)
            if ref not in known and change.anchor_key
        }
        ids = await self.resolve(said.values())
        return {ref: ids[anchored] for ref, anchored in said.items()}

    async def _linked(self, refs: Collection[Ref]) -> dict[Ref, str]:
        links, met = self._known.links, self._met
        ids = {ref: links[ref] for ref in refs if ref in links}
        others = [ref for ref in refs if ref not in ids]
        if unknown := {ref for ref in others if ref not in met}:
            found, left = await find(self._connection, unknown)
            met.update(found)
            self._left.update(left)
        ids.update({ref: met[ref] for ref in others if ref in met})
        return ids


def references_in(
    binding: Binding, owned: Iterable[Mapping[str, Any]], held: Iterable[Mapping[str, Any]]
) -> set[Ref]:
    """Every reference in values that the binding owns, and in copies that it holds."""
    return _references(binding, binding.owns, owned) | _references(binding, binding.copies, held)


def _references(
    binding: Binding, bound: Collection[str], told: Iterable[Mapping[str, Any]]
) -> set[Ref]:
    names = [name for name in reference_fields(binding.entity) if name in bound]
    refs: set[Ref] = set()
    for values in told if names else ():
        for name in names:
            value = values.get(name)
            if isinstance(value, Ref):
                refs.add(value)
            elif value is not None:
                refs.update(refs_in(value))
    return refs
