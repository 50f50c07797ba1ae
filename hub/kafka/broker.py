"""An Apache Kafka of one node: a child process on free loopback ports, gone when we are gone."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from hub.child import HOST, Child, free_port, is_listening
from hub.kafka.artifacts import Artifacts
from schema.errors import Unavailable

READY_SECONDS = 90
FORMAT_SECONDS = 60
MEMORY_MB = 512

# One node does all that several would share. Topics are made by those who fill them.
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
"""


class Broker:
    """A running broker whose log is in `folder`; it resumes what an earlier one left there."""

    def __init__(self, artifacts: Artifacts, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._artifacts = artifacts
        self._port = free_port()
        settings = self._write_settings(folder.absolute())
        if not (folder / "data" / "meta.properties").exists():
            self._format(settings)
        command = artifacts.command("kafka.Kafka", str(settings), memory_mb=MEMORY_MB)
        self._child = Child(command, folder / "broker.log")
        self._child.wait_until(lambda: is_listening(self._port), READY_SECONDS)

    @property
    def address(self) -> str:
        """For `bootstrap.servers`."""
        return f"{HOST}:{self._port}"

    def stop(self) -> None:
        """Stop the broker; its log stays. Stopping twice is fine."""
        self._child.stop()

    def _write_settings(self, folder: Path) -> Path:
        path = folder / "server.properties"
        path.write_text(
            _SETTINGS.format(
                host=HOST, port=self._port, controller=free_port(), data=folder / "data"
            )
        )
        return path

    def _format(self, settings: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        done = subprocess.run(  # noqa: S603 - programs of our own choice
            self._artifacts.command(
                *("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(settings)),
                memory_mb=MEMORY_MB,
            ),
            check=False,
            capture_output=True,
            text=True,
            timeout=FORMAT_SECONDS,
        )
        if done.returncode != 0:
            raise Unavailable(f"Kafka's log could not be created: {done.stderr.strip()[-2000:]}")
