"""The HTTP side shared by the stand-ins: routes from a system's tables, reading and answering."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.demo.dialect import Answer, Json, System
from hub.demo.faults import Disturbance, Disturbed, control_routes
from hub.demo.quota import Bucket
from hub.demo.refusals import Reason, Refusal
from hub.demo.storage import (
    insert_row,
    not_found,
    select_page,
    select_row,
    update_row,
)
from hub.demo.tables import Connection, Row, Table

BODY_LIMIT = 1_000_000

Perform = Callable[[Connection], Awaitable[Answer]]


def build_app(system: System, pool: "asyncpg.Pool[Any]", *, key: str) -> Starlette:
    """One system's API over its own database, open to bearers of `key`."""
    disturbance = Disturbance()
    bucket = None if system.quota is None else Bucket(system.quota)
    api = Api(system=system, pool=pool, key=key, bucket=bucket)
    routes = api.routes()
    return Starlette(
        routes=[*control_routes(disturbance), *routes],
        middleware=[Middleware(Disturbed, disturbance=disturbance, routes=routes)],
        exception_handlers={Refusal: api.on_refusal, HTTPException: api.on_http_error},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """The handlers; each write is one transaction."""

    system: System
    pool: "asyncpg.Pool[Any]"
    key: str
    bucket: Bucket | None

    def routes(self) -> list[Route]:
        base = self.system.base
        routes = []
        for table in self.system.tables:
            collection = f"{base}/{table.path}"
            record = f"{collection}/{{key}}"
            update = [self.system.update_method]
            routes += [
                Route(collection, partial(self.list_records, table), methods=["GET"]),
                Route(collection, partial(self.create, table), methods=["POST"]),
                Route(record, partial(self.get, table), methods=["GET"]),
                Route(record, partial(self.update, table), methods=update),
            ]
        for action in self.system.actions:
            endpoint = partial(self.act, action.perform)
            routes.append(Route(f"{base}{action.path}", endpoint, methods=[action.method]))
        return routes

    async def list_records(self, table: Table, request: Request) -> Response:
        self._admit(request)
        query = self.system.dialect.list_query(table, request.query_params.multi_items())
        async with self.pool.acquire() as connection:
            rows = await select_page(connection, table, query)
        page, has_more = rows[: query.limit], len(rows) > query.limit
        return respond(answer(200, self.system.dialect.page(table, page, has_more)))

    async def get(self, table: Table, request: Request) -> Response:
        self._admit(request)
        key = read_key(table, request)
        async with self.pool.acquire() as connection:
            row = await select_row(connection, table, key)
        return respond(answer(200, self.system.dialect.record(row)))

    async def create(self, table: Table, request: Request) -> Response:
        self._admit(request)
        body = await read_body(request)
        write = self.system.dialect.write(read_json(body), request.headers)
        values = decode_fields(table, write.fields)
        missing = [one.name for one in table.columns if one.is_required and one.name not in values]
        if missing:
            raise Refusal(Reason.INVALID, f"{', '.join(missing)} must be given.")

        async def perform(connection: Connection) -> Answer:
            if table.check is not None:
                await table.check(connection, None, values)
            row = await insert_row(connection, table, values)
            await verify_written(connection, table, row)
            return answer(201, self.system.dialect.record(row))

        return await self._write(request, body, perform)

    async def update(self, table: Table, request: Request) -> Response:
        self._admit(request)
        body = await read_body(request)
        write = self.system.dialect.write(read_json(body), request.headers)
        values = decode_fields(table, write.fields)
        key = read_key(table, request)

        async def perform(connection: Connection) -> Answer:
            row = await select_row(connection, table, key, is_locked=True)
            if write.expected_version not in (None, row["version"]):
                message = f"{key} is at version {row['version']}, not {write.expected_version}."
                raise Refusal(Reason.STALE, message)
            if table.guard is not None:
                table.guard(row)
            if table.check is not None:
                await table.check(connection, row, values)
            row = await update_row(connection, table, key, values)
            await verify_written(connection, table, row)
            return answer(200, self.system.dialect.record(row))

        return await self._write(request, body, perform)

    async def act(self, action: Callable[..., Awaitable[Json]], request: Request) -> Response:
        self._admit(request)
        body = await read_body(request)
        fields = read_json(body) if body else {}

        async def perform(connection: Connection) -> Answer:
            return answer(200, await action(connection, request.path_params, fields))

        return await self._write(request, body, perform)

    async def on_refusal(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, Refusal):
            raise error
        response = respond(answer(*self.system.dialect.refusal(error)))
        if error.retry_after is not None:
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    async def on_http_error(self, request: Request, error: Exception) -> Response:
        """The framework only refuses paths and methods."""
        is_path = isinstance(error, HTTPException) and error.status_code == 404
        reason = Reason.NOT_FOUND if is_path else Reason.NOT_ALLOWED
        message = f"{request.method} {request.url.path} does not exist here."
        return await self.on_refusal(request, Refusal(reason, message))

    async def _write(self, request: Request, body: bytes, perform: Perform) -> Response:
        once, repeat_key = self.system.once, request.headers.get("idempotency-key")
        async with self.pool.acquire() as connection, connection.transaction():
            if once is None or repeat_key is None:
                return respond(await perform(connection))
            call = b" ".join([request.method.encode(), request.url.path.encode(), body])
            return respond(await once(connection, repeat_key, call, partial(perform, connection)))

    def _admit(self, request: Request) -> None:
        shown = request.headers.get("authorization", "").encode()
        if not secrets.compare_digest(shown, f"Bearer {self.key}".encode()):
            message = "Send the key of this system as Authorization: Bearer <key>."
            raise Refusal(Reason.UNAUTHORIZED, message)
        if self.bucket is not None:
            self.bucket.take()


async def verify_written(connection: Connection, table: Table, row: Row) -> None:
    if table.verify is not None:
        await table.verify(connection, row)


async def read_body(request: Request) -> bytes:
    """The whole body; refuses one over the limit before reading the rest of it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Refusal(Reason.TOO_LARGE, f"A body may have {BODY_LIMIT} bytes at most.")
    return body


def read_json(body: bytes) -> dict[str, Json]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(Reason.UNREADABLE, f"The body is not JSON: {error}.") from error
    if not isinstance(fields, dict):
        raise Refusal(Reason.UNREADABLE, "The body must be a JSON object.")
    return fields


def read_key(table: Table, request: Request) -> object:
    text = request.path_params["key"]
    try:
        return table.key.kind.decode(text)
    except ValueError:
        raise not_found(table, text) from None


def decode_fields(table: Table, fields: Mapping[str, Json]) -> dict[str, object]:
    """The values to store; refuses what the caller may not set, naming the field."""
    if not fields:
        raise Refusal(Reason.INVALID, "Name at least one field.")
    return {name: decode_field(table, name, value) for name, value in fields.items()}


def decode_field(table: Table, name: str, value: Json) -> object:
    column = table.by_name.get(name)
    if column is None:
        raise Refusal(Reason.INVALID, f"{name} is not a field of {table.path}.")
    if column.is_given:
        raise Refusal(Reason.INVALID, f"{name} is read-only: the system gives it.")
    if value is None and column.is_nullable:
        return None
    try:
        return column.kind.decode(value)
    except ValueError as error:
        raise Refusal(Reason.INVALID, f"{name} {error}.") from None


def answer(status: int, content: Json) -> Answer:
    return Answer(status=status, content=orjson.dumps(content, default=encode_money))


def respond(given: Answer) -> Response:
    return Response(given.content, status_code=given.status, media_type="application/json")


def encode_money(value: object) -> str:
    if not isinstance(value, Decimal):
        raise TypeError(f"{type(value).__name__} has no place in an answer")
    return str(value)
