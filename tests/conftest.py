"""Fixtures of every tier: a throw-away cluster per run, a fresh database per test."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from support.kafka import broker_in
from support.stand_ins import fill
from support.tryton import LANE
from support.turns import Shares, Turns, longest_first

from cdc.log.tables import LOG_TABLES
from hub.embedded import Cluster
from hub.kafka.broker import Broker
from sync.store.migrate import migrate
from sync.store.pool import connect

_numbers = itertools.count(1)

# How fast a machine draws examples, with other tests beside it, says nothing about the code.
settings.register_profile("concord", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("concord")

_turns = Turns()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Shares:
    return Shares(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        items.sort(key=longest_first)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without its lane a real Tryton is a counted skip; with it nothing excuses its absence."""
    if item.get_closest_marker("tryton") and os.environ.get(LANE) != "1":
        pytest.skip(f"set {LANE}=1 to run against a real Tryton (minutes on the first run)")
    _turns.take(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A turn ends with its module, when the module's fixtures are gone."""
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path != item.path:
            _turns.give_back()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One embedded Postgres for the whole run, not durable, deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="concord-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another account
        with Cluster.start(folder, durable=False) as running:
            yield running
        Cluster.forget(folder)


@pytest.fixture
def create_database(cluster: Cluster) -> Iterator[Callable[[str | None], str]]:
    """Create databases on demand: template in, DSN out. They are dropped after the test."""
    created: list[str] = []

    def create(template: str | None = None) -> str:
        name = f"test_{next(_numbers)}"
        cluster.create_database(name, template)
        created.append(name)
        return cluster.dsn(name)

    yield create
    for name in created:
        cluster.drop_database(name)


@pytest.fixture
def database(create_database: Callable[[str | None], str]) -> str:
    """The DSN of a fresh and empty database."""
    return create_database(None)


@pytest.fixture(scope="session")
def hub_template(cluster: Cluster) -> str:
    """A database with the hub's tables, to clone: they take longer to make than to copy."""
    cluster.create_database(name := "hub_template")
    asyncio.run(_make_tables(cluster.dsn(name)))
    return name


@pytest.fixture
def hub_database(create_database: Callable[[str | None], str], hub_template: str) -> str:
    """The DSN of a hub's own database, with its tables and nothing in them."""
    return create_database(hub_template)


@pytest.fixture
async def pool(hub_database: str) -> AsyncIterator[asyncpg.Pool]:
    """The hub's pool over that database."""
    async with await connect(hub_database) as opened:
        yield opened


@pytest.fixture(scope="session")
def seeded_template(cluster: Cluster) -> Callable[[str], str]:
    """A database with the firm as one system holds it, to clone; made when first asked for."""

    @cache
    def template(system: str) -> str:
        cluster.create_database(name := f"{system}_template")
        with ThreadPoolExecutor() as aside:  # whoever asks may have a loop already
            aside.submit(asyncio.run, fill(system, cluster.dsn(name))).result()
        return name

    return template


@pytest.fixture
def seeded_database(
    create_database: Callable[[str | None], str], seeded_template: Callable[[str], str]
) -> Callable[[str], str]:
    """The DSN of a fresh database of a stand-in, by its system, with the firm in it."""
    return lambda system: create_database(seeded_template(system))


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real Kafka for the whole run; skipped where it cannot be obtained and need not be."""
    with broker_in(tmp_path_factory.mktemp("kafka")) as running:
        yield running


async def _make_tables(dsn: str) -> None:
    async with await connect(dsn, size=1) as pool:
        await migrate(pool, LOG_TABLES)
