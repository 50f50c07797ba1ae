"""`/metrics`: the lags, what waits, and what needs somebody, for Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cdc.webhook.inbox import Outcome
from schema.system import System
from sync.operations import Operations

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[tuple[str, ...], float | None]
Families = Sequence[GaugeMetricFamily]
Webhooks = Mapping[tuple[System, Outcome], int]


class _Page(Collector):
    """What was found for one page; the library only prints it."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


async def metrics_page(operations: Operations, webhooks: Webhooks | None = None) -> bytes:
    """The page as it is now: every figure is asked for when it is scraped.

    `webhooks` are the calls that this process has had, by system and outcome.
    """
    registry = CollectorRegistry(auto_describe=False)
    parts = (_topics, _waiting, _targets, _captures, _needy, _unbound, _torn)
    families = [family for part in parts for family in await part(operations)]
    registry.register(_Page([*families, _webhooks(webhooks or {})]))
    return generate_latest(registry)


async def _topics(operations: Operations) -> Families:
    found = await operations.lags.topics()
    told = {
        "capture": "From the owner's commit to the log, for the last applied record.",
        "queue": "From the log to the listener, for the last applied record.",
        "apply": "From the owner's commit to the projection, for the last applied record.",
    }
    return [
        _gauge(
            f"concord_{name}_lag_seconds",
            text,
            ("topic",),
            [((one.topic,), _seconds(getattr(one, name))) for one in found],
        )
        for name, text in told.items()
    ]


async def _waiting(operations: Operations) -> Families:
    found = await operations.backlog()
    records = [((one.topic,), float(one.records)) for one in found]
    ages = [((one.topic,), _age(one.oldest_at)) for one in found]
    counted, oldest = "Records in the log that are not applied.", "Age of the oldest of them."
    return [
        _gauge("concord_waiting_records", counted, ("topic",), records),
        _gauge("concord_waiting_seconds", oldest, ("topic",), ages),
    ]


async def _targets(operations: Operations) -> Families:
    found = await operations.lags.targets()
    owed = [((one.target, "pending"), float(one.pending)) for one in found]
    dead = [((one.target, "dead"), float(one.dead)) for one in found]
    oldest = [((one.target,), _seconds(one.oldest)) for one in found]
    p95 = [((one.target,), _seconds(one.p95)) for one in found]
    told = {
        "oldest": "Since the owner's commit, for the oldest copy that is still owed.",
        "p95": "From the owner's commit to the copy, of the last five minutes' deliveries.",
        "deliveries": "Copies that are owed, or that their target refuses.",
    }
    return [
        _gauge("concord_propagate_oldest_seconds", told["oldest"], ("target",), oldest),
        _gauge("concord_propagate_p95_seconds", told["p95"], ("target",), p95),
        _gauge("concord_deliveries", told["deliveries"], ("target", "state"), owed + dead),
    ]


async def _captures(operations: Operations) -> Families:
    found = await operations.lags.captures()
    behind = [((one.system,), _seconds(one.behind)) for one in found]
    unseen = [((one.system,), _seconds(one.unseen)) for one in found]
    held = [((one.system,), _number(one.held_bytes)) for one in found]
    told = {
        "behind": "Since a capture last had all that its owner had committed.",
        "unseen": "Since a capture last said that it is alive.",
        "held": "WAL that an owner keeps for its capture.",
    }
    return [
        _gauge("concord_capture_behind_seconds", told["behind"], ("system",), behind),
        _gauge("concord_capture_unseen_seconds", told["unseen"], ("system",), unseen),
        _gauge("concord_slot_held_bytes", told["held"], ("system",), held),
    ]


async def _needy(operations: Operations) -> Families:
    """What needs somebody."""
    labels = ("topic", "class", "reason", "state")
    letters = [
        (tuple(str(row[name]) for name in labels), float(row["letters"]))
        for row in await operations.dead_letters.count()
    ]
    parked = [((one.position.topic,), 1.0) for one in await operations.parked_topics.now()]
    return [
        _gauge("concord_dead_letters", "Unsettled dead letters.", labels, letters),
        _gauge("concord_parked_topics", "Topics that wait for somebody.", ("topic",), parked),
    ]


async def _unbound(operations: Operations) -> Families:
    counted = Counter(
        (f"{one.system}.{one.table}",) for one in await operations.extra_columns.now()
    )
    told = "Columns of a captured table that no binding reads."
    samples = [(labels, float(count)) for labels, count in counted.items()]
    return [_gauge("concord_extra_columns", told, ("topic",), samples)]


async def _torn(operations: Operations) -> Families:
    samples = [((o.system, o.why), float(o.times)) for o in await operations.lags.torn()]
    told = "Transactions that should be seen as wholes and were applied in pieces."
    return [_gauge("concord_torn_transactions", told, ("system", "why"), samples)]


def _webhooks(counted: Webhooks) -> CounterMetricFamily:
    told = "Webhook calls of an owner, by what became of them."
    family = CounterMetricFamily("concord_webhooks", told, labels=("system", "outcome"))
    for (system, outcome), calls in sorted(counted.items(), key=str):
        family.add_metric((system.value, outcome.value), calls)
    return family


def _gauge(
    name: str, told: str, labels: tuple[str, ...], samples: Sequence[Sample]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=labels)
    for values, number in samples:
        if number is not None:
            family.add_metric(values, number)
    return family


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


def _age(moment: datetime | None) -> float | None:
    return None if moment is None else _seconds(datetime.now(UTC) - moment)


def _number(count: int | None) -> float | None:
    return None if count is None else float(count)
