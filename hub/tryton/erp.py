"""Starts a seeded Tryton as the demo's ERP."""

from __future__ import annotations

import asyncio
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from hub.embedded import Cluster
from hub.tryton.database import Keys, Template, prepare_template
from hub.tryton.environment import Say, prepare_environment
from hub.tryton.payment import pay_invoice
from hub.tryton.rpc import Session
from hub.tryton.server import Installation, TrytonServer

DATABASE = "erp_tryton"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrytonErp:
    """A running ERP: its API at `url`, its tables behind `dsn`."""

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
        return self.server.log_in(self.keys.clerk_login, self.keys.clerk_password)

    async def pay(self, number: str, amount: Decimal, day: date) -> None:
        """A client's payment of an invoice, registered by the clerk."""

        def register() -> None:
            with closing(self.log_in_clerk()) as session:
                pay_invoice(session, number, amount, day)

        await asyncio.to_thread(register)

    async def stop(self) -> None:
        """Stop the server; the database stays for the next start."""
        await asyncio.to_thread(self.server.stop)


async def start_tryton(state: Path, cluster: Cluster, say: Say) -> TrytonErp:
    """Install, initialise and seed Tryton where that has not been done, and start its server.

    The first start takes some minutes, told to `say`; later ones a few seconds.
    """
    return await asyncio.to_thread(_start, state, cluster, say)


def _start(state: Path, cluster: Cluster, say: Say) -> TrytonErp:
    installation, template = prepare_tryton(state, cluster, say)
    say("starting Tryton")
    return serve(installation, template, cluster, DATABASE)


def prepare_tryton(state: Path, cluster: Cluster, say: Say) -> tuple[Installation, Template]:
    """What all databases of one cluster share: the program and the template."""
    folder = state / "tryton"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = prepare_environment(folder, say)
    installation = Installation(environment=environment, folder=folder, cluster_dsn=cluster.dsn(""))
    return installation, prepare_template(installation, cluster, say)


def serve(
    installation: Installation, template: Template, cluster: Cluster, database: str
) -> TrytonErp:
    """Start a server for `database`, which is cloned from the template if it is not there."""
    template.clone(cluster, database)
    server = TrytonServer(installation, database)
    return TrytonErp(
        url=server.url,
        database=database,
        keys=template.keys,
        dsn=cluster.dsn(database),
        server=server,
    )
