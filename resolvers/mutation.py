"""Writes: each goes to the system that owns the fields; nothing else is written here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature
from operator import getitem
from typing import Annotated, Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

from resolvers.context import Info
from resolvers.dead_deliveries import discard_dead_deliveries, retry_dead_deliveries
from resolvers.dead_letters import (
    discard_dead_letters,
    edit_dead_letter,
    retry_dead_letters,
    retry_matching_dead_letters,
)
from resolvers.inputs import create_input, created, patched, update_input
from resolvers.loaders import Wanted
from resolvers.nodes.actions import mutation_name
from resolvers.nodes.node import node_of
from resolvers.nodes.setup import retry_project_setup
from resolvers.operations import resume_topic
from resolvers.outcomes import outcome_of, refusable, written_type
from resolvers.selection import selected_fields
from schema.canon import require_id
from schema.entity import anchor, entity_name
from schema.lifecycle import ARGUMENTS, Lifecycle, Transition
from schema.lifecycles import LIFECYCLES
from schema.writes import CREATES, UPDATES
from sync.routing import Written

_KEY = strawberry.argument(
    description=(
        "Yours to choose, at most 200 characters: the same key with the same input has one "
        "effect and one answer, the same key with another input is an error."
    )
)
Key = Annotated[str, _KEY]
MaybeKey = Annotated[str | None, _KEY]
Id = Annotated[strawberry.ID, strawberry.argument(description="The record.")]


def update(entity: type) -> Any:
    """The field that changes a record's fields, all of one owner."""

    async def resolve(info: Info, input: Any, idempotency_key: MaybeKey = None) -> Any:
        require_id(entity, input.id)
        routing = info.request.services.routing
        send = partial(
            routing.update,
            entity,
            input.id,
            patched(entity, input),
            owner=input.owner,
            version=input.if_version,
            idempotency_key=idempotency_key,
        )
        return await _outcome(info, entity, send)

    _takes(resolve, update_input(entity), "What to change.")
    return _mutation(
        entity,
        resolve,
        f"Change fields of one {entity.__name__} that one system owns. Naming fields of two "
        "owners, or of another owner than `owner`, is a NOT_OWNER error and writes nothing.",
    )


def create(entity: type) -> Any:
    """The field that brings a record into being at its anchor."""

    async def resolve(info: Info, input: Any, idempotency_key: Key) -> Any:
        routing = info.request.services.routing
        send = partial(
            routing.create, entity, created(entity, input), idempotency_key=idempotency_key
        )
        return await _outcome(info, entity, send)

    _takes(resolve, create_input(entity), "The new record.")
    said = f"Bring a new {entity.__name__} into being in {anchor(entity).name}."
    return _mutation(entity, resolve, said)


def act(lifecycle: Lifecycle, action: str) -> Any:
    """The field that asks for one step of a record's life."""
    entity = lifecycle.entity
    steps = [t for t in lifecycle.transitions if t.action == action and not t.happens]

    async def resolve(info: Info, id: Id, idempotency_key: Key, **arguments: Any) -> Any:
        require_id(entity, id)
        routing = info.request.services.routing
        send = partial(routing.act, entity, id, action, arguments, idempotency_key=idempotency_key)
        return await _outcome(info, entity, send)

    resolve.__signature__ = _signature(steps[0].takes)  # type: ignore[attr-defined]  # one argument each
    return _mutation(entity, resolve, _described(steps))


def _described(steps: Sequence[Transition]) -> str:
    """From where to where, who asks, who does it, and what may keep it back."""
    first, sources = steps[0], [source.name for step in steps for source in step.sources]
    guards = dict.fromkeys(guard.code for step in steps for guard in step.unless)
    refused = f" A guard may refuse it with `ownerCode` {_either(list(guards))}." if guards else ""
    asker = first.asked_by.value if first.asked_by else "nobody"
    return (
        f"From {_either(sources)} to {first.target.name}. Asked for by {asker}, carried out by "
        f"{first.performer.name}.{refused}"
    )


