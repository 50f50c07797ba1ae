"""PostgreSQL 18 without an installation: the binaries of a wheel, run by us on loopback."""

from __future__ import annotations

import fcntl
import os
import subprocess
from contextlib import closing
from pathlib import Path
from typing import IO, Self

from hub.embedded_server import Server, forget, prepare
from schema.errors import Invalid, Unavailable

_TIMEOUT_S = 60

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_connections": "200",
    "shared_buffers": "128MB",
}
# A session that is ended may hold its slot for a moment, and then nothing is dropped.
_DROP = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = :'name';
DROP DATABASE IF EXISTS :"name" WITH (FORCE);
"""
_FORGETFUL = {"fsync": "off", "full_page_writes": "off"}


class Cluster:
    """A running server of our own. It stops with `stop`, and also when this process dies."""

    def __init__(self, *, server: Server, port: int, lock: IO[str]) -> None:
        self._server = server
        self._port = port
        self._password = server.password_file.read_text()
        self._lock = lock
        self._guard = server.guard()

    @classmethod
    def start(cls, folder: Path, *, durable: bool = True, kept_wal: str = "2GB") -> Self:
        """Create the cluster in `folder`, or resume the one that is there, on a free port.

        `durable=False` is for tests: a crash of the machine may lose the data. `kept_wal` is the
        most WAL that a forgotten capture can hold back. Raises `Invalid` where no folder can be
        made, while another process runs it, and when a foreign server answers on the port.
        """
        folder = _made(folder.absolute())
        lock = _lock(folder)
        try:
            server = prepare(folder, durable=durable)
            server.stop_orphan()
            settings = _SETTINGS | {"max_slot_wal_keep_size": kept_wal}
            port = server.start(settings if durable else settings | _FORGETFUL)
        except BaseException:
            lock.close()
            raise
        cluster = cls(server=server, port=port, lock=lock)
        try:
            cluster._verify_identity()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def dsn(self, database: str = "postgres") -> str:
        return f"postgresql://postgres:{self._password}@127.0.0.1:{self._port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> None:
        """Create a database; with `template`, a copy of that one, which nobody may be using."""
        source = template or "template1"
        self._sql('CREATE DATABASE :"name" TEMPLATE :"source"', name=name, source=source)

    def drop_database(self, name: str) -> None:
        """Drop a database with its slots, ending its sessions. One that is gone is fine."""
        self._sql(_DROP, name=name)

    def exists(self, name: str) -> bool:
        return bool(self._sql("SELECT 1 FROM pg_database WHERE datname = :'name'", name=name))

    def stop(self) -> None:
        """Stop the server and release the folder; the data stay. Stopping twice is fine."""
        self._guard.communicate()
        self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def forget(folder: Path) -> None:
        """Delete the cluster of `folder` with its data. Raises `Invalid` while it runs."""
        if folder.exists():
            with closing(_lock(folder)):
                forget(folder)

    def _verify_identity(self) -> None:
        """Between choosing the port and now, a stranger may have taken it: write nothing to him."""
        expected = self._server.system_identifier()
        answered = self._sql("SELECT system_identifier FROM pg_control_system()")
        if answered != expected:
            raise Invalid(
                f"the server on port {self._port} is cluster {answered}, but {self._server.home} "
                f"holds cluster {expected}: nothing was written, start again"
            )

    def _sql(self, statement: str, **variables: str) -> str:
        """Run one statement with psql, whose `:"name"` quotes names and `:'name'` literals."""
        done = subprocess.run(  # noqa: S603 - programs of our own
            [
                self._server.binaries / "psql",
                *("--no-psqlrc", "--quiet", "--tuples-only", "--no-align"),
                "--set=ON_ERROR_STOP=1",
                *(f"--set={name}={text}" for name, text in variables.items()),
            ],
            check=False,
            capture_output=True,
            text=True,
            input=statement,
            timeout=_TIMEOUT_S,
            env={
                "PATH": os.defpath,
                "PGHOST": "127.0.0.1",
                "PGPORT": str(self._port),
                "PGUSER": "postgres",
                "PGDATABASE": "postgres",
                "PGPASSWORD": self._password,
                "PGREQUIREAUTH": "scram-sha-256",  # a stranger must not get it in clear text
                "PGCLIENTENCODING": "UTF8",
            },
        )
        if done.returncode != 0:
            raise Unavailable(f"{statement} failed: {done.stderr.strip()}")
        return done.stdout.strip()


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refusal:
        raise Invalid(
            f"{folder} cannot be made ({refusal.strerror}): keep the data elsewhere, "
            "by --state with `concord demo`"
        ) from refusal
    return folder


def _lock(folder: Path) -> IO[str]:
    """Hold `folder` for this process; the operating system lets go of it when we die."""
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Invalid(f"{folder} is in use by another process: stop that one first") from None
    return lock
