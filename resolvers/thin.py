"""Thin resolvers: called as they are where no argument has to be converted.

Strawberry prepares every call of a resolver for arguments of any kind, which costs several times
what following an edge does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLScalarType, GraphQLSchema
from graphql import get_nullable_type as bare
from strawberry.schema.schema_converter import GraphQLCoreConverter

from resolvers.context import Info


def thin_resolvers(schema: GraphQLSchema) -> None:
    """Replace, in a schema just built, the resolvers that take `root` and `info`, and scalars."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for definition in kind.fields.values():
                definition.resolve = _thin(definition) or definition.resolve


def _thin(definition: GraphQLField) -> Callable[..., Any] | None:
    field: Any = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    resolver = field.base_resolver if field else None
    if resolver is None or field.extensions or field.is_subscription:
        return None
    takes_objects = resolver.root_parameter and resolver.info_parameter
    if not takes_objects or not _are_scalars(definition, field):
        return None
    call = resolver.wrapped_func
    return lambda source, info, **given: call(
        root=source, info=Info(_raw_info=info, _field=field), **given
    )


def _are_scalars(definition: GraphQLField, field: Any) -> bool:
    """Whether the arguments arrive in the form and under the names the resolver expects."""
    return {a.python_name for a in field.arguments} == definition.args.keys() and all(
        isinstance(bare(argument.type), GraphQLScalarType) for argument in definition.args.values()
    )
