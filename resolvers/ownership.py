"""Ownership in the graph: the policy that every read and write follows, as data."""

from __future__ import annotations

from functools import cache

import strawberry
from strawberry.utils.str_converters import to_camel_case

from schema.canon import ENTITIES
from schema.entity import owned_fields
from schema.groups import GROUPS, Drift
from schema.groups import FieldGroup as Group
from schema.system import System


@strawberry.type(description="One field of a canonical type.")
class GroupField:
    type: str = strawberry.field(description="The type.")
    field: str = strawberry.field(description="The field, as the graph spells it.")


@strawberry.type(description="Fields that one system owns together, and how their copies are kept.")
class FieldGroup:
    name: str = strawberry.field(description="What the group is called.")
    owner: System = strawberry.field(
        description="The system of record: it answers reads and takes writes."
    )
    copies: list[System] = strawberry.field(
        description="The systems that must receive each change."
    )
    objective_seconds: int = strawberry.field(
        description="Time from the owner's commit until a copy is applied, at the 95th percentile."
    )
    validation: str = strawberry.field(description="What must hold of its values.")
    reconciliation: str = strawberry.field(
        description="What an audit of owner and copies goes by; of an edited copy, each value."
    )
    reconciled_every_seconds: int = strawberry.field(
        description="How long at most until a copy that was changed where it is held is compared."
    )
    drift: Drift = strawberry.field(
        description="What is done when a copy no longer agrees with its owner."
    )
    fields: list[GroupField] = strawberry.field(description="Its fields, type by type.")


def ownership() -> list[FieldGroup]:
    return [_shown(group) for group in GROUPS]


@cache
def _shown(group: Group) -> FieldGroup:
    return FieldGroup(
        name=group.name,
        owner=group.owner,
        copies=list(group.copies),
        objective_seconds=round(group.objective.total_seconds()),
        validation=group.validation,
        reconciliation=group.reconciliation,
        reconciled_every_seconds=round(group.reconciled_every.total_seconds()),
        drift=group.drift,
        fields=[
            GroupField(type=entity.__name__, field=to_camel_case(field.name))
            for entity in ENTITIES
            for field in owned_fields(entity).values()
            if field.group is group
        ],
    )
