"""The Tryton server: a child process on a free loopback port, gone when we are gone."""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from hub.child import HOST, Child, free_port
from hub.tryton.environment import Environment
from hub.tryton.rpc import Session, TrytonRefused, log_in, server_version

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
        self._child = self._start()

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
        self._child.stop()

    def restart(self) -> None:
        """Needed after the database server restarted: Tryton's pool keeps broken connections."""
        self._child.stop()
        self._child = self._start()

    def stop(self) -> None:
        """Stop the server and forget its configuration. Stopping twice is fine."""
        self._child.stop()
        self._config.unlink(missing_ok=True)

    def _start(self) -> Child:
        command = [
            self._installation.environment.program("trytond"),
            *("--config", str(self._config), "--database", *self._databases),
        ]
        child = Child(command, self._log)
        child.wait_until(self._answers, READY_SECONDS)
        return child

    def _answers(self) -> bool:
        try:
            return bool(server_version(host=HOST, port=self.port, timeout=5))
        except (OSError, http.client.HTTPException, TrytonRefused):
            return False
