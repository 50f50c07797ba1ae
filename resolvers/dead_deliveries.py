"""Copies that were refused for good, in the graph: listed, sent again, given up."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry.utils.str_converters import to_camel_case

from resolvers.context import Info
from resolvers.dead_letters import By, Why, numbers_of
from resolvers.filters import checked
from resolvers.paging import After, Connection, Size, paging
from schema.canon import BY_NAME
from schema.system import System
from sync import dead_deliveries
from sync.opaque import seal, unseal
from sync.signed import Signed

DeliveryIds = Annotated[
    list[strawberry.ID], strawberry.argument(description="Ids of dead deliveries.")
]


@strawberry.type(description="Fields of a record that a system with a copy refuses for good.")
class DeadDelivery:
    id: strawberry.ID = strawberry.field(description="Its number.")
    target: System = strawberry.field(description="The system that refuses.")
    type: str = strawberry.field(description="The record's type.")
    record_id: strawberry.ID = strawberry.field(description="The record.")
    fields: list[str] = strawberry.field(description="What it should have got.")
    why: str | None = strawberry.field(description="Why it refuses, in its own words.")
    attempts: int = strawberry.field(description="How often it was sent.")
    caused_at: datetime = strawberry.field(description="When the owner committed the change.")
    dead_since: datetime = strawberry.field(description="Since when nobody tries any more.")


@strawberry.type(description="What came of sending dead deliveries again, or of giving them up.")
class SettledDeliveries:
    count: int = strawberry.field(description="How many are no longer dead.")


@strawberry.input(description="Which dead deliveries; all conditions must hold.")
class DeadDeliveryFilter:
    target: list[System] | None = strawberry.field(
        description="To any of these systems.", default=None
    )


async def list_dead_deliveries(
    info: Info,
    filter: Annotated[
        DeadDeliveryFilter | None, strawberry.argument(description="Which ones to list.")
    ] = None,
    first: Size = None,
    after: After = None,
) -> Connection[DeadDelivery]:
    size = paging(first, None, None, None).first or 0
    start = 0 if after is None else unseal(after, int, what="cursor")
    office = info.request.services.operations.dead_deliveries
    wanted = checked(filter or DeadDeliveryFilter()).target
    targets = None if wanted is None else [system.value for system in wanted]
    found = await office.page(targets, after=start, first=size + 1)
    return Connection(
        nodes=[_delivery(one) for one in found[:size]],
        cursor_at=lambda at: seal(found[at].id),
        has_next=len(found) > size,
        has_previous=after is not None,
    )


async def retry_dead_deliveries(
    info: Info, by: By, why: Why, ids: DeliveryIds
) -> SettledDeliveries:
    office = info.request.services.operations.dead_deliveries
    return SettledDeliveries(count=await office.retry(numbers_of(ids), Signed(by=by, why=why)))


async def discard_dead_deliveries(
    info: Info, by: By, why: Why, ids: DeliveryIds
) -> SettledDeliveries:
    office = info.request.services.operations.dead_deliveries
    return SettledDeliveries(count=await office.discard(numbers_of(ids), Signed(by=by, why=why)))


def _delivery(one: dead_deliveries.DeadDelivery) -> DeadDelivery:
    return DeadDelivery(
        id=strawberry.ID(str(one.id)),
        target=System(one.target),
        type=BY_NAME[one.entity].__name__,
        record_id=strawberry.ID(one.record_id),
        fields=[to_camel_case(name) for name in one.fields],
        why=one.last_error,
        attempts=one.attempts,
        caused_at=one.caused_at,
        dead_since=one.settled_at,
    )
