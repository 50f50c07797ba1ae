"""Our executor against the one it extends: the same answers and the same errors."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any

import pytest
import strawberry

from resolvers.executor import DirectExecutor

TRACE: list[str] = []


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.interface
class Named:
    name: str


@strawberry.type
class Money:
    amount: str
    currency: str | None = None


@strawberry.type
class Leaf(Named):
    colour: Colour | None = None
    price: Money | None = None
    prices: list[Money] = strawberry.field(default_factory=list)
    weight: int | None = None


def _later(root: Any, name: str = "late") -> Any:
    return asyncio.ensure_future(root.leaf(name))


@strawberry.type
class Branch(Named):
    leaves: list[Leaf] | None = None
    required: list[Leaf] = strawberry.field(default_factory=list)
    fails: strawberry.Private[bool] = False

    later: Leaf | None = strawberry.field(resolver=_later)

    @strawberry.field
    async def surely(self) -> Leaf:
        return await self.leaf("sure")

    @strawberry.field
    def nested(self) -> Branch | None:
        return Branch(name=f"{self.name}.n", fails=self.fails, leaves=self.leaves)

    @strawberry.field
    async def branches(self) -> list[Branch] | None:
        TRACE.append(f"branches {self.name}")
        await asyncio.sleep(0)
        return [Branch(name=f"{self.name}.{at}", fails=at == 1) for at in range(3)]

    async def leaf(self, name: str) -> Leaf:
        await asyncio.sleep(0)
        if self.fails:
            raise ValueError(f"{self.name} fails")
        return Leaf(name=name, colour=Colour.RED, weight=3)


GOOD = Leaf(name="good", colour=Colour.BLUE, price=Money(amount="1"), prices=[Money(amount="2")])
BAD_ENUM: Any = Leaf(name="bad enum", colour="green", weight=1)  # type: ignore[arg-type]
BAD_NUMBER: Any = Leaf(name="bad number", weight="many")  # type: ignore[arg-type]
NO_NAME: Any = Leaf(name=None)  # type: ignore[arg-type]
NO_AMOUNT: Any = Leaf(name="no amount", price=Money(amount=None))  # type: ignore[arg-type]
NO_LIST: Any = Leaf(name="no list", prices="text")  # type: ignore[arg-type]


@strawberry.type
class Query:
    @strawberry.field
    def good(self) -> Branch:
        return Branch(name="g", leaves=[GOOD, GOOD], required=[GOOD])

    @strawberry.field
    async def bad(self) -> Branch | None:
        return Branch(
            name="b",
            fails=True,
            leaves=[GOOD, BAD_ENUM, BAD_NUMBER, NO_AMOUNT, NO_LIST],
            required=[GOOD, NO_NAME],
        )

    @strawberry.field
    def other(self) -> Branch | None:
        return GOOD  # type: ignore[return-value]  # what is out of the ordinary is tested here

    @strawberry.field
    async def named(self) -> list[Named]:
        return [GOOD, Branch(name="n", leaves=[GOOD])]


@strawberry.type
class Mutation:
    @strawberry.field
    async def grow(self, name: str) -> Branch | None:
        TRACE.append(f"grow {name}")
        return Branch(name=name)


LEAF = "name colour price { amount currency } prices { amount } weight __typename"
QUERIES = [
    f"{{ good {{ name leaves {{ {LEAF} }} required {{ {LEAF} }} }} }}",
    f"{{ bad {{ name leaves {{ {LEAF} }} }} }}",
    "{ bad { leaves { name prices { amount } } } good { name } }",
    "{ bad { name required { name } } good { name } }",
    "{ bad { name later { name } leaves { name } } good { later { colour } } }",
    '{ good { b: name a: later(name: "x") { n: name weight } c: nested { name later { name } } } }',
    "{ bad { nested { name surely { name } } } good { surely { name } } }",
    "{ good { surely { name } } bad { surely { name } later { name } } }",
    "{ good { branches { name later { name } branches { name later { name } } } } }",
    "{ good { branches { name surely { name } branches { name } } } }",
    "{ good { branches { name nested { name surely { name } } } } }",
    "{ other { name } good { name } }",
    "{ other { later { name } } }",
    "{ named { __typename name ... on Leaf { colour } ... on Branch { later { name } } } }",
    "query($no: Boolean = false) { good { name @include(if: $no) id: name leaves @skip(if: $no)"
    " { ...L } later { ...L } } } fragment L on Leaf { name ...M } fragment M on Named { name }",
    "{ good { leaves { name } leaves { colour } ... { leaves { weight } } } }",
    'mutation { a: grow(name: "a") { name branches { name later { name } } }'
    ' b: grow(name: "b") { branches { name branches { name } } } }',
    "{ __schema { queryType { name } } __typename good { __typename } }",
]


def _graph(executor: type[DirectExecutor] | None) -> strawberry.Schema:
    class Quiet(strawberry.Schema):
        def process_errors(self, errors: Any, execution_context: Any = None) -> None:
            """Errors are what is tested here."""

    return Quiet(Query, Mutation, types=[Leaf, Branch], execution_context_class=executor)


async def _answer(graph: strawberry.Schema, query: str) -> tuple[Any, list[Any], list[str]]:
    TRACE.clear()
    result: Any = await graph.execute(query)
    errors = sorted((str(error.path), error.message) for error in result.errors or ())
    return result.data, errors, list(TRACE)


@pytest.mark.parametrize("query", QUERIES)
async def test_answers_and_errors_are_those_of_the_library(query: str) -> None:
    """Data, order of fields, errors with their paths, and the order of effects are the same."""
    ours, theirs = await _answer(_graph(DirectExecutor), query), await _answer(_graph(None), query)
    assert ours == theirs
    assert str(ours[0]) == str(theirs[0])


async def test_an_operation_that_is_given_up_gives_up_what_it_waits_for() -> None:
    """Cancelling the operation cancels the resolvers that are still running."""
    given_up = asyncio.Event()

    @strawberry.type
    class Endless:
        @strawberry.field
        async def wait(self) -> str | None:
            try:
                await asyncio.Event().wait()
            finally:
                given_up.set()
            return None

    graph = strawberry.Schema(Endless, execution_context_class=DirectExecutor)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(graph.execute("{ wait }"), 0.05)
    await asyncio.wait_for(given_up.wait(), 5)
