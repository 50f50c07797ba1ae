"""The only HTTP client: calls with a deadline, capped answers, and one map from trouble to errors.

Reads that fail are Unavailable. A write whose answer got lost is OutcomeUnknown: the system may
have carried it out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from yarl import URL

from schema.errors import (
    ConcordError,
    Conflict,
    Invalid,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    Unavailable,
)
from schema.system import System
from sync.connectors.binding import Row
from sync.connectors.breaker import Breaker
from sync.connectors.ports import Rows

T = TypeVar("T")

LARGEST_ANSWER = 16 * 1024 * 1024
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
"""What is met before a byte has left; when a connection breaks later, the system may have done
what was asked."""

IDLE_S = 5
"""How long a connection is kept for the next call."""

Parameters = Sequence[tuple[str, str]]
Refusal = tuple[str | None, str]
"""A system's own code and words for why it refused."""


class KeyRefused(Unavailable):
    """The system does not let us in; nothing was read or done."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Upstream:
    """One system over HTTP."""

    def __init__(self, system: System, endpoint: Endpoint, dialect: Dialect) -> None:
        self.system = system
        self._endpoint = endpoint
        self._dialect = dialect
        self._breaker = Breaker(time.monotonic)
        self._client: aiohttp.ClientSession | None = None

    async def read(self, path: str, parameters: Parameters, shape: Callable[[Any], T]) -> T:
        """GET, and what `shape` makes of the JSON.

        Raises Unavailable (also when the answer has another shape), RateLimited or Rejected.
        """
        if not self._breaker.allows():
            raise self._unavailable("has failed repeatedly and is left alone for a moment")
        try:
            shaped = self._shaped(await self._get(path, parameters), shape)
        except RateLimited:
            raise
        except (Unavailable, asyncio.CancelledError):
            # A caller whose own deadline has passed cancels: that is no answer either.
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
        shape: Callable[[Any], Any] = lambda answered: answered,
    ) -> Any:
        """POST, PUT or PATCH a JSON body, and what `shape` makes of the JSON that comes back.

        Raises Rejected, Conflict or NotFound when the system refuses; Unavailable when nothing
        was sent; OutcomeUnknown when it may have been carried out.
        """
        try:
            answer = await self._call(
                method,
                path,
                self._endpoint.write_timeout,
                data=orjson.dumps(body),
                headers={"content-type": "application/json", **(headers or {})},
            )
        except NEVER_SENT as error:
            raise self._unavailable("cannot be reached") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unknown(f"did not answer ({type(error).__name__})") from error
        if answer.status >= 500:
            raise self._unknown(f"answered {answer.status}")
        if not answer.is_success:
            raise self._refused(answer)
        try:
            return self._shaped(self._json(answer), shape)
        except Unavailable as error:
            raise self._unknown("answered with something nobody can read") from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _get(self, path: str, parameters: Parameters) -> Any:
        target = f"{path}?{urlencode(parameters)}" if parameters else path
        try:
            answer = await self._call("GET", target, self._endpoint.read_timeout)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unavailable(f"does not answer ({type(error).__name__})") from error
        if not answer.is_success:
            raise self._refused(answer)
        return self._json(answer)

    async def _call(self, method: str, target: str, within: timedelta, **options: Any) -> Answer:
        """One call, over when its last byte is there; the time and the size of it are capped."""
        if self._client is None:
            self._client = self._open()
        seconds = within.total_seconds()
        url = URL(self._endpoint.url.rstrip("/") + target, encoded=True)
        limits = aiohttp.ClientTimeout(connect=seconds, sock_connect=seconds)
        async with (
            asyncio.timeout(seconds),
            self._client.request(
                method, url, timeout=limits, allow_redirects=False, **options
            ) as answered,
        ):
            content = bytearray()
            async for chunk in answered.content.iter_any():
                content += chunk
                if len(content) > LARGEST_ANSWER:
                    raise aiohttp.ClientPayloadError("more than 16 MiB at once")
        return Answer(status=answered.status, headers=answered.headers, content=bytes(content))

    def _open(self) -> aiohttp.ClientSession:
        """Follows no proxy of the environment and keeps no cookies."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(keepalive_timeout=IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={
                "authorization": f"Bearer {self._endpoint.key}",
                "accept": "application/json",
            },
        )

    def _json(self, answer: Answer) -> Any:
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError as error:
            raise self._unavailable("answered with something that is not JSON") from error

    def _shaped(self, body: Any, shape: Callable[[Any], T]) -> T:
        try:
            return shape(body)
        except (LookupError, TypeError, AttributeError) as error:
            raise self._unavailable("answered with JSON of another shape") from error

    def _refused(self, answer: Answer) -> ConcordError:
        status, name = answer.status, self.system.name
        if status in (401, 403):
            return KeyRefused(
                f"{name} refuses our key; check CONCORD_{name}__KEY.", system=self.system
            )
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

    def _words(self, answer: Answer) -> Refusal:
        """What the system says; a refusal that cannot be read is told by its status."""
        try:
            return self._dialect.refusal(orjson.loads(answer.content))
        except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
            return None, f"refused with status {answer.status} and no words."

    def _unavailable(self, what: str) -> Unavailable:
        return Unavailable(f"{self.system.name} {what}; try again later.", system=self.system)

    def _unknown(self, what: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self.system.name} {what}, so nobody knows whether it did what was asked; "
            "look before sending it again.",
            system=self.system,
        )


def page_of(rows: Any, has_more: Any) -> Rows:
    """A page out of an answer. Raises TypeError unless `rows` is a list of objects."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise TypeError("a list of objects expected")
    return Rows(rows=tuple(rows), has_more=bool(has_more))


def record_of(record: Any) -> Row:
    """A record out of an answer. Raises TypeError unless it is an object."""
    if not isinstance(record, dict):
        raise TypeError("an object expected")
    return record


def path_segment(key: str) -> str:
    """A key as one segment of a path, whatever characters it has."""
    return quote(key, safe="")


def comma_list(values: Iterable[object]) -> str:
    """Values as one parameter, for systems that know no way to escape a comma.

    Raises Invalid for a value with a comma: the system would look for its pieces instead.
    """
    texts = [str(value) for value in values]
    for text in texts:
        if "," in text:
            raise Invalid(
                f"{text!r:.80} has a comma, which this filter cannot express; leave it out."
            )
    return ",".join(texts)


def _retry_after(answer: Answer) -> timedelta | None:
    seconds = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(seconds)) if seconds.isascii() and seconds.isdigit() else None
