"""A command whose database is not there says so in one line, with what to do, and no secret."""

from __future__ import annotations

import socket

import pytest
from support.commands import SYSTEMS_NOWHERE, concord


@pytest.mark.parametrize("command", ["doctor", "migrate", "serve"])
def test_a_command_without_its_database(command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refused for as long as we hold it
        place = f"127.0.0.1:{taken.getsockname()[1]}/hub"
        told = concord(
            command,
            **SYSTEMS_NOWHERE,
            CONCORD_PORT="0",
            CONCORD_DATABASE_URL=f"postgresql://postgres:secret@{place}",
        )
    assert told.returncode == 1
    [line] = [line for line in told.stderr.splitlines() if not line.startswith("{")]
    assert line.startswith(f"concord: Concord's database at {place} cannot be reached")
    assert line.endswith("or set CONCORD_DATABASE_URL to where it is")
    assert "secret" not in told.stderr
