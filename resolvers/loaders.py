"""Loads: everything a level of the query needs over one edge, in one batched read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiodataloader import DataLoader

from resolvers.errors import Path
from resolvers.findings import Findings
from resolvers.services import Services
from schema.edges import EdgeLoad, GraphEdge
from schema.setup import SetupState
from schema.system import System
from sync.counts import Count
from sync.ordering import Cut, Order
from sync.policy import Filter, Paging, ReadPolicy, RecordPage
from sync.records import Record
from sync.search import HitPage
from sync.session import ReadSession

T = TypeVar("T")

Far = tuple[Record, ...]
"""The records at the far end of an edge, for one near end."""

Show = Callable[[Far, "Scope"], Any]
"""Makes far records what the field that follows the edge answers."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """What one field of the query asks of every record it meets; one value per field node."""

    fields: frozenset[str]
    path: Path
    cut: Cut | None = None
    """How a far list is cut in the projection; without it, the whole list is read."""
    is_page_read: bool = True
    """False where a far list is only counted."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WantedEdge(Wanted):
    """The same of a field that follows an edge, with what it shows of the records found."""

    show: Show


Key = tuple[Any, Wanted]
EdgeKey = tuple[Any, WantedEdge]
"""Near end (an id, or ids) and what is wanted of the far end."""

References = Sequence[tuple[System, str]]
"""Systems, and what each calls a record."""
ToldKey = tuple[Any, Path]
"""A record's id, or the ids it holds, and the root field below which it was asked for."""
Told = Callable[[list[Any]], Awaitable[Mapping[Any, Any]]]
"""Answers what is told of each of them."""
ToldLists = Callable[[list[ToldKey]], Coroutine[Any, Any, list[Any]]]
Roots = Callable[[list[Key]], Coroutine[Any, Any, list[Record | None]]]
FarEnds = Callable[[list[EdgeKey]], Coroutine[Any, Any, list[Any]]]
FarPages = Callable[[list[Key]], Coroutine[Any, Any, list[RecordPage | None]]]
"""What a batch of keys is answered with, in the order of the keys."""


