"""The embedded cluster: start, resume, orphans, strangers, and where root has to put it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import asyncpg
import pytest

import hub.embedded_server
from hub.embedded import Cluster
from hub.embedded_server import Server
from schema.errors import Invalid, Unavailable

RUN_UNTIL_KILLED = """
import sys
from pathlib import Path
from hub.embedded import Cluster
Cluster.start(Path(sys.argv[1]), durable=False)
print("started", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder below a private one, as a checkout in root's home would be."""
    with TemporaryDirectory(prefix="concord-private-") as private:
        yield Path(private) / "cluster"
        Cluster.forget(Path(private) / "cluster")


async def test_a_second_start_resumes_with_the_data(folder: Path) -> None:
    """The data outlive the server, whatever port it has next."""
    with Cluster.start(folder, durable=False) as cluster:
        cluster.create_database("kept")
        identifier = cluster._server.system_identifier()
    with Cluster.start(folder, durable=False) as cluster:
        assert cluster.exists("kept")
        assert cluster._server.system_identifier() == identifier


async def test_the_settings_are_what_captures_and_searches_need(cluster: Cluster) -> None:
    """Logical decoding, SCRAM, loopback, UTF-8 case rules, checksums."""
    connection = await asyncpg.connect(cluster.dsn())
    wanted = {
        "wal_level": "logical",
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "data_checksums": "on",
        "max_slot_wal_keep_size": "2GB",
        "password_encryption": "scram-sha-256",
    }
    for name, setting in wanted.items():
        assert await connection.fetchval(f"SHOW {name}") == setting
    assert await connection.fetchval("SELECT 'ÖZ' ILIKE 'öz' AND lower('ÖZ') = 'öz'")
    await connection.close()
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(cluster.dsn(), password="guessed")


async def test_a_template_is_cloned(
    cluster: Cluster, create_database: Callable[[str | None], str]
) -> None:
    """A database made from a template has its tables, and names need no quoting by the caller."""
    template = create_database(None)
    connection = await asyncpg.connect(template)
    await connection.execute("CREATE TABLE seeded (id int)")
    await connection.close()
    clone = create_database(template.rpartition("/")[2])
    connection = await asyncpg.connect(clone)
    assert await connection.fetchval("SELECT count(*) FROM seeded") == 0
    await connection.close()
    cluster.create_database("odd \"name's")
    assert cluster.exists("odd \"name's")
    cluster.drop_database("odd \"name's")
    cluster.drop_database("odd \"name's")
    assert not cluster.exists("odd \"name's")


def test_a_folder_runs_once(folder: Path) -> None:
    """A second process is told so, instead of stopping the server of the first."""
    with Cluster.start(folder, durable=False), pytest.raises(Invalid, match="in use"):
        Cluster.start(folder, durable=False)


def test_the_server_dies_with_its_parent(folder: Path) -> None:
    """Even a parent that is killed leaves no server behind, and the next start is clean."""
    child = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", RUN_UNTIL_KILLED, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "started\n"
        pid_file = (folder / "postgres").resolve() / "cluster" / "postmaster.pid"
        assert pid_file.exists()
        child.send_signal(signal.SIGKILL)
    deadline = monotonic() + 10
    while pid_file.exists():
        assert monotonic() < deadline, "the server outlived its parent"
    with Cluster.start(folder, durable=False) as cluster:
        assert cluster.exists("postgres")


def test_an_orphan_is_stopped_by_the_next_start(folder: Path) -> None:
    """A server whose guard died too is found by its pid file and replaced."""
    orphan = Cluster.start(folder, durable=False)
    orphan._guard.kill()
    orphan._guard.communicate()
    orphan._lock.close()
    with Cluster.start(folder, durable=False) as cluster:
        assert cluster.exists("postgres")
        with pytest.raises(Unavailable):
            orphan.exists("postgres")


def test_a_pid_file_of_another_program_is_forgotten(folder: Path) -> None:
    """After a reboot the old pid may be anybody's: that is no reason not to start."""
    with Cluster.start(folder, durable=False) as cluster:
        pid_file = cluster._server.data_folder / "postmaster.pid"
        content = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *content[1:]]) + "\n")
    with Cluster.start(folder, durable=False) as cluster:
        assert cluster.exists("postgres")


def test_a_stranger_on_our_port_is_not_written_to(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server of another identity is refused, and the folder is free again."""
    monkeypatch.setattr(Server, "system_identifier", lambda self: "7")
    with pytest.raises(Invalid, match="nothing was written"):
        Cluster.start(folder, durable=False)
    monkeypatch.undo()
    Cluster.start(folder, durable=False).stop()


def test_an_interrupted_creation_is_made_again(folder: Path) -> None:
    """A folder without the mark of a complete creation holds nothing to resume."""
    with Cluster.start(folder, durable=False) as cluster:
        home = cluster._server.home
    (home / "complete").unlink()
    with Cluster.start(folder, durable=False) as cluster:
        assert cluster.exists("postgres")


def test_a_place_where_no_folder_can_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Invalid, match="keep the data elsewhere"):
        Cluster.start(tmp_path / "file" / "below")


def test_a_missing_wheel_is_explained(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names both ways out."""
    monkeypatch.setattr(hub.embedded_server, "_WHEEL", "no_such_wheel")
    with pytest.raises(Invalid, match=r"--extra embedded.*CONCORD_DATABASE_URL"):
        Cluster.start(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another account")
def test_root_runs_a_copy_of_binaries_that_others_cannot_reach(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Binaries below a private home are copied once, and the copy is root's own."""
    with TemporaryDirectory(prefix="concord-shared-") as name:
        shared = Path(name)
        shared.chmod(0o755)
        monkeypatch.setattr(hub.embedded_server, "_SHARED", shared)
        monkeypatch.setattr(hub.embedded_server, "_is_open", lambda path: False)
        with Cluster.start(folder, durable=False) as cluster:
            binaries = cluster._server.binaries
            assert binaries.is_relative_to(shared)
            assert (binaries.stat().st_uid, binaries.stat().st_mode & 0o777) == (0, 0o755)
            assert cluster._server.home.is_relative_to(shared)
        Cluster.forget(folder)
        with Cluster.start(folder, durable=False):
            assert len(list(shared.glob("postgres-*"))) == 1


def test_forgetting_deletes_the_data(folder: Path) -> None:
    """Nothing but the lock file is left, and a new start begins empty."""
    with Cluster.start(folder, durable=False) as cluster:
        home = cluster._server.home
        cluster.create_database("kept")
    Cluster.forget(folder)
    assert not home.exists()
    with Cluster.start(folder, durable=False) as cluster:
        assert not cluster.exists("kept")
