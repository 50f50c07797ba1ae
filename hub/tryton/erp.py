"""Starts a seeded Tryton as the demo's ERP."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from hub.embedded import Cluster
from hub.tryton.database import Keys, Template, prepare_template
from hub.tryton.environment import Say, prepare_environment
from hub.tryton.publication import create_publication, require_publication
from hub.tryton.server import Installation, TrytonServer


@dataclass(frozen=True, slots=True, kw_only=True)
class TrytonErp:
    """A running ERP: its API at `url` (the database is part of it), its tables behind `dsn`."""

    url: str
    database: str
    keys: Keys
    dsn: str = field(repr=False)
    server: TrytonServer = field(repr=False)

    async def stop(self) -> None:
        """Stop the server; the database stays for the next start."""
        await asyncio.to_thread(self.server.stop)


async def start_tryton(
    state: Path, cluster: Cluster, say: Say, *, database: str = "erp_tryton"
) -> TrytonErp:
    """Install, initialise and seed Tryton where that has not been done, and start its server.

    The first start takes some minutes, told to `say`; later ones a few seconds.
    """
    installation, template = await asyncio.to_thread(prepare_tryton, state, cluster, say)
    await asyncio.to_thread(template.clone, cluster, database)
    dsn = cluster.dsn(database)
    await create_publication(dsn)
    await require_publication(dsn)
    say("starting Tryton")
    server = await asyncio.to_thread(TrytonServer, installation, database)
    return TrytonErp(url=server.url, database=database, keys=template.keys, dsn=dsn, server=server)


def prepare_tryton(state: Path, cluster: Cluster, say: Say) -> tuple[Installation, Template]:
    """What all databases of one cluster share: the program and the template."""
    folder = state / "tryton"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = prepare_environment(folder, say)
    installation = Installation(environment=environment, folder=folder, cluster_dsn=cluster.dsn(""))
    return installation, prepare_template(installation, cluster, say)
