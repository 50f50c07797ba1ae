"""The gate: a document is parsed, limited and validated once, and the verdict is remembered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, specified_rules
from strawberry.schema.schema import validate_document

from resolvers.errors import VALIDATION_FAILED, with_code
from resolvers.limits import Limits, broken_limits

_REMEMBERED = 512
_LONGEST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A document that parses, and why it may not run."""

    document: DocumentNode
    refusals: tuple[GraphQLError, ...]


class Gate:
    """Verdicts under one schema, bounded in number and in size."""

    def __init__(self, limits: Limits, schema: Callable[[], GraphQLSchema]) -> None:
        self.limits = limits
        self._schema = schema
        self._remembered: Callable[[str], Verdict] = lru_cache(_REMEMBERED)(self._judge)

    def judge(self, query: str) -> Verdict:
        """Raises GraphQLSyntaxError or RecursionError for a text that does not parse."""
        judge = self._judge if len(query) > _LONGEST_REMEMBERED else self._remembered
        return judge(query)

    def _judge(self, query: str) -> Verdict:
        document = parse(query, max_tokens=self.limits.tokens)
        refusals = broken_limits(document, self.limits)
        if not refusals:
            invalid = validate_document(self._schema(), document, tuple(specified_rules))
            refusals = [with_code(error, VALIDATION_FAILED) for error in invalid]
        return Verdict(document=document, refusals=tuple(refusals))
