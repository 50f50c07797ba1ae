"""The REST interface of Kafka Connect, as far as we need it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from cdc.capture.debezium import Connector
from schema.errors import Invalid, NotFound, Unavailable

_TIMEOUT_S = 30


class ConnectApi:
    """Raises Unavailable when Connect does not answer, Invalid with its words when it refuses."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def answers(self) -> bool:
        try:
            self._ask("GET", "/connectors")
        except (Unavailable, NotFound):  # it accepts calls before it has anything to answer with
            return False
        return True

    def apply(self, connector: Connector) -> None:
        """Create the connector, or change it to this."""
        self._ask("PUT", f"/connectors/{connector.name}/config", dict(connector.config))

    def remove(self, name: str) -> None:
        """Stop the connector and forget its settings; its place in the owner's log stays."""
        self._ask("DELETE", f"/connectors/{name}")

    def pause(self, name: str) -> None:
        """Let the connector capture nothing until it is resumed; its place stays."""
        self._ask("PUT", f"/connectors/{name}/pause")

    def resume(self, name: str) -> None:
        self._ask("PUT", f"/connectors/{name}/resume")

    def config(self, name: str) -> Mapping[str, str] | None:
        """What a connector is set to; None when there is none of that name."""
        config: Mapping[str, str] | None = self._find(f"/connectors/{name}/config")
        return config

    def failure(self, name: str) -> str | None:
        """Why a connector or its task does not run, in the first line of its own words."""
        status = self._find(f"/connectors/{name}/status") or {}
        for part in (status.get("connector", {}), *status.get("tasks", ())):
            if part.get("state") == "FAILED":
                return str(part.get("trace", "failed without words")).splitlines()[0]
        return None

    def is_following(self, name: str) -> bool:
        """Whether the tables have been read as they were, and changes are followed since.

        Raises Unavailable with its words when the connector has failed.
        """
        if (why := self.failure(name)) is not None:
            raise Unavailable(f"the connector {name} has failed: {why}")
        stored = (self._find(f"/connectors/{name}/offsets") or {}).get("offsets", [])
        offsets = [one["offset"] for one in stored if one.get("offset")]
        return bool(offsets) and all(_is_streaming(offset) for offset in offsets)

    def _find(self, path: str) -> Any:
        """What is there; None when Connect knows of none, or not yet."""
        try:
            return self._ask("GET", path)
        except NotFound:
            return None

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        try:
            reply = self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"Kafka Connect does not answer: {error}") from error
        if reply.status_code == httpx.codes.CONFLICT or reply.is_server_error:
            raise Unavailable(f"Kafka Connect cannot answer now: {reply.text[:500]}")
        if reply.status_code == httpx.codes.NOT_FOUND:
            raise NotFound(f"Kafka Connect has no {path}")
        if reply.is_error:
            raise Invalid(f"Kafka Connect refuses: {reply.text[:500]}")
        return reply.json() if reply.content else None


def _is_streaming(offset: Mapping[str, Any]) -> bool:
    return not offset.get("snapshot") or bool(offset.get("last_snapshot_record"))
