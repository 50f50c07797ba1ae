"""Thin resolvers: called as they are while no argument that was given has to be converted.

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
    """Shorten, in a schema just built, the way to the resolvers that take `root` and `info`."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            for definition in kind.fields.values():
                definition.resolve = _thin(definition) or definition.resolve


def _thin(definition: GraphQLField) -> Callable[..., Any] | None:
    field: Any = definition.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    resolver, convert = field.base_resolver if field else None, definition.resolve
    if resolver is None or convert is None or field.extensions or field.is_subscription:
        return None
    if not (resolver.root_parameter and resolver.info_parameter):
        return None
    call, scalars = resolver.wrapped_func, _scalars(definition, field)

    def resolve(source: Any, info: Any, **given: Any) -> Any:
        if given.keys() <= scalars:
            return call(root=source, info=Info(_raw_info=info, _field=field), **given)
        return convert(source, info, **given)

    return resolve


def _scalars(definition: GraphQLField, field: Any) -> frozenset[str]:
    """The arguments that arrive in the form and under the names the resolver expects."""
    names = {argument.python_name for argument in field.arguments}
    return frozenset(
        name
        for name, argument in definition.args.items()
        if name in names and isinstance(bare(argument.type), GraphQLScalarType)
    )