def _either(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _outcome(info: Info, entity: type, send: Any) -> Any:
    async def write() -> Any:
        written: Written = await send()
        member = entity_name(entity)
        record = await _read_back(info, written, member)
        return written_type(entity, member)(**{member: record, "token": written.token})

    return refusable(entity, write)


async def _read_back(info: Info, written: Written, member: str) -> Any:
    """The written record as the payload's field selects it; None, with an error, if unreadable.

    The write stands whatever becomes of this read, so its failure must not look like the write's.
    """
    entity, scope = written.record.entity, info.request.fresh_scope()
    fields = selected_fields(info.syntax, entity, ((to_camel_case(member),),))
    record = await scope.load_reported(
        entity, written.record.id, Wanted(fields=fields, path=info.root_path)
    )
    return node_of(record, scope) if record else None


def _takes(resolve: Any, kind: Any, described: str) -> None:
    annotation = getitem(Annotated, (kind, strawberry.argument(description=described)))
    resolve.__annotations__["input"] = annotation


def _signature(names: tuple[str, ...]) -> Signature:
    keyword = partial(Parameter, kind=Parameter.KEYWORD_ONLY)
    taken = [keyword(name, annotation=_argument(name)) for name in names]
    return Signature(
        [
            Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
            keyword("id", annotation=Id),
            *taken,
            keyword("idempotency_key", annotation=Key),
        ]
    )


def _argument(name: str) -> Any:
    argument = ARGUMENTS[name]
    return getitem(
        Annotated, (argument.type, strawberry.argument(description=argument.description))
    )


def _mutation(entity: type, resolve: Any, described: str) -> Any:
    return strawberry.mutation(
        resolver=resolve,
        graphql_type=outcome_of(entity, entity_name(entity)),
        description=described,
    )


def _fields() -> Mapping[str, Any]:
    """Every write of the canon: `create_project`, `update_client`, `approve_time_entry`."""
    creates = {f"{c.verb}_{entity_name(entity)}": create(entity) for entity, c in CREATES.items()}
    updates = {f"update_{entity_name(entity)}": update(entity) for entity in UPDATES}
    acts = {
        mutation_name(lifecycle, action): act(lifecycle, action)
        for lifecycle in LIFECYCLES.values()
        for action in lifecycle.actions
    }
    return creates | updates | acts


_OPERATIONS: Mapping[str, Any] = {
    "retry_dead_letters": strawberry.mutation(
        resolver=retry_dead_letters,
        description="Try dead letters again, with what waits behind them, in order.",
    ),
    "retry_matching_dead_letters": strawberry.mutation(
        resolver=retry_matching_dead_letters,
        description="Try all dead letters again that match.",
    ),
    "edit_dead_letter": strawberry.mutation(
        resolver=edit_dead_letter,
        description="Try a dead letter again with another value; the original is kept.",
    ),
    "discard_dead_letters": strawberry.mutation(
        resolver=discard_dead_letters,
        description="Give dead letters up; what waits behind them is applied.",
    ),
    "retry_dead_deliveries": strawberry.mutation(
        resolver=retry_dead_deliveries,
        description="Send dead deliveries again, with what the record is like by then.",
    ),
    "discard_dead_deliveries": strawberry.mutation(
        resolver=discard_dead_deliveries,
        description="Give dead deliveries up; their targets keep what they have.",
    ),
    "resume_topic": strawberry.mutation(
        resolver=resume_topic, description="Read a parked topic again."
    ),
    "retry_project_setup": strawberry.mutation(
        resolver=retry_project_setup,
        description="Send a system every copy of a project once more; answers where it stands.",
    ),
}

Mutation = strawberry.type(
    type("Mutation", (), {**_fields(), **_OPERATIONS}),
    description="Writes. Each is routed to the system that owns the fields.",
)
