"""The Tryton server: a child process on a free loopback port, gone when we are gone."""

from __future__ import annotations

import http.client
import shlex
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hub.tryton.environment import Environment
from hub.tryton.rpc import Session, TrytonRefused, log_in, server_version
from schema.errors import Unavailable

HOST = "127.0.0.1"
READY_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An environment, and the cluster Tryton connects to, as a DSN without a database."""

    environment: Environment
    folder: Path
    cluster_dsn: str

    def write_config(self, port: int) -> Path:
        """Write the configuration, which holds the password of the database."""
        server = urlsplit(self.cluster_dsn)
        path = self.folder / f"trytond-{port}.conf"
        path.touch(mode=0o600)
        path.write_text(
            f"[database]\nuri = {server.scheme}://{server.netloc}/\nlist = False\n"
            f"[web]\nlisten = {HOST}:{port}\n"
            "[session]\nauthentications = password\n"
        )
        return path


class TrytonServer:
    """A running `trytond` for some databases. It stops with `stop`, and when this process dies."""

    def __init__(self, installation: Installation, databases: Sequence[str]) -> None:
        self._databases = tuple(databases)
        self.port = free_port()
        self._installation = installation
        self._config = installation.write_config(self.port)
        self._guard = self._start()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def _log(self) -> Path:
        return self._installation.folder / f"{'-'.join(self._databases)}.log"

    def log_in(self, database: str, user: str, password: str) -> Session:
        return log_in(host=HOST, port=self.port, database=database, user=user, password=password)

    def pause(self) -> None:
        """Stop answering until `restart`."""
        self._end()

    def restart(self) -> None:
        """Needed after the database server restarted: Tryton's pool keeps broken connections."""
        self._end()
        self._guard = self._start()

    def stop(self) -> None:
        """Stop the server and forget its configuration. Stopping twice is fine."""
        self._end()
        self._config.unlink(missing_ok=True)

    def _end(self) -> None:
        self._guard.communicate()

    def _start(self) -> subprocess.Popen[bytes]:
        guard = self._spawn()
        try:
            self._wait_ready(guard)
        except BaseException:
            guard.communicate()
            raise
        return guard

    def _spawn(self) -> subprocess.Popen[bytes]:
        """A shell that starts the server and stops it when its standard input ends.

        So it stops with us even if we are killed; Ctrl-C in the terminal does not reach it.
        """
        program = shlex.join(
            [
                self._installation.environment.program("trytond"),
                *("--config", str(self._config), "--database", *self._databases),
            ]
        )
        script = f"{program} & server=$!; read -r _; kill $server; wait $server"
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - programs of our own
                ["/bin/sh", "-c", script],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_ready(self, guard: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"Tryton does not answer after {READY_SECONDS} s, see {self._log}"
                )
            with suppress(subprocess.TimeoutExpired):
                guard.wait(0.1)
                raise Unavailable(f"Tryton ended at once, see {self._log}")

    def _answers(self) -> bool:
        try:
            return bool(server_version(host=HOST, port=self.port, timeout=5))
        except (OSError, http.client.HTTPException, TrytonRefused):
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
