"""What a resolver has at hand: the engine's services, and the state of one operation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLError, GraphQLResolveInfo

from resolvers.errors import Path, coded, missing_part
from resolvers.loaders import Scope
from sync.board import Boards
from sync.clock import Clock
from sync.feed import Feed
from sync.lists import Lists
from sync.operations import Operations
from sync.policy import LIVE, ReadPolicy
from sync.reading import Reading
from sync.routing import Routing
from sync.search import Search
from sync.session import Fetch, ReadSession
from sync.setup import Setups

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The engine as the graph uses it. `budget` is the time one operation may wait for owners."""

    reading: Reading
    lists: Lists
    boards: Boards
    search: Search
    routing: Routing
    feed: Feed
    operations: Operations
    setups: Setups
    clock: Clock
    budget: timedelta = timedelta(seconds=10)


class Request:
    """One operation, or one event of a subscription: what it reads shares loads and a deadline."""

    def __init__(self, services: Services, node_types: Mapping[type, type]) -> None:
        self.services = services
        self.node_types = node_types
        self.correlation_id = secrets.token_hex(8)
        self._prepared: dict[Any, Any] = {}
        self.renew()

    def renew(self) -> None:
        """Forget what was loaded and start a new deadline: the next event is a new read."""
        self._deadline = self.services.clock() + self.services.budget
        self.errors: list[GraphQLError] = []
        self.fetches: list[Fetch] = []
        self._scopes: dict[ReadPolicy, Scope] = {}

    def scope(self, policy: ReadPolicy = LIVE) -> Scope:
        """The loads that share a policy; root fields that ask for the same one share batches."""
        found = self._scopes.get(policy)
        if found is None:
            found = self._scopes[policy] = self.fresh_scope(policy)
        return found

    def fresh_scope(self, policy: ReadPolicy = LIVE) -> Scope:
        """A scope that remembers nothing, for a read after a write."""
        return Scope(request=self, policy=policy)

    def session(self, policy: ReadPolicy) -> ReadSession:
        return ReadSession(policy=policy, deadline=self._deadline, is_sparse=True)

    def settle(self, session: ReadSession, path: Path) -> None:
        """Take over what a load has found out: its faults, once each, and its provenance."""
        self.fetches += session.fetches
        self.errors += [missing_part(fault, path) for fault in session.faults]

    def report(self, error: Exception, path: Path) -> None:
        """Add one error for a load that failed as a whole."""
        self.errors.append(coded(error, path, self.correlation_id))

    def prepare(self, key: Iterable[Any], make: Callable[[], T]) -> T | None:
        """What `make` answers, made once per key; its refusal is raised once, then it is None."""
        slot = tuple(key)
        if slot not in self._prepared:
            self._prepared[slot] = None
            self._prepared[slot] = make()
        found: T | None = self._prepared[slot]
        return found


class Info(strawberry.Info[Request, None]):
    """Strawberry's Info, with the parts our resolvers read."""

    @property
    def request(self) -> Request:
        return self.context

    @property
    def syntax(self) -> GraphQLResolveInfo[Any]:
        """The executor's own view of the field: syntax nodes, fragments and variables."""
        return self._raw_info

    @property
    def root_path(self) -> Path:
        """The response key of the root field this field is below."""
        path = self._raw_info.path
        while path.prev:
            path = path.prev
        return (path.key,)
