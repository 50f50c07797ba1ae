"""How each system's connector spells its envelopes, from the settings to reader and connector."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from cdc.capture.table_shape import CapturedTable
from cdc.envelope.outbox import Outbox
from cdc.envelope.placeholder import UNAVAILABLE
from cdc.envelope.reader import EnvelopeReader, Table
from cdc.envelope.schema_types import Field
from hub.settings import Settings, SystemSettings
from schema.errors import Invalid
from schema.system import System
from sync.connectors.binding import Binding

_DECIMAL = re.compile(r"decimal\((\d{1,3})\)")
_DEBEZIUM = "io.debezium.time."


def reader_of(settings: Settings, bindings: Iterable[Binding]) -> EnvelopeReader:
    """The reader of every system's envelopes. Raises Invalid for settings that cannot be meant."""
    read = {(binding.system.value, binding.table) for binding in bindings}
    told = {system.value: settings.system(system) for system in System if system is not System.HUB}
    return EnvelopeReader(
        placeholders={name: one.placeholder for name, one in told.items()},
        signal_tables={name: one.signal_table.partition(".")[2] for name, one in told.items()},
        declared={
            table: fields for name, one in told.items() for table, fields in _declared(name, one)
        },
        outboxes=_outboxes(told, read),
    )


def outbox_topics(settings: Settings) -> tuple[str, ...]:
    systems = (settings.system(system) for system in System if system is not System.HUB)
    return tuple(topic for system in systems for topic in system.outboxes)


def signals_of(settings: Settings, system: System) -> CapturedTable:
    """Where a system's connector is asked for snapshots."""
    told = "public.concord_signal"
    if system is not System.HUB:
        told = settings.system(system).signal_table
    schema, _, name = told.partition(".")
    return CapturedTable(schema=schema, name=name)


def connector_spelling(settings: Settings, system: System) -> Mapping[str, str]:
    """What the connector is set to, so that it spells as its reader reads."""
    config = {"signal.data.collection": str(signals_of(settings, system))}
    if system is System.HUB:
        return config
    told = settings.system(system)
    if told.placeholder != UNAVAILABLE:
        config["unavailable.value.placeholder"] = told.placeholder
    if has_declared_scales(settings, system):
        config["decimal.handling.mode"] = "precise"
    return config


def has_declared_scales(settings: Settings, system: System) -> bool:
    if system is System.HUB:
        return False
    return any(_DECIMAL.fullmatch(t) for t in settings.system(system).column_types.values())


def _declared(system: str, told: SystemSettings) -> Iterable[tuple[Table, list[Field]]]:
    tables: dict[str, list[Field]] = {}
    for column, kind in told.column_types.items():
        table, _, name = column.rpartition(".")
        tables.setdefault(table, []).append(_field(name, kind))
    return [((system, table), fields) for table, fields in tables.items()]


def _field(name: str, kind: str) -> Field:
    if scaled := _DECIMAL.fullmatch(kind):
        decimal = "org.apache.kafka.connect.data.Decimal"
        return Field(field=name, name=decimal, parameters={"scale": scaled[1]})
    return Field(field=name, name=_NAMES[kind])


def _outboxes(
    told: Mapping[str, SystemSettings], read: set[tuple[str, str | None]]
) -> dict[str, Outbox]:
    found: dict[str, Outbox] = {}
    for system, settings in told.items():
        for topic, outbox in settings.outboxes.items():
            if (system, outbox.table) not in read:
                raise Invalid(
                    f"CONCORD_{system.upper()}__OUTBOXES: {topic} tells of {outbox.table}, which "
                    "no binding reads: name a table that one does"
                )
            found[topic] = Outbox(system=system, table=outbox.table, key=outbox.key)
    return found


_NAMES: Mapping[str, str] = {
    "time_ms": f"{_DEBEZIUM}Time",
    "time_ns": f"{_DEBEZIUM}NanoTime",
    "timestamp_ms": f"{_DEBEZIUM}Timestamp",
    "timestamp_ns": f"{_DEBEZIUM}NanoTimestamp",
}
