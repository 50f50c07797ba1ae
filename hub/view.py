"""GraphQL over HTTP, server-sent events and WebSocket: what is accepted, and how it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import HTTPException, StarletteRequestAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.http import GraphQLHTTPResponse, process_result
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.http.parse_content_type import parse_content_type
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.types import ExecutionResult

from hub.graph import Graph
from resolvers.errors import is_request_error
from resolvers.services import Services

LARGEST_BODY = 1_000_000
BODY_DEADLINE = timedelta(seconds=30)
SEND_DEADLINE = timedelta(seconds=30)
TOO_SLOW = 4508

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"

HTTP_CODES = {
    400: "BAD_REQUEST",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "REQUEST_TIMEOUT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}


_UNREAD = {"connection": "close"}  # or the server would read the rest of the body to the end
_HEADERS = {405: {"allow": "POST"}, 408: _UNREAD, 413: _UNREAD}


class BoundedRequest(StarletteRequestAdapter):
    """Reads a body only as far as it is allowed to go."""

    def __init__(self, request: Request) -> None:
        super().__init__(request)
        self._chunks = request.stream()

    async def get_body(self) -> bytes:
        try:
            async with asyncio.timeout(BODY_DEADLINE.total_seconds()):
                return await self._read()
        except TimeoutError as error:
            raise HTTPException(408, "The body did not arrive in time.") from error

    async def _read(self) -> bytes:
        body = bytearray()
        async for chunk in self._chunks:
            body += chunk
            if len(body) > LARGEST_BODY:
                raise HTTPException(413, f"A body has at most {LARGEST_BODY} bytes.")
        return bytes(body)


class BoundedSocket(ASGIWebSocketAdapter):
    """Sends wait for the reader, and end with the connection when it does not read in time.

    Nothing is queued here: the next event is pulled from the feed once the last one is out.
    """

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(SEND_DEADLINE.total_seconds()):
                await super().send_json(message)
        except TimeoutError as error:
            await self.close(TOO_SLOW, "Events were not read in time; resume with `after`")
            raise WebSocketDisconnected from error


class StrictSocket(BaseGraphQLTransportWSHandler[Services, None]):
    """graphql-transport-ws, closing with 4400 on a message that has not the form of one."""

    async def handle_message(self, message: Any) -> None:
        if _is_message(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("Invalid message")


class View(GraphQL[Services, None]):
    """The specification's rules: POST with JSON, one operation, 400 for a refused request.

    `page` is what a browser gets that asks for HTML.
    """

    request_adapter_class = BoundedRequest
    websocket_adapter_class = BoundedSocket
    graphql_transport_ws_handler_class = StrictSocket

    def __init__(self, graph: Graph, services: Services, page: Response) -> None:
        super().__init__(
            graph,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=timedelta(seconds=10),
            max_subscriptions_per_connection=20,
        )
        self._services = services
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, receive)
        response = self._page if _is_browser(request) else await self._answer(request)
        await response(scope, receive, send)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Services:
        return self._services

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        response = await super().get_sub_response(request)
        response.media_type = _negotiated(cast(Request, request))
        return response

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        answer = process_result(result)
        if result.data is None and all(is_request_error(error) for error in result.errors or ()):
            del answer["data"]
        return answer

    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        media_type = sub_response.media_type
        is_refused = "data" not in response_data and media_type == GRAPHQL_JSON
        return Response(orjson.dumps(response_data), 400 if is_refused else 200, None, media_type)

    def parse_json(self, data: str | bytes) -> Any:
        document = super().parse_json(data)
        if isinstance(document, list):
            raise HTTPException(400, "Batching is not supported; send one operation per request.")
        if not isinstance(document, dict):
            raise HTTPException(400, 'The body must be a JSON object with a "query".')
        if not isinstance(document.get("operationName"), str | None):
            raise HTTPException(400, "operationName must be a string.")
        return document

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()  # text, because WebSocket clients expect text frames

    async def _answer(self, request: Request) -> Response:
        try:
            _require_json_post(request)
            return await self.run(request)
        except HTTPException as error:
            return _refusal(error.status_code, error.reason)


def _is_message(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] != "subscribe":
        return True
    payload = message.get("payload")
    return (
        isinstance(message.get("id"), str)
        and isinstance(payload, dict)
        and isinstance(payload.get("query"), str)
        and isinstance(payload.get("variables"), dict | None)
        and isinstance(payload.get("operationName"), str | None)
    )


def _is_browser(request: Request) -> bool:
    return request.method == "GET" and "text/html" in request.headers.get("accept", "")


def _require_json_post(request: Request) -> None:
    if request.method != "POST":
        raise HTTPException(405, "Send operations with POST.")
    media_type, parameters = parse_content_type(request.headers.get("content-type", ""))
    charset = parameters.get("charset", "utf-8").lower()
    if media_type.lower() != JSON or charset not in ("utf-8", "utf8"):
        raise HTTPException(415, f"Send the body as {JSON} in UTF-8.")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "Send the body without a content encoding.")
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > LARGEST_BODY:
        raise HTTPException(413, f"A body has at most {LARGEST_BODY} bytes.")
    _negotiated(request)


def _negotiated(request: Request) -> str:
    """The media type to answer in; the older one when the client does not care."""
    accepted = request.headers.get("accept", "*/*")
    if GRAPHQL_JSON in accepted:
        return GRAPHQL_JSON
    if any(known in accepted for known in (JSON, "*/*", "application/*", EVENT_STREAM)):
        return JSON
    raise HTTPException(406, f"Accept {GRAPHQL_JSON}, {JSON} or {EVENT_STREAM}.")


def _refusal(status: int, message: str) -> Response:
    error = {"message": message, "extensions": {"code": HTTP_CODES.get(status, "BAD_REQUEST")}}
    return Response(orjson.dumps({"errors": [error]}), status, _HEADERS.get(status), JSON)
