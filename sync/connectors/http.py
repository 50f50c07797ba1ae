"""The only HTTP client: calls with a deadline, capped answers, and one map from trouble to errors.

Reads that fail are Unavailable. A write whose answer got lost is OutcomeUnknown: the system may
have carried it out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import httpx
import orjson
from httpx_aiohttp import AiohttpTransport

from schema.errors import (
    ConcordError,
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from schema.system import System
from sync.connectors.breaker import Breaker

T = TypeVar("T")

LARGEST_ANSWER = 16 * 1024 * 1024
Parameters = Sequence[tuple[str, str]]
Refusal = tuple[str | None, str]
"""A system's own code and words for why it refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a system answers, and our key there."""

    url: str
    key: str = field(repr=False)
    read_timeout: timedelta = timedelta(seconds=2)
    write_timeout: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a system spells its errors: its words, and which codes mean that a version was stale."""

    refusal: Callable[[Any], Refusal]
    stale: frozenset[str]


class Upstream:
    """One system over HTTP."""

    def __init__(self, system: System, endpoint: Endpoint, dialect: Dialect) -> None:
        self.system = system
        self._endpoint = endpoint
        self._dialect = dialect
        self._breaker = Breaker(time.monotonic)
        self._client: httpx.AsyncClient | None = None

    async def read(self, path: str, parameters: Parameters, shape: Callable[[Any], T]) -> T:
        """GET, and what `shape` makes of the JSON.

        Raises Unavailable (also when the answer has another shape), RateLimited or Rejected.
        """
        if not self._breaker.allows():
            raise self._unavailable("has failed repeatedly and is left alone for a moment")
        try:
            answer = await self._call(
                "GET", path, self._endpoint.read_timeout, params=list(parameters)
            )
        except httpx.TransportError as error:
            self._breaker.failed()
            raise self._unavailable(f"does not answer ({type(error).__name__})") from error
        try:
            shaped = self._shaped(self._read_answer(answer), shape)
        except Unavailable as error:
            if not isinstance(error, RateLimited):
                self._breaker.failed()
            raise
        self._breaker.succeeded()
        return shaped

    async def write(
        self,
        method: str,
        path: str,
        body: Any,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """POST, PUT or PATCH a JSON body.

        Raises Rejected, Conflict or NotFound when the system refuses; Unavailable when nothing
        was sent; OutcomeUnknown when it may have been carried out.
        """
        try:
            answer = await self._call(
                method,
                path,
                self._endpoint.write_timeout,
                content=orjson.dumps(body),
                headers={"content-type": "application/json", **(headers or {})},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unavailable(f"cannot be reached ({type(error).__name__})") from error
        except httpx.TransportError as error:
            raise self._unknown(f"did not answer ({type(error).__name__})") from error
        if answer.status_code >= 500:
            raise self._unknown(f"answered {answer.status_code}")
        try:
            return self._read_answer(answer)
        except RateLimited:
            raise
        except Unavailable as error:
            if answer.is_success:
                raise self._unknown("answered with something nobody can read") from error
            raise

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _call(
        self, method: str, path: str, timeout: timedelta, **options: Any
    ) -> httpx.Response:
        if self._client is None:
            self._client = self._open()
        return await self._client.request(
            method, path, timeout=timeout.total_seconds(), **options
        )

    def _open(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._endpoint.url,
            headers={
                "authorization": f"Bearer {self._endpoint.key}",
                "accept": "application/json",
            },
            transport=AiohttpTransport(),
            trust_env=False,
            follow_redirects=False,
        )

    def _read_answer(self, answer: httpx.Response) -> Any:
        if not answer.is_success:
            raise self._refused(answer)
        if len(answer.content) > LARGEST_ANSWER:
            raise self._unavailable("sent more than 16 MiB at once")
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise self._unavailable("answered with something that is not JSON") from error

    def _shaped(self, body: Any, shape: Callable[[Any], T]) -> T:
        try:
            return shape(body)
        except (LookupError, TypeError, AttributeError) as error:
            raise self._unavailable("answered with JSON of another shape") from error

    def _refused(self, answer: httpx.Response) -> ConcordError:
        status, name = answer.status_code, self.system.name
        if status in (401, 403):
            return self._unavailable(f"refuses our key; check CONCORD_{name}__KEY")
        if status == 429:
            return RateLimited(
                f"{name} asks for a pause; try again later.",
                system=self.system,
                retry_after=_retry_after(answer),
            )
        if status >= 500 or status < 400:
            return self._unavailable(f"answered {status}")
        code, words = self._words(answer)
        if status == 404:
            return NotFound(f"{name}: {words}", system=self.system, owner_code=code)
        if status in (409, 412) and code in self._dialect.stale:
            return Conflict(f"{name}: {words}", system=self.system, owner_code=code)
        return Rejected(f"{name}: {words}", system=self.system, owner_code=code)

    def _words(self, answer: httpx.Response) -> Refusal:
        """What the system says; a refusal that cannot be read is told by its status."""
        try:
            return self._dialect.refusal(orjson.loads(answer.content))
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
            return None, f"refused with status {answer.status_code} and no words."

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(
            f"{self.system.name} {what}; try again later.", system=self.system
        )

    def _unknown(self, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self.system.name} {what}, so nobody knows whether it did what was asked; "
            "look before sending it again.",
            system=self.system,
        )


def _retry_after(answer: httpx.Response) -> timedelta | None:
    seconds = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isdigit() else None
