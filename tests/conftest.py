"""Fixtures of every tier: a throw-away cluster per run, a fresh database per test."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from support.kafka import broker_in
from support.tryton import LANE
from support.turns import Turns, share_out

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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):
        share_out(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without its lane a real Tryton is a counted skip; with it nothing excuses its absence."""
    if item.get_closest_marker("tryton") and os.environ.get(LANE) != "1":
        pytest.skip(f"set {LANE}=1 to run against a real Tryton (minutes on the first run)")
    _turns.take(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None, item: pytest.Item) -> Iterator[None]:
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
def template_database() -> str | None:
    """The database to clone; a test module overrides it with one it has prepared."""
    return None


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
def database(create_database: Callable[[str | None], str], template_database: str | None) -> str:
    """The DSN of a fresh database, cloned from `template_database` if there is one."""
    return create_database(template_database)


@pytest.fixture(scope="session")
def hub_template(cluster: Cluster) -> str:
    """A database with the hub's tables, to clone: they take longer to make than to copy."""

    async def fill() -> None:
        async with await connect(cluster.dsn(name), size=1) as pool:
            await migrate(pool, LOG_TABLES)

    name = "hub_template"
    cluster.create_database(name)
    asyncio.run(fill())
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
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One real Kafka for the whole run; skipped where it cannot be obtained and need not be."""
    with broker_in(tmp_path_factory.mktemp("kafka")) as running:
        yield running
