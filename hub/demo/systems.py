"""The five stand-ins by name: their tables and their apps."""

from typing import Any

import asyncpg
from starlette.applications import Starlette

from hub.demo.api import build_app
from hub.demo.billing import BILLING
from hub.demo.crm import CRM
from hub.demo.dialect import System
from hub.demo.erp import ERP
from hub.demo.hr import HR
from hub.demo.psa import PSA
from hub.demo.storage import table_ddl
from hub.demo.tables import Connection

SYSTEMS: dict[str, System] = {one.name: one for one in (CRM, PSA, HR, ERP, BILLING)}


def app(system: str, pool: "asyncpg.Pool[Any]", *, key: str | None = None) -> Starlette:
    """The API of one system, open to bearers of `key` (`demo-<system>` unless given)."""
    return build_app(SYSTEMS[system], pool, key=key or f"demo-{system}")


async def create_tables(system: str, connection: Connection) -> None:
    """Creates what is missing and leaves alone what is there."""
    declared = SYSTEMS[system]
    statements = [statement for table in declared.tables for statement in table_ddl(table)]
    async with connection.transaction():
        await connection.execute(";\n".join([*statements, *declared.own_ddl]))
