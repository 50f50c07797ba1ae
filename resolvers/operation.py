"""The life of one operation: gate, request state, coded errors, provenance."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from graphql import ExecutionResult, GraphQLSyntaxError
from strawberry.extensions import SchemaExtension
from strawberry.types.execution import ExecutionResult as Answer

from resolvers.context import Request
from resolvers.errors import present
from resolvers.gate import Gate, Verdict
from resolvers.provenance import provenance_line


class Operation(SchemaExtension):
    """Made anew for every operation, so that those that share a socket share nothing else.

    Expects the Services as the context value and replaces it by the operation's own Request.
    """

    def __init__(self, gate: Gate, node_types: Mapping[type, type]) -> None:
        self._gate = gate
        self._node_types = node_types
        self._verdict: Verdict | None = None
        self._is_streamed = False

    def on_operation(self) -> Iterator[None]:
        execution = self.execution_context
        execution.parse_options["max_tokens"] = self._gate.limits.tokens
        self._request = execution.context = Request(execution.context, self._node_types)
        yield
        if not self._is_streamed:
            self._finish(execution.result)

    def on_parse(self) -> Iterator[None]:
        execution = self.execution_context
        # What does not parse is parsed again by Strawberry, which reports it in the right place.
        with contextlib.suppress(GraphQLSyntaxError, RecursionError):
            self._verdict = self._gate.judge(execution.query or "")
            execution.graphql_document = self._verdict.document
        yield

    def on_validate(self) -> Iterator[None]:
        if self._verdict:
            self.execution_context.pre_execution_errors = list(self._verdict.refusals)
        yield

    def on_stream_result(self, result: Any) -> Iterator[None]:
        self._is_streamed = True
        self._finish(result)
        yield

    def get_results(self) -> dict[str, Any]:
        fetches = self._request.findings.fetches
        return {"provenance": [provenance_line(fetch) for fetch in fetches]} if fetches else {}

    def _finish(self, result: Any) -> None:
        """Code or mask every error, and add those of loads that failed as a whole."""
        if isinstance(result, ExecutionResult | Answer):
            findings = self._request.findings
            shown = [present(error, findings.correlation_id) for error in result.errors or ()]
            result.errors = shown + findings.errors or None
