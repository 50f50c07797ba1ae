"""Subscriptions: what happens, as it happens, resumable from the last cursor seen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from datetime import datetime
from enum import Enum
from operator import getitem
from types import GenericAlias
from typing import Annotated, Any

import strawberry

from resolvers.context import Info
from resolvers.events import CURSOR, After, record_now
from resolvers.filters import ids_of
from resolvers.policies import Read, policy_of
from resolvers.setup_events import project_setup_changed
from schema.canon import BY_ID_TYPE
from schema.entity import bare_type, derived_fields, entity_name, owned_fields, plural
from schema.lifecycles import STATUS_FIELDS
from sync.feed import StatusEvent
from sync.policy import PROJECTED, ReadPolicy


def status_changed(entity: type) -> Any:
    """The field that sends every change of a type's status, whoever made it."""
    event_type, filter_type = _event_type(entity), _filter_type(entity)

    async def subscribe(
        info: Info, filter: Any = None, after: After = None, read: Read = None
    ) -> AsyncGenerator[Any, None]:
        policy, only = policy_of(read, PROJECTED), _selector(entity, filter)
        feed = info.request.services.feed
        async with aclosing(feed.follow(entity, after=after, only=only)) as events:
            async for event in events:
                info.request.renew()
                yield _shown(event_type, _states(entity), event, policy)

    described = strawberry.argument(description="Which events to send.")
    subscribe.__annotations__["filter"] = getitem(Annotated, (filter_type | None, described))
    generator: Any = AsyncGenerator
    subscribe.__annotations__["return"] = generator[event_type, None]
    return strawberry.subscription(
        resolver=subscribe,
        description=(
            f"Every change of the status of {plural(entity)}, of all or of those that `filter` "
            "names, whoever made it. Over graphql-transport-ws or server-sent events. Nested reads "
            "come from the projection unless `read` says otherwise, so that a busy feed does not "
            "load the owners."
        ),
    )


def _event_type(entity: type) -> Any:
    """`InvoiceStatusChanged`: the transition, and the record as it is now."""
    member, state = entity_name(entity), _states(entity)

    said = {
        "cursor": CURSOR,
        "before": "Null for a new record.",
        "after": "Null once it was deleted.",
        "at": "When it became true at its owner.",
    }
    annotations = {
        "cursor": str,
        "before": state | None,
        "after": state | None,
        "at": datetime,
        "record_id": getitem(strawberry.Private, str),
        "policy": getitem(strawberry.Private, ReadPolicy),
    }
    members = {name: strawberry.field(description=text) for name, text in said.items()} | {
        member: record_now(entity)
    }
    name = f"{_title(entity)}Changed"
    declared = type(name, (), {**members, "__annotations__": annotations})
    described = f"One {entity.__name__} went from one state to another."
    return strawberry.type(declared, description=described)


def _filter_type(entity: type) -> Any:
    """The records themselves, those they refer to, and the states they come into."""
    ids = GenericAlias(list, (strawberry.ID,)) | None
    said = {"id": "Of any of these records."} | {
        field: f"Of records that refer to any of these {plural(target)}."
        for field, target in _subjects(entity).items()
    }
    annotations = dict.fromkeys(said, ids) | {"to": GenericAlias(list, (_states(entity),)) | None}
    members = {
        name: strawberry.field(description=text, default=None)
        for name, text in {**said, "to": "Into any of these states."}.items()
    }
    declared = type(f"{_title(entity)}EventFilter", (), {**members, "__annotations__": annotations})
    described = "Which events to send; all conditions must hold."
    return strawberry.input(declared, description=described)


def _selector(entity: type, given: Any) -> Callable[[StatusEvent], bool]:
    """Raises Invalid for an id of another type, or for too many."""
    if given is None:
        return lambda _: True
    own = ids_of(entity, given.id)
    subjects = [
        (field, ids_of(target, getattr(given, field)))
        for field, target in _subjects(entity).items()
    ]
    states = None if given.to is None else {state.value for state in given.to}

    def only(event: StatusEvent) -> bool:
        return (
            _admits(own, event.record_id)
            and all(_admits(ids, event.subject.get(field)) for field, ids in subjects)
            and _admits(states, event.after)
        )

    return only


def _shown(
    event_type: Any, state: Callable[[str], Enum], event: StatusEvent, policy: ReadPolicy
) -> Any:
    return event_type(
        cursor=event.cursor,
        before=state(event.before) if event.before else None,
        after=state(event.after) if event.after else None,
        at=event.at,
        record_id=event.record_id,
        policy=policy,
    )


def _states(entity: type) -> Any:
    name = STATUS_FIELDS[entity]
    derived = derived_fields(entity).get(name)
    return bare_type(derived.type if derived else owned_fields(entity)[name].type)


def _subjects(entity: type) -> dict[str, type]:
    """The fields that name another record, and its type: what a subscriber may filter by."""
    return {
        name: target
        for name, owned in owned_fields(entity).items()
        if (target := BY_ID_TYPE.get(bare_type(owned.type)))
    }


def _title(entity: type) -> str:
    """`InvoiceStatus`, and `PaymentStatus` rather than `PaymentStatusStatus`."""
    return f"{entity.__name__.removesuffix('Status')}Status"


def _admits(allowed: Collection[str] | None, value: Any) -> bool:
    return allowed is None or value in allowed


def _name(entity: type) -> str:
    return f"{entity_name(entity).removesuffix('_status')}_status_changed"


_STATUSES = {_name(entity): status_changed(entity) for entity in STATUS_FIELDS}

Subscription = strawberry.type(
    type("Subscription", (), _STATUSES | {"project_setup_changed": project_setup_changed}),
    description="What happens, as it happens.",
)
