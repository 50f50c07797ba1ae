"""What the loads of one operation have found out: faults and provenance, under one deadline."""

from __future__ import annotations

from datetime import datetime

from graphql import GraphQLError

from resolvers.errors import Path, coded, missing_part
from sync.policy import ReadPolicy
from sync.session import Fetch, ReadSession


class Findings:
    """Every load reads in a session of its own, which is settled here once."""

    def __init__(self, *, correlation_id: str, deadline: datetime) -> None:
        self.correlation_id = correlation_id
        self.errors: list[GraphQLError] = []
        self.fetches: list[Fetch] = []
        self._deadline = deadline

    def session(self, policy: ReadPolicy) -> ReadSession:
        return ReadSession(policy=policy, deadline=self._deadline, is_sparse=True)

    def settle(self, session: ReadSession, path: Path) -> None:
        """Take over what a load has found out: its faults, once each, and its provenance."""
        self.fetches += session.fetches
        self.errors += [missing_part(fault, path) for fault in session.faults]

    def report(self, error: Exception, path: Path) -> None:
        """Add one error for a load that failed as a whole."""
        self.errors.append(coded(error, path, self.correlation_id))
