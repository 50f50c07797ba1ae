"""What a Debezium connector is set to that would lose, garble or hide changes; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cdc.checks import Trouble


def connector_troubles(
    system: str,
    running: Mapping[str, str],
    *,
    has_declared_scales: bool = False,
    needs_transactions: bool = False,
) -> Iterator[Trouble]:
    """Everything that is wrong with a running connector's settings, Debezium's defaults included.

    `has_declared_scales` says that the settings declare the scales of the system's decimals.
    """
    is_precise = running.get("decimal.handling.mode", "precise") == "precise"
    if is_precise and not _has_schemas(running) and not has_declared_scales:
        yield Trouble(
            name="decimals_without_scale",
            text=f"the connector of {system} writes decimals as octets, and no schema says their "
            "scale: set decimal.handling.mode=string, value.converter.schemas.enable=true, or "
            f"declare the scales in CONCORD_{system.upper()}__COLUMN_TYPES",
            is_fatal=True,
        )
    if "t" in _skipped(running):
        yield Trouble(
            name="truncates_skipped",
            text=f"the connector of {system} skips truncates, so that rows would stay here that "
            "are gone there: set skipped.operations=none",
        )
    if int(running.get("heartbeat.interval.ms", "0")) <= 0:
        yield Trouble(
            name="missing_heartbeat",
            text=f"the connector of {system} sends no heartbeats, so that an idle {system} keeps "
            "its whole write-ahead log and cannot be told from a dead one: set "
            "heartbeat.interval.ms",
        )
    if needs_transactions and running.get("provide.transaction.metadata") != "true":
        yield Trouble(
            name="untold_transactions",
            text=f"transactions of {system} are to be seen as wholes, and its connector does not "
            "tell them: set provide.transaction.metadata=true",
        )


def _has_schemas(running: Mapping[str, str]) -> bool:
    """Debezium's own default, which a worker may have changed for all of its connectors."""
    return running.get("value.converter.schemas.enable", "true") == "true"


def _skipped(running: Mapping[str, str]) -> set[str]:
    told = running.get("skipped.operations", "t")
    return {one.strip() for one in told.split(",")}
