"""The list of connectors, and of what each can do; the type checker holds every line to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg

from cdc.capture.table_shape import CapturedTable
from hub.settings import Settings, SystemSettings
from schema.system import System
from sync.connectors.billing import Billing
from sync.connectors.binding import Binding
from sync.connectors.crm import Crm
from sync.connectors.erp import Erp
from sync.connectors.hr import Hr
from sync.connectors.http import Endpoint
from sync.connectors.hub import Hub
from sync.connectors.ports import Acts, Polls, Reads, Removes, Writes
from sync.connectors.psa import Psa
from sync.connectors.tryton import Role, Tryton
from sync.connectors.tryton_crm import CRM
from sync.connectors.tryton_erp import ERP
from sync.connectors.tryton_session import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Connectors:
    """Every connected system, by capability."""

    reads: Mapping[System, Reads]
    writes: Mapping[System, Writes]
    acts: Mapping[System, Acts]
    removes: Mapping[System, Removes]
    polls: Mapping[System, Polls]

    @property
    def bindings(self) -> tuple[Binding, ...]:
        return tuple(b for connector in self.reads.values() for b in connector.bindings)

    async def close(self) -> None:
        for connector in self.reads.values():
            await connector.close()


def connect_systems(settings: Settings, pool: asyncpg.Pool) -> Connectors:
    """Build the connectors; nothing is called yet. The hub's own records are in `pool`."""
    crm = _tryton(settings, CRM) or Crm(_endpoint(settings, System.CRM))
    psa = Psa(_endpoint(settings, System.PSA))
    hr = Hr(_endpoint(settings, System.HR))
    erp = _tryton(settings, ERP) or Erp(_endpoint(settings, System.ERP))
    billing = Billing(_endpoint(settings, System.BILLING))
    hub = Hub(pool)
    return Connectors(
        reads={c.system: c for c in (crm, psa, hr, erp, billing, hub)},
        writes={c.system: c for c in (crm, psa, hr, erp, billing, hub)},
        acts={c.system: c for c in (crm, psa, erp, billing, hub)},
        removes={c.system: c for c in (crm, erp) if isinstance(c, Tryton)},
        polls={c.system: c for c in (crm, psa, hr, erp, billing) if not isinstance(c, Tryton)},
    )


def _tryton(settings: Settings, role: Role) -> Tryton | None:
    """A real Tryton in this role, where the settings say so."""
    reached = settings.system(role.system)
    if reached.kind == "standard":
        return None
    password = reached.password.get_secret_value()
    account = Account(database=reached.database, user=reached.user, password=password)
    return Tryton(role, _endpoint(settings, role.system), account)


def captured_tables(bindings: Iterable[Binding]) -> tuple[CapturedTable, ...]:
    """The tables a capture must read for these bindings, in the order a snapshot takes them.

    A table that is only touched is captured without the columns that no touch reads.
    """
    known = tuple(bindings)
    columns: dict[str, set[str] | None] = {b.table: None for b in known if b.table}
    for touch in (touch for binding in known for touch in binding.touches):
        read = columns.setdefault(touch.table, set())
        if read is not None:
            read.update(touch.columns)
    return tuple(_captured(name, read) for name, read in columns.items())


def _captured(name: str, columns: set[str] | None) -> CapturedTable:
    schema, _, table = name.partition(".")
    read = None if columns is None else tuple(sorted(columns))
    return CapturedTable(schema=schema, name=table, columns=read)


def _endpoint(settings: Settings, system: System) -> Endpoint:
    reached: SystemSettings = settings.system(system)
    return Endpoint(
        url=reached.url,
        key=reached.key.get_secret_value(),
        read_timeout=settings.read_timeout,
        write_timeout=settings.write_timeout,
    )
