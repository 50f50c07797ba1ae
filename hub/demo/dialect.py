"""What the five APIs differ in, and what a system is made of."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from hub.demo.query import ListQuery, Parameters
from hub.demo.quota import Quota
from hub.demo.refusals import Reason, Refusal
from hub.demo.tables import Connection, Row, Table

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """The columns a caller sets; `expected_version` guards against overwriting a newer row."""

    fields: Mapping[str, object]
    expected_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    content: bytes


class Dialect(Protocol):
    """How one vendor spells calls and answers."""

    def list_query(self, table: Table, parameters: Parameters) -> ListQuery: ...

    def write(self, body: dict[str, Json], headers: Mapping[str, str]) -> Write: ...

    def page(self, table: Table, rows: Sequence[Row], has_more: bool) -> Json: ...

    def record(self, row: Row) -> Json: ...

    def refusal(self, refusal: Refusal) -> tuple[int, Json]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A call beside the collections. What `perform` returns is the answer as JSON."""

    method: str
    path: str
    perform: Callable[[Connection, Mapping[str, str], dict[str, Json]], Awaitable[Json]]


class Once(Protocol):
    """Gives a repeated call the answer of the first, within the transaction of the write."""

    async def __call__(
        self,
        connection: Connection,
        key: str,
        call: bytes,
        perform: Callable[[], Awaitable[Answer]],
    ) -> Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """`tables` come in an order in which every local reference is to an earlier one."""

    name: str
    base: str
    dialect: Dialect
    tables: tuple[Table, ...]
    update_method: str = "PATCH"
    actions: tuple[Action, ...] = ()
    own_ddl: tuple[str, ...] = ()
    once: Once | None = None
    quota: Quota | None = None


def read_version(value: object) -> int | None:
    """The version a caller expects, from a header or a body; None when it does not care."""
    if value is None or value == "*":
        return None
    digits = str(value).strip('"')
    if isinstance(value, bool) or not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise Refusal(Reason.UNREADABLE, f"The expected version must be a number, got {value!r}.")
    return int(digits)
