"""Records that go from state to state by a call for each step, and in no other way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.demo.refusals import Reason, Refusal
from hub.demo.storage import not_found, select_row, update_row
from hub.demo.tables import Connection, Row, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A call that takes a record of `table` from one of `sources` to `target`.

    `takes` are columns the caller must say, as text; `changes` are those the system sets beside
    them. `guard` sees the record before and may refuse. Without a `target` the state stays.
    """

    table: Table
    state: str
    verb: str
    sources: tuple[str, ...]
    target: str | None
    takes: tuple[str, ...] = ()
    changes: Callable[[], Mapping[str, object]] = dict
    guard: Callable[[Row], None] | None = None

    @property
    def path(self) -> str:
        return f"/{self.table.path}/{{key}}/{self.verb}"


async def take_step(
    connection: Connection, step: Step, key: str, fields: Mapping[str, object]
) -> Row:
    """The record afterwards; it is locked until the transaction ends."""
    try:
        number = step.table.key.kind.decode(key)
    except ValueError:
        raise not_found(step.table, key) from None
    row = await select_row(connection, step.table, number, is_locked=True)
    refuse_wrong_state(step, row)
    if step.guard is not None:
        step.guard(row)
    state = {} if step.target is None else {step.state: step.target}
    values = {**state, **step.changes(), **read_arguments(step, fields)}
    return await update_row(connection, step.table, number, values)


def refuse_wrong_state(step: Step, row: Row) -> None:
    if row[step.state] not in step.sources:
        message = (
            f"{row['id']} of {step.table.path} is {row[step.state]}; "
            f"{step.verb} takes only what is {' or '.join(step.sources)}."
        )
        raise broken("wrong_state", message)


def read_arguments(step: Step, fields: Mapping[str, object]) -> dict[str, object]:
    """Exactly what the step takes, none of it blank."""
    unknown = sorted(fields.keys() - set(step.takes))
    if unknown:
        raise Refusal(Reason.INVALID, f"{step.verb} does not take {', '.join(unknown)}.")
    return {name: read_argument(step, name, fields.get(name)) for name in step.takes}


def read_argument(step: Step, name: str, value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        message = f"{step.verb} needs {name}, as text."
        raise Refusal(Reason.INVALID, message, rule=f"{name}_required")
    try:
        return step.table.by_name[name].kind.decode(value)
    except ValueError as error:
        raise Refusal(Reason.INVALID, f"{name} {error}.") from None


def broken(rule: str, message: str) -> Refusal:
    return Refusal(Reason.BROKEN_RULE, message, rule=rule)