class Scope:
    """Loads under one read policy. The fields several askers want of an edge are read together."""

    def __init__(
        self,
        *,
        services: Services,
        node_types: Mapping[type, type],
        findings: Findings,
        policy: ReadPolicy,
    ) -> None:
        self.services = services
        self.node_types = node_types
        self._findings = findings
        self._policy = policy
        self._edges: dict[int, DataLoader[EdgeKey, Any]] = {}
        self._pages: dict[int, DataLoader[Key, RecordPage | None]] = {}
        self._roots: dict[type, DataLoader[Key, Record | None]] = {}
        self._told: dict[Any, DataLoader[ToldKey, Any]] = {}

    def load_edge(self, edge: GraphEdge, near: Any, wanted: WantedEdge) -> Awaitable[Any]:
        """What is shown of the far records; None from a batch that failed, reported once."""
        loader = self._edges.get(id(edge))
        if loader is None:
            loader = self._edges[id(edge)] = DataLoader(self._edge_batch(edge))
        return loader.load((near, wanted))

    def load_far_page(
        self, edge: GraphEdge, near: Any, wanted: Wanted
    ) -> Awaitable[RecordPage | None]:
        """The page `wanted.cut` cuts; None from a batch that failed, which is reported once."""
        loader = self._pages.get(id(edge))
        if loader is None:
            loader = self._pages[id(edge)] = DataLoader(self._far_page_batch(edge))
        return loader.load((near, wanted))

    def load_root(self, entity: type, record_id: str, wanted: Wanted) -> Awaitable[Record | None]:
        """The record, None when there is none. A failure is raised."""
        loader = self._roots.get(entity)
        if loader is None:
            loader = self._roots[entity] = DataLoader(self._root_batch(entity))
        return loader.load((record_id, wanted))

    def load_references(
        self, entity: type, record_id: str, path: Path
    ) -> Awaitable[References | None]:
        """What systems call the record; None from a batch that failed, which is reported once."""
        xref = self.services.reading.xref
        return self._load_told(entity, lambda ids: xref.references(entity, ids), record_id, path)

    def load_setup(self, record_id: str, path: Path) -> Awaitable[Sequence[SetupState] | None]:
        """A project's set-up; None from a batch that failed, which is reported once."""
        return self._load_told("setup", self.services.setups.of, record_id, path)

    async def load_reported(self, entity: type, record_id: str, wanted: Wanted) -> Record | None:
        """As load_root, but a failure is reported beside the answer instead of raised."""
        try:
            return await self.load_root(entity, record_id, wanted)
        except Exception as error:  # noqa: BLE001  # masked in the report
            self._findings.report(error, wanted.path)
            return None

    async def load_all(
        self, entity: type, ids: Sequence[str], wanted: Wanted
    ) -> Mapping[str, Record]:
        """Those of the records that exist; a read that fails is reported once, and finds none."""
        try:
            found = await asyncio.gather(*(self.load_root(entity, i, wanted) for i in ids))
        except Exception as error:  # noqa: BLE001  # masked in the report
            self._findings.report(error, wanted.path)
            return {}
        return {record.id: record for record in found if record}

    async def load_page(
        self,
        entity: type,
        filters: Sequence[Filter],
        order: Order | None,
        paging: Paging,
        wanted: Wanted,
    ) -> RecordPage:
        lists = self.services.lists
        return await self._read(
            wanted.path, lambda s: lists.page(s, entity, filters, order, paging, wanted.fields)
        )

    def load_count(self, entity: type, filters: Sequence[Filter], path: Path) -> Awaitable[Count]:
        """How many records the whole list holds. A failure is raised."""
        counts = self.services.counts
        return self._read(path, lambda s: counts.of_list(s, entity, filters))

    def load_far_count(
        self, edge: GraphEdge, near: Any, filters: tuple[Filter, ...], path: Path
    ) -> Awaitable[Count | None]:
        """The same at the far end; None from a batch that failed, which is reported once."""
        counts = self.services.counts

        def tell(nears: Sequence[Any]) -> Awaitable[Any]:
            return self._read(path, lambda s: counts.of_each(s, edge, nears, filters))

        return self._load_told((id(edge), filters), tell, near, path)

    async def load_found(
        self,
        text: str,
        fields: Mapping[type, frozenset[str]],
        first: int,
        after: str | None,
        path: Path,
    ) -> HitPage:
        """What is found of the types in `fields`, the best first."""
        search = self.services.search
        return await self._read(path, lambda s: search.find(s, text, fields, first, after))

    def _load_told(self, what: Any, tell: Told, near: Any, path: Path) -> Awaitable[Any]:
        loader = self._told.get(what)
        if loader is None:
            loader = self._told[what] = DataLoader(self._told_batch(tell))
        return loader.load((near, path))

    def _edge_batch(self, edge: GraphEdge) -> FarEnds:
        async def load(keys: list[EdgeKey]) -> list[Any]:
            path = keys[0][1].path
            try:
                found = await self._read(path, lambda s: self._far_ends(s, edge, keys))
            except Exception as error:  # noqa: BLE001  # one masked error, not one per record
                self._findings.report(error, path)
                return [None] * len(keys)
            return [wanted.show(_pick(found, near), self) for near, wanted in keys]

        return load

    def _far_page_batch(self, edge: GraphEdge) -> FarPages:
        async def load(keys: list[Key]) -> list[RecordPage | None]:
            lists, path = self.services.lists, keys[0][1].path
            asked = [(near, wanted.cut) for near, wanted in keys if wanted.cut]
            try:
                pages = await self._read(
                    path, lambda s: lists.far_pages(s, edge, asked, _fields(keys))
                )
            except Exception as error:  # noqa: BLE001  # one masked error, not one per record
                self._findings.report(error, path)
                return [None] * len(keys)
            return list(pages)

        return load

    def _root_batch(self, entity: type) -> Roots:
        async def load(keys: list[Key]) -> list[Record | None]:
            reading, ids, fields = self.services.reading, _near_ids(keys), _fields(keys)
            found = await self._read(
                keys[0][1].path, lambda s: reading.by_ids(s, entity, ids, fields)
            )
            return [found.get(record_id) for record_id, _ in keys]

        return load

    def _told_batch(self, tell: Told) -> ToldLists:
        async def load(keys: list[ToldKey]) -> list[Any]:
            try:
                found = await tell([near for near, _ in keys])
            except Exception as error:  # noqa: BLE001  # one masked error, not one per record
                self._findings.report(error, keys[0][1])
                return [None] * len(keys)
            return [found[near] for near, _ in keys]

        return load

    async def _far_ends(
        self, session: ReadSession, edge: GraphEdge, keys: Sequence[Key]
    ) -> Mapping[str, Far]:
        reading, ids, fields = self.services.reading, _near_ids(keys), _fields(keys)
        if edge.load is EdgeLoad.BY_KEY:
            return await reading.by_key(session, edge.target, edge.key, ids, fields)
        found = await reading.by_ids(session, edge.target, ids, fields)
        return {record_id: (record,) for record_id, record in found.items()}

    async def _read(self, path: Path, read: Callable[[ReadSession], Awaitable[T]]) -> T:
        session = self._findings.session(self._policy)
        try:
            return await read(session)
        finally:
            self._policy = session.policy  # AFTER is waited for once, not once per level
            self._findings.settle(session, path)


def _near_ids(keys: Iterable[Key]) -> list[str]:
    """Every id the keys name, once, in order."""
    named = (near if isinstance(near, tuple) else (near,) for near, _ in keys)
    return list(dict.fromkeys(record_id for ids in named for record_id in ids))


def _fields(keys: Iterable[Key]) -> frozenset[str]:
    return frozenset().union(*{wanted.fields for _, wanted in keys})


def _pick(found: Mapping[str, Far], near: Any) -> Far:
    if isinstance(near, tuple):
        return tuple(record for record_id in near for record in found.get(record_id, ()))
    return found.get(near, ())
