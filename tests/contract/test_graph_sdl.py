"""The schema definition: as committed, described throughout, true to the canon."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)
from strawberry.utils.str_converters import to_camel_case

import schema
from hub.graph import Graph, sdl
from resolvers.filters import narrowings
from resolvers.limits import Limits
from resolvers.nodes.canon import PARTS
from schema.canon import ENTITIES
from schema.edges import EDGES, edges_of_part
from schema.entity import anchor, bare_type, owned_fields
from schema.listing import orderable_fields

SNAPSHOT = Path(schema.__file__).with_name("schema.graphql")


@pytest.fixture(scope="module")
def graph() -> GraphQLSchema:
    return Graph(Limits())._schema


def fields_of(graph: GraphQLSchema, name: str) -> dict[str, GraphQLField]:
    kind = graph.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind.fields


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    """A change of the graph shows in the snapshot's diff."""
    assert SNAPSHOT.read_text(encoding="utf-8") == sdl()


def test_everything_is_described(graph: GraphQLSchema) -> None:
    """Every type, field, argument and value of ours says what it is."""
    silent = []
    for name, kind in graph.type_map.items():
        if name.startswith("__") or name in ("ID", "String", "Int", "Boolean", "Float"):
            continue
        silent += [] if kind.description else [name]
        if isinstance(kind, GraphQLEnumType):
            silent += [f"{name}.{v}" for v, said in kind.values.items() if not said.description]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in kind.fields.items():
                silent += [] if field.description else [f"{name}.{field_name}"]
                arguments = getattr(field, "args", {})
                silent += [
                    f"{name}.{field_name}({a})" for a, v in arguments.items() if not v.description
                ]
    assert silent == []


def test_every_declared_edge_is_a_nullable_field(graph: GraphQLSchema) -> None:
    """Another system may be down: its edge must be able to be null."""
    for edge in EDGES:
        field = fields_of(graph, edge.source.__name__)[to_camel_case(edge.name)]
        assert not isinstance(field.type, GraphQLNonNull), edge.name
        assert ("first" in field.args) == edge.is_many, edge.name


def test_every_id_of_a_part_leads_somewhere(graph: GraphQLSchema) -> None:
    """A part that names a record has a nullable edge to it, under the name of the id."""
    assert {kind.__name__ for kind in PARTS} == {"Allocation", "StandingHold"}
    for part in PARTS:
        for edge in edges_of_part(part):
            field = fields_of(graph, part.__name__)[to_camel_case(edge.name)]
            assert str(field.type) == edge.target.__name__


def test_only_the_anchor_may_promise_a_value(graph: GraphQLSchema) -> None:
    """A field of another owner than the type's anchor is nullable."""
    for entity in ENTITIES:
        for owned in owned_fields(entity).values():
            field = fields_of(graph, entity.__name__)[to_camel_case(owned.name)]
            if isinstance(field.type, GraphQLNonNull):
                assert owned.owner is anchor(entity), f"{entity.__name__}.{owned.name}"


def test_filters_are_those_of_the_canon(graph: GraphQLSchema) -> None:
    """Each listable type's filter input has one argument per comparison the canon allows."""
    listed = {f"{entity.__name__}Filter": entity for entity in ENTITIES}
    printed = {name: kind for name, kind in graph.type_map.items() if name in listed}
    assert len(printed) == len(ENTITIES)
    for name, kind in printed.items():
        assert isinstance(kind, GraphQLInputObjectType)
        assert list(kind.fields) == [to_camel_case(n.name) for n in narrowings(listed[name])]


def test_every_list_has_an_order(graph: GraphQLSchema) -> None:
    """Roots and edges to many take `orderBy`, with the orderable fields of what they list."""
    printed = {f"{entity.__name__}OrderField": entity for entity in ENTITIES}
    for name, entity in printed.items():
        kind = graph.type_map[name]
        assert isinstance(kind, GraphQLEnumType)
        assert list(kind.values) == [field.upper() for field in orderable_fields(entity)]
    for edge in EDGES:
        field = fields_of(graph, edge.source.__name__)[to_camel_case(edge.name)]
        assert ("orderBy" in field.args) == edge.is_many, edge.name


