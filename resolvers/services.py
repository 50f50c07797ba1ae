"""The engine's services, as the graph uses them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sync.board import Boards
from sync.clock import Clock
from sync.counts import Counts
from sync.feed import Feed
from sync.lists import Lists
from sync.operations import Operations
from sync.reading import Reading
from sync.routing import Routing
from sync.search import Search
from sync.setup import Setups


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What resolvers call. `budget` is the time one operation may wait for owners."""

    reading: Reading
    lists: Lists
    counts: Counts
    boards: Boards
    search: Search
    routing: Routing
    feed: Feed
    operations: Operations
    setups: Setups
    clock: Clock
    budget: timedelta = timedelta(seconds=10)
