"""The hub over HTTP: the graph, its explorer, and the probes an orchestrator asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from hub.graph import Graph
from hub.metrics import CONTENT_TYPE
from hub.view import View
from resolvers.limits import Limits
from resolvers.services import Services

Probe = Callable[[], Awaitable[str | None]]
"""Answers what keeps the hub from serving, or None."""

Metrics = Callable[[], Awaitable[bytes]]
"""Answers the page of figures that Prometheus scrapes."""

_GRAPHIQL = Path(__file__).parent / "graphiql"

# GraphiQL writes style elements at run time; nothing else may come from anywhere but this host.
_CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def _no_metrics() -> bytes:
    return b""


async def _nothing_missing() -> str | None:
    return None


def app(
    services: Services,
    *,
    probe: Probe = _nothing_missing,
    metrics: Metrics = _no_metrics,
    further: Sequence[BaseRoute] = (),
    lifespan: Lifespan[Starlette] | None = None,
) -> Starlette:
    """`/graphql` (HTTP, SSE, WebSocket, GraphiQL), the probes, `/metrics`, and `further` routes.

    The root leads to `/graphql`, because that is what a person types first.
    """
    view = View(Graph(Limits()), services, _page())

    async def ready(_: Request) -> Response:
        missing = await probe()
        answer = {"status": "ready"} if missing is None else {"status": missing}
        return JSONResponse(answer, status_code=200 if missing is None else 503)

    async def measure(_: Request) -> Response:
        return Response(await metrics(), media_type=CONTENT_TYPE)

    return Starlette(
        routes=[
            Route("/", RedirectResponse("/graphql")),
            Route("/graphql", view),
            WebSocketRoute("/graphql", view),
            Mount("/graphiql", StaticFiles(directory=_GRAPHIQL)),
            Route("/livez", _live),
            Route("/readyz", ready),
            Route("/metrics", measure),
            *further,
        ],
        lifespan=lifespan,
    )


async def _live(_: Request) -> Response:
    return JSONResponse({"status": "live"})


def _page() -> Response:
    return HTMLResponse(
        (_GRAPHIQL / "index.html").read_text(encoding="utf-8"),
        headers={
            "content-security-policy": _CONTENT_POLICY,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
    )
