"""A Postgres of its own that is killed, and comes back at the same address with what it had."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from support.targets import until

from hub.embedded import _SETTINGS, Cluster

# Nothing is lost with a process; but a page of which half was written is, without its image.
_MORTAL = _SETTINGS | {"fsync": "off", "full_page_writes": "on", "max_slot_wal_keep_size": "2GB"}


class Mortal:
    """The cluster, and its end and return. `deaths` counts them."""

    def __init__(self, cluster: Cluster) -> None:
        self.dsn = cluster.dsn("hub")
        self.deaths = 0
        self._server, self._port = cluster._server, cluster._port

    async def die(self) -> None:
        """`kill -9` of all its processes: no checkpoint, no word but broken connections."""
        self.deaths += 1
        pid_file = self._server.data_folder / "postmaster.pid"
        postmaster = int(pid_file.read_text().splitlines()[0])
        victims = [postmaster, *_children(postmaster)]
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        async def are_gone() -> bool:
            return not any(map(_is_running, victims))

        await until(are_gone, seconds=30)
        pid_file.unlink()  # nobody may have reaped the process it names

    async def rise(self) -> None:
        await asyncio.to_thread(self._server._start_on, self._port, _MORTAL)


@contextmanager
def mortal_cluster() -> Iterator[Mortal]:
    """A cluster with a database for the hub; it is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="concord-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # as root the server runs as another account
        with Cluster.start(folder, durable=False) as cluster:
            cluster.create_database("hub")
            cluster._server._run(*cluster._server._stop_command())
            cluster._server._start_on(cluster._port, _MORTAL)
            yield Mortal(cluster)
        Cluster.forget(folder)


def _children(parent: int) -> list[int]:
    return [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _fields(stat)[1:2] == [str(parent)]
    ]


def _is_running(pid: int) -> bool:
    return _fields(Path(f"/proc/{pid}/stat"))[:1] not in ([], ["Z"], ["X"])


def _fields(stat: Path) -> list[str]:
    """State, parent and so on of a process; nothing of one that is gone."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
