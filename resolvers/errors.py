"""Errors as clients see them: coded where Concord can name them, masked where it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError

from schema.errors import ConcordError, Unavailable
from schema.system import System
from sync.session import Fault

log = structlog.get_logger()

Path = tuple[str | int, ...]

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
TOO_DEEP = "DOCUMENT_TOO_DEEP"
TOO_MANY_ALIASES = "TOO_MANY_ALIASES"
TOO_MANY_COUNTS = "TOO_MANY_COUNTS"
BAD_USER_INPUT = "BAD_USER_INPUT"
INTERNAL = "INTERNAL"

DOCUMENT_CODES: Mapping[str, str] = {
    PARSE_FAILED: "it is no GraphQL, or too long: correct it",
    VALIDATION_FAILED: "it does not fit the schema: correct it",
    TOO_DEEP: "it nests too many levels: split it",
    TOO_MANY_ALIASES: "it has too many aliases: split it",
    TOO_MANY_COUNTS: "it counts too many lists: split it",
}
"""Why a document is refused before any of it runs, and what to do."""


def coded(error: Exception, path: Path, correlation_id: str) -> GraphQLError:
    """The error of one load, at the root field that asked for it."""
    return present(GraphQLError("", path=path, original_error=error), correlation_id)


def missing_part(fault: Fault, path: Path) -> GraphQLError:
    """The one error for a failed fetch, however many records it left incomplete."""
    extensions = _extensions(
        code=fault.code,
        system=fault.system,
        is_retryable=fault.is_retryable,
        retry_after=fault.retry_after,
        affected=fault.affected,
    )
    return GraphQLError(fault.message, path=path, extensions=extensions)


def present(error: GraphQLError, correlation_id: str) -> GraphQLError:
    """The error as it leaves the hub, always with a code.

    What Concord cannot name is logged with its trace and leaves as "Internal error" with the
    correlation id. What the client did to the document or its variables is said in full.
    """
    original = error.original_error
    if "code" in (error.extensions or {}):
        return error
    if isinstance(original, ConcordError):
        return _copy(error, original.message, _extensions_of(original))
    if error.path is None and isinstance(original, RecursionError):
        return _copy(error, "The document is nested too deeply.", {"code": PARSE_FAILED})
    if error.path is None and (code := _request_code(error)):
        return _copy(error, error.message, {"code": code})
    log.error("request.failed", correlation_id=correlation_id, path=error.path, exc_info=original)
    return _copy(error, "Internal error", {"code": INTERNAL, "correlationId": correlation_id})


def is_request_error(error: GraphQLError) -> bool:
    """Whether the request was refused before any field was resolved."""
    return error.path is None


def with_code(error: GraphQLError, code: str) -> GraphQLError:
    return _copy(error, error.message, {"code": code})


def _request_code(error: GraphQLError) -> str | None:
    """The code of an error in the document or its variables; None when the fault is ours."""
    if isinstance(error, GraphQLSyntaxError):
        return PARSE_FAILED
    if error.original_error is None or isinstance(error.original_error, GraphQLError):
        return BAD_USER_INPUT
    return None


def _extensions_of(error: ConcordError) -> dict[str, Any]:
    return _extensions(
        code=error.code,
        system=error.system,
        is_retryable=error.is_retryable,
        retry_after=error.retry_after if isinstance(error, Unavailable) else None,
        owner_code=error.owner_code,
    )


def _extensions(
    *,
    code: str,
    system: System | None,
    is_retryable: bool,
    retry_after: timedelta | None,
    owner_code: str | None = None,
    affected: int | None = None,
) -> dict[str, Any]:
    optional = {
        "system": system.name if system else None,
        "ownerCode": owner_code,
        "affected": affected,
        "retryAfterMs": round(retry_after.total_seconds() * 1000) if retry_after else None,
    }
    said = {name: value for name, value in optional.items() if value is not None}
    return {"code": code, "retryable": is_retryable, **said}


def _copy(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
