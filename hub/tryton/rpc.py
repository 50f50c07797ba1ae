"""Tryton's JSON-RPC as provisioning needs it: blocking, one session, one connection."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Values = Mapping[str, Any]
Domain = Sequence[Any]

ANSWER_SECONDS = 300
"""Posting or creating hundreds of records is one call."""


class TrytonRefused(RuntimeError):
    """Tryton did not do what provisioning asked; the message holds its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One user's session; `context` goes along with every call.

    Not for use by two threads at once.
    """

    connection: http.client.HTTPConnection
    path: str
    authorization: str
    context: Values

    def within(self, **context: Any) -> Session:
        """The same session with more context, such as another company."""
        return replace(self, context={**self.context, **context})

    def beside_companies(self) -> Session:
        """The same session as of no company, for records of several of them in one call."""
        context = {name: value for name, value in self.context.items() if name != "company"}
        return replace(self, context=context)

    def close(self) -> None:
        """Hang up; the session itself ends when Tryton forgets it."""
        self.connection.close()

    def call(self, method: str, *parameters: Any) -> Any:
        return _call(
            self.connection,
            self.path,
            method,
            [*parameters, self.context],
            {"Authorization": self.authorization},
        )

    def create(self, model: str, *records: Values) -> list[int]:
        """Create records in one transaction; the ids come in the given order."""
        ids: list[int] = self.call(f"model.{model}.create", list(records))
        return ids

    def write(self, model: str, ids: Sequence[int], values: Values) -> None:
        self.call(f"model.{model}.write", list(ids), values)

    def write_each(self, model: str, changes: Iterable[tuple[int, Values]]) -> None:
        """Write different values to many records in one transaction."""
        pairs: list[Any] = []
        for record, values in changes:
            pairs += [[record], values]
        self.call(f"model.{model}.write", *pairs)

    def press(self, model: str, button: str, ids: Sequence[int]) -> None:
        """Press a button of a form on all records at once."""
        self.call(f"model.{model}.{button}", list(ids))

    def search(self, model: str, domain: Domain) -> list[int]:
        ids: list[int] = self.call(f"model.{model}.search", domain, 0, None, [["id", "ASC"]])
        return ids

    def read(self, model: str, domain: Domain, *fields: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.call(
            f"model.{model}.search_read", domain, 0, None, [["id", "ASC"]], list(fields)
        )
        return rows

    def named(self, module: str, name: str) -> int:
        """The id of a record that a module brought along."""
        found: int = self.call("model.ir.model.data.get_id", module, name)
        return found

    def start_wizard(self, name: str, **context: Any) -> Wizard:
        session = self.within(**context)
        ticket, _, _ = session.call(f"wizard.{name}.create")
        return Wizard(session=session, name=name, ticket=ticket)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wizard:
    """A running wizard; every call sends what was filled in so far, as Tryton's clients do."""

    session: Session
    name: str
    ticket: int
    forms: dict[str, Values] = field(default_factory=dict)

    def press(self, form: str, values: Values, button: str) -> Any:
        """Fill in one form and press one of its buttons."""
        self.forms[form] = values
        return self.proceed(button)

    def proceed(self, state: str) -> Any:
        """Go on to a state of the wizard."""
        return self.session.call(f"wizard.{self.name}.execute", self.ticket, self.forms, state)

    def end(self) -> None:
        self.session.call(f"wizard.{self.name}.delete", self.ticket)


def log_in(*, host: str, port: int, database: str, user: str, password: str) -> Session:
    """Open a session whose context is the user's own preferences."""
    connection = http.client.HTTPConnection(host, port, timeout=ANSWER_SECONDS)
    path = f"/{database}/rpc/"
    uid, token, _ = _call(
        connection, path, "common.db.login", [user, {"password": password}, "en"], {}
    )
    ticket = base64.b64encode(f"{user}:{uid}:{token}".encode()).decode()
    bare = Session(connection=connection, path=path, authorization=f"Session {ticket}", context={})
    return bare.within(**bare.call("model.res.user.get_preferences", True))


def server_version(*, host: str, port: int, timeout: float) -> str:
    """Ask who listens; raises OSError or HTTPException while nobody answers properly."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        return str(_call(connection, "/rpc/", "common.server.version", [], {}))
    finally:
        connection.close()


def encode(value: Any) -> Any:
    """What JSON cannot say, the way Tryton spells it."""
    match value:
        case Decimal():
            return {"__class__": "Decimal", "decimal": str(value)}
        case date():
            return {
                "__class__": "date",
                "year": value.year,
                "month": value.month,
                "day": value.day,
            }
        case bytes():
            return {"__class__": "bytes", "base64": base64.b64encode(value).decode()}
        case timedelta():
            return {"__class__": "timedelta", "seconds": value.total_seconds()}
        case _:
            raise TypeError(f"{type(value).__name__} has no spelling in Tryton's JSON")


def _call(
    connection: http.client.HTTPConnection,
    path: str,
    method: str,
    parameters: Sequence[Any],
    headers: Mapping[str, str],
) -> Any:
    body = json.dumps({"id": 1, "method": method, "params": parameters}, default=encode)
    # Without the offer to take gzip, long answers are labelled gzip and are plain.
    offered = {"Content-Type": "application/json", "Accept-Encoding": "gzip", **headers}
    connection.request("POST", path, body, offered)
    answer = connection.getresponse()
    content = answer.read()
    if answer.getheader("Content-Encoding") == "gzip":
        content = gzip.decompress(content)
    if answer.status != http.client.OK:
        raise TrytonRefused(f"{method}: HTTP {answer.status}")
    reply = json.loads(content, parse_float=Decimal)
    if "error" in reply:
        raise TrytonRefused(f"{method}: {reply['error']}")
    return reply["result"]
