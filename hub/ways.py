"""How the changes of each owner come in: by which capture, endpoint or signal, by the settings."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import asyncpg

from cdc.capture.api_capture import ApiCapture, Rhythm
from cdc.capture.signals import Signals
from cdc.capture.wal_reader import WalReader
from cdc.log.port import Appends, AppendsOnce
from cdc.transactions import Limits
from cdc.webhook.forms import FORMS
from cdc.webhook.inbox import Inbox
from cdc.webhook.meaning import EventForm
from cdc.webhook.signature import Sender, secrets_of
from cdc.wholes import Wholes
from hub.log import Log
from hub.registry import Connectors, captured_tables
from hub.settings import Settings
from schema.system import System
from sync.clock import utc_now
from sync.lag import Lags
from sync.resnapshots import Resnapshots
from sync.sweep import Sweep


def wholes_of(settings: Settings, log: Log, lags: Lags) -> Wholes | None:
    """What makes transactions visible as wholes, if it is wanted of any system."""
    systems = [system.value for system in System if settings.has_transactions(system)]
    limits = Limits(patience=settings.transaction_patience, records=settings.transaction_records)
    return Wholes(systems, log.ends, lags.note_torn, limits) if systems else None


def wal_captures(
    settings: Settings,
    connectors: Connectors,
    appends: Appends,
    lags: Lags,
    resnapshots: Resnapshots,
) -> tuple[WalReader, ...]:
    """A WAL reader for each system whose database we were given, unless Debezium captures them."""
    if not settings.reads_wal:
        return ()
    readers = []
    for system, connector in connectors.reads.items():
        url = settings.capture_url(system)
        if url is not None:
            dsn = url.get_secret_value()
            readers.append(
                WalReader(
                    system=system.value,
                    dsn=dsn,
                    tables=captured_tables(connector.bindings),
                    log=appends,
                    slot=f"concord_{urlsplit(dsn).path.strip('/')}",
                    publication="concord",
                    reports=lags,
                    tells_transactions=settings.has_transactions(system),
                    resnapshots=resnapshots,
                )
            )
    return tuple(readers)


def api_captures(
    settings: Settings,
    connectors: Connectors,
    appends: Appends,
    pool: asyncpg.Pool,
    lags: Lags,
    resnapshots: Resnapshots,
) -> Iterator[ApiCapture]:
    """What asks each system that is captured through its API, or looks after its webhooks."""
    for system, connector in connectors.reads.items():
        if settings.way(system) == "wal":
            continue
        reached = settings.system(system)
        yield ApiCapture(
            connector,
            appends,
            pool,
            utc_now,
            polls=connectors.polls[system] if reached.capture == "poll" else None,
            rhythm=Rhythm(
                every=reached.poll_every,
                overlap=reached.poll_overlap,
                sweep_every=reached.sweep_every,
            ),
            reports=lags,
            resnapshots=resnapshots,
        )


def inbox_of(settings: Settings, connectors: Connectors, once: AppendsOnce) -> Inbox:
    senders = {
        system: Sender(
            form=FORMS[settings.system(system).webhook_form],
            secrets=secrets_of(settings.system(system).webhook_secrets.get_secret_value()),
            window=settings.webhook_window,
        )
        for system in connectors.reads
        if settings.way(system) != "wal"
    }
    return Inbox(senders, EventForm(connectors.bindings), once, utc_now)


def signals_of(
    settings: Settings, connectors: Connectors, resnapshots: Resnapshots, sweep: Sweep
) -> tuple[Signals, ...]:
    """Where Debezium captures, whoever asks it to read tables again."""
    if settings.reads_wal:
        return ()
    urls = {system: settings.capture_url(system) for system in connectors.reads}
    return tuple(
        Signals(
            system=system.value,
            dsn=url.get_secret_value(),
            resnapshots=resnapshots,
            unseen=sweep.unseen,
        )
        for system, url in urls.items()
        if url is not None
    )
