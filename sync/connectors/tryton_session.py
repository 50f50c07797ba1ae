"""Tryton's JSON-RPC: the only way to write with a guard, in a session of the hub's own user."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schema.errors import ConcordError, Conflict, Rejected, Unavailable
from schema.system import System
from sync.connectors.http import KeyRefused, Upstream


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The database, and the Tryton user whose id marks the hub's own writes in every row."""

    database: str
    user: str
    password: str = field(repr=False)


class Session:
    """Logs in when it must. Tryton ends an idle session after five minutes."""

    def __init__(self, upstream: Upstream, account: Account) -> None:
        self._upstream = upstream
        self._account = account
        self._ticket: str | None = None
        self._opening = asyncio.Lock()

    async def call(self, method: str, *parameters: Any, context: Mapping[str, Any]) -> Any:
        """Call a method. Raises Rejected with Tryton's words, Conflict on a stale `_timestamp`.

        The context is ours alone: Tryton would obey a caller's, such as one that skips warnings.
        """
        body = _body(method, [*parameters, dict(context)])
        ticket = await self._open()
        try:
            return await self._send(body, ticket)
        except KeyRefused:  # refused unread: the session has ended
            return await self._send(body, await self._open(instead_of=ticket))

    async def _open(self, instead_of: str | None = None) -> str:
        async with self._opening:
            if self._ticket is None or self._ticket == instead_of:
                self._ticket = await self._log_in()
            return self._ticket

    async def _log_in(self) -> str:
        user, name = self._account.user, self._upstream.system.name
        body = _body("common.db.login", [user, {"password": self._account.password}, "en"])
        try:
            number, token, *_ = await self._send(body, None)
        except (KeyRefused, TypeError) as error:  # a 401, or no ticket
            raise Unavailable(
                f"{name} refuses our login; check CONCORD_{name}__USER and "
                f"CONCORD_{name}__PASSWORD.",
                system=self._upstream.system,
            ) from error
        return base64.b64encode(f"{user}:{number}:{token}".encode()).decode()

    async def _send(self, body: Mapping[str, Any], ticket: str | None) -> Any:
        # An empty header instead of the client's bearer key, which Tryton refuses here.
        headers = {"authorization": f"Session {ticket}" if ticket else ""}
        path = f"/{self._account.database}/rpc/"
        answer = await self._upstream.write("POST", path, body, headers)
        if "error" in answer:
            raise refusal_of(self._upstream.system, answer["error"])
        return answer["result"]


def refusal_of(system: System, error: list[Any]) -> ConcordError:
    """What Tryton's error means to us; whatever it is, Tryton has rolled everything back."""
    kind, *rest = error
    said = rest[0] if rest and isinstance(rest[0], list) else rest
    match kind:
        case "ConcurrencyException":
            words = str(rest[0]) if rest else "the record has changed"
            return Conflict(f"{system.name}: {words}", system=system, owner_code=kind)
        case "UserError":
            words = " ".join(filter(None, said[:2]))
        case "UserWarning":
            words = " ".join(filter(None, said[1:3]))
        case _:
            words = f"Tryton failed with {kind}"
    return Rejected(f"{system.name}: {words}", system=system, owner_code=str(kind)[:40])


def _body(method: str, parameters: list[Any]) -> dict[str, Any]:
    return {"id": 1, "method": method, "params": parameters}
