"""What a resolver has at hand: the engine's services, and the state of one operation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import strawberry
from graphql import GraphQLResolveInfo

from resolvers.errors import Path
from resolvers.findings import Findings
from resolvers.loaders import Scope
from resolvers.services import Services
from sync.policy import LIVE, ReadPolicy

T = TypeVar("T")


class Request:
    """One operation, or one event of a subscription: what it reads shares loads and a deadline."""

    def __init__(self, services: Services, node_types: Mapping[type, type]) -> None:
        self.services = services
        self._node_types = node_types
        self._correlation_id = secrets.token_hex(8)
        self._prepared: dict[Any, Any] = {}
        self.renew()

    def renew(self) -> None:
        """Forget what was loaded and start a new deadline: the next event is a new read."""
        self.findings = Findings(
            correlation_id=self._correlation_id,
            deadline=self.services.clock() + self.services.budget,
        )
        self._scopes: dict[ReadPolicy, Scope] = {}

    def scope(self, policy: ReadPolicy = LIVE) -> Scope:
        """The loads that share a policy; root fields that ask for the same one share batches."""
        found = self._scopes.get(policy)
        if found is None:
            found = self._scopes[policy] = self.fresh_scope(policy)
        return found

    def fresh_scope(self, policy: ReadPolicy = LIVE) -> Scope:
        """A scope that remembers nothing, for a read after a write."""
        return Scope(
            services=self.services,
            node_types=self._node_types,
            findings=self.findings,
            policy=policy,
        )

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
