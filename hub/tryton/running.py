"""Starts seeded Trytons as systems of the demo: one server for all their databases."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hub.embedded import Cluster
from hub.tryton.crm import CRM
from hub.tryton.database import ADMIN, Keys, Template, prepare_template
from hub.tryton.environment import Say, prepare_environment
from hub.tryton.erp import ERP
from hub.tryton.rpc import Session
from hub.tryton.server import Installation, TrytonServer

BLUEPRINTS = {blueprint.role: blueprint for blueprint in (CRM, ERP)}
"""The roles that a Tryton can play."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningTryton:
    """A running system: its API at `url`, its tables behind `dsn`; the server may have others."""

    url: str
    database: str
    keys: Keys
    dsn: str = field(repr=False)
    server: TrytonServer = field(repr=False)

    def settings(self) -> dict[str, str]:
        """How the hub reaches it, by the names of the hub's settings."""
        return {
            "kind": "tryton",
            "url": self.url,
            "database": self.database,
            "key": self.keys.hub_key,
            "user": self.keys.hub_login,
            "password": self.keys.hub_password,
            "capture_url": self.dsn,
        }

    def log_in_clerk(self) -> Session:
        """A session of the person who works beside the hub."""
        return self.server.log_in(self.database, self.keys.clerk_login, self.keys.clerk_password)

    def log_in_admin(self) -> Session:
        return self.server.log_in(self.database, ADMIN, self.keys.admin_password)

    async def stop(self) -> None:
        """Stop the server, for all its databases; they stay for the next start."""
        await asyncio.to_thread(self.server.stop)


async def start_trytons(
    state: Path, cluster: Cluster, databases: Mapping[str, str], say: Say
) -> dict[str, RunningTryton]:
    """Install, initialise and seed Tryton where that has not been done, and start its server.

    `databases` are their names by role. The first start takes some minutes, told to `say`; later
    ones a few seconds.
    """
    return await asyncio.to_thread(_start, state, cluster, databases, say)


def _start(
    state: Path, cluster: Cluster, databases: Mapping[str, str], say: Say
) -> dict[str, RunningTryton]:
    installation = prepare_installation(state, cluster, say)
    templates = {
        role: prepare_template(installation, cluster, BLUEPRINTS[role], say) for role in databases
    }
    say("starting Tryton")
    return serve(installation, templates, cluster, databases)


def prepare_installation(state: Path, cluster: Cluster, say: Say) -> Installation:
    """What all databases of one cluster share: the program."""
    folder = state / "tryton"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = prepare_environment(folder, say)
    return Installation(environment=environment, folder=folder, cluster_dsn=cluster.dsn(""))


def serve(
    installation: Installation,
    templates: Mapping[str, Template],
    cluster: Cluster,
    databases: Mapping[str, str],
) -> dict[str, RunningTryton]:
    """Start one server for the databases, which are cloned from the templates if they are new."""
    for role, database in databases.items():
        templates[role].clone(cluster, database)
    server = TrytonServer(installation, list(databases.values()))
    return {
        role: RunningTryton(
            url=server.url,
            database=database,
            keys=templates[role].keys,
            dsn=cluster.dsn(database),
            server=server,
        )
        for role, database in databases.items()
    }