def test_every_mutation_answers_an_object(graph: GraphQLSchema) -> None:
    """What was written or a refusal; of what is done by hand, a type that can grow."""
    answers = {name: field.type for name, field in fields_of(graph, "Mutation").items()}
    for name, answer in answers.items():
        assert isinstance(answer, GraphQLNonNull), name
        if isinstance(answer.of_type, GraphQLUnionType):
            written, *refusals = answer.of_type.types
            assert {"token"} < written.fields.keys(), name
            assert all(str(kind.interfaces[0]) == "Refused" for kind in refusals), name
        else:
            assert isinstance(answer.of_type, GraphQLObjectType), name


def test_conditions_of_one_kind_are_told_alike(graph: GraphQLSchema) -> None:
    """Values as a list, days as a range, flags and parts of text as they are; never one value."""
    filters = {
        name: kind
        for name, kind in graph.type_map.items()
        if name.endswith("Filter") and isinstance(kind, GraphQLInputObjectType)
    }
    assert len(filters) > len(ENTITIES)
    for name, kind in filters.items():
        for condition, field in kind.fields.items():
            is_alike = isinstance(field.type, GraphQLList) or str(field.type) in (
                "DayRange",
                "Boolean",
                "String" if condition.endswith("Contains") else "",
            )
            assert is_alike, f"{name}.{condition}"


@pytest.mark.parametrize(
    "name",
    [
        *("team_ids", "lines", "client_id", "cost_rates", "rate", "is_billable"),
        *("receipt_hash", "note", "reason", "approved_by", "description", "tax_code"),
    ],
)
def test_what_has_no_order_cannot_be_ordered_by(name: str) -> None:
    """Lists, parts, references, flags, prices per unit and text nobody looks for are left out."""
    assert not any(name in orderable_fields(entity) for entity in ENTITIES)


def test_every_flag_of_a_record_narrows_its_list(graph: GraphQLSchema) -> None:
    """True or false, not a list of the two."""
    flags = [
        (entity.__name__, to_camel_case(owned.name))
        for entity in ENTITIES
        for owned in owned_fields(entity).values()
        if bare_type(owned.type) is bool
    ]
    assert len(flags) == 7
    for entity, flag in flags:
        narrowed = graph.type_map[f"{entity}Filter"]
        assert isinstance(narrowed, GraphQLInputObjectType)
        assert str(narrowed.fields[flag].type) == "Boolean"


def test_enums_are_spelt_in_capitals(graph: GraphQLSchema) -> None:
    """Members are GraphQL's constants, whatever the systems call them."""
    for kind in graph.type_map.values():
        if isinstance(kind, GraphQLEnumType) and not kind.name.startswith("__"):
            assert all(member.isupper() for member in kind.values), kind.name


DATED = re.compile(r"Use .+\. Removed after \d{4}-\d{2}-\d{2}\.")


def undated(graph: GraphQLSchema) -> list[str]:
    """What is deprecated without saying what to use instead and until when it is there."""
    reasons: dict[str, str | None] = {}
    for name, kind in graph.type_map.items():
        if name.startswith("__"):
            continue
        members = getattr(kind, "fields", None) or getattr(kind, "values", None) or {}
        for member, declared in members.items():
            reasons[f"{name}.{member}"] = declared.deprecation_reason
            for argument, taken in (getattr(declared, "args", None) or {}).items():
                reasons[f"{name}.{member}({argument})"] = taken.deprecation_reason
    return [at for at, why in reasons.items() if why is not None and not DATED.fullmatch(why)]


def test_whatever_is_deprecated_says_until_when(graph: GraphQLSchema) -> None:
    """A client can plan: each deprecation names its replacement and the last day."""
    assert undated(graph) == []
    reason = fields_of(graph, "Client")["taxId"].deprecation_reason
    assert reason == "Use taxIds. Removed after 2027-06-30."
    taken = graph.type_map["UpdateClientInput"]
    assert isinstance(taken, GraphQLInputObjectType)
    assert taken.fields["taxId"].deprecation_reason == reason


def test_a_deprecation_without_a_date_is_refused() -> None:
    """The rule sees a field, an argument and an enum value that only say that they are old."""
    graph = build_schema(
        """
        enum Word { OLD @deprecated(reason: "old") NEW }
        type Query {
          dated: Int @deprecated(reason: "Use word. Removed after 2027-06-30.")
          bare: Int @deprecated
          word(old: Int @deprecated(reason: "Use new."), new: Int): Word
        }
        """
    )
    assert sorted(undated(graph)) == ["Query.bare", "Query.word(old)", "Word.OLD"]
