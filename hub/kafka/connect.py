"""Kafka Connect with Debezium: a child process on a free loopback port, gone when we are gone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from hub.child import HOST, Child, free_port
from hub.kafka.artifacts import Artifacts
from hub.kafka.rest import ConnectApi

READY_SECONDS = 120
MEMORY_MB = 1024

_SETTINGS = """\
bootstrap.servers={brokers}
listeners=http://{host}:{port}
plugin.path={plugins}
plugin.discovery=service_load
offset.storage.file.filename={offsets}
offset.flush.interval.ms=1000
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
config.providers=env
config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider
"""


class Connect:
    """A standalone worker. It keeps its offsets in `folder`; connectors are put into it anew."""

    def __init__(
        self, artifacts: Artifacts, folder: Path, brokers: str, secrets: Mapping[str, str]
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        port = free_port()
        settings = folder.absolute() / "worker.properties"
        settings.write_text(
            _SETTINGS.format(
                brokers=brokers,
                host=HOST,
                port=port,
                plugins=artifacts.plugins,
                offsets=folder.absolute() / "offsets",
            )
        )
        program = "org.apache.kafka.connect.cli.ConnectStandalone"
        command = artifacts.command(program, str(settings), memory_mb=MEMORY_MB)
        self.url = f"http://{HOST}:{port}"
        self._child = Child(command, folder / "connect.log", {**os.environ, **secrets})
        with ConnectApi(self.url) as api:
            self._child.wait_until(api.answers, READY_SECONDS)

    def stop(self) -> None:
        """Stop the worker; where it was in each owner's log stays. Stopping twice is fine."""
        self._child.stop()
