"""The demo as a newcomer meets it: it starts, tells its story, resumes, and stops everything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.commands import CONCORD, DEADLINE_S, SYSTEMS_NOWHERE, concord

from hub.story import STORY


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the demo of this module keeps its data."""
    folder = tmp_path_factory.mktemp("demo")
    yield folder
    concord("demo", "--clean", "--state", str(folder))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A run in the background ignores interrupts, and what it starts would inherit that."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


def test_the_tour_holds_and_holds_again_on_the_data_it_left(state: Path) -> None:
    """Each step has an outcome and a time; the second run resumes."""
    for run in ("first", "second"):
        told = concord("demo", "--tour", "--state", str(state))
        assert told.returncode == 0, f"{run}: {told.stdout}{told.stderr}"
        assert told.stdout.count("✓") == len(STORY), told.stdout
        assert "Every step held." in told.stdout


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_stops_everything_it_started(
    state: Path, told: signal.Signals
) -> None:
    """After Ctrl-C no system answers any more and the data folder is free again."""
    with subprocess.Popen(
        [*CONCORD, "demo", "--state", str(state), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "COLUMNS": "300"},
    ) as process:
        urls = _announced(process)
        assert {"GraphiQL", "crm", "psa", "hr", "erp", "billing"} == set(urls)
        assert httpx.get(urls["GraphiQL"], headers={"accept": "text/html"}).status_code == 200
        process.send_signal(told)
        assert process.wait(timeout=20) == 0
    for url in urls.values():
        with pytest.raises(httpx.TransportError):
            httpx.get(url, timeout=1)
    assert concord("demo", "--clean", "--state", str(state)).returncode == 0


def test_nothing_outlives_a_demo_that_is_killed(state: Path) -> None:
    with subprocess.Popen(
        [*CONCORD, "demo", "--state", str(state), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        urls = _announced(process)
        process.kill()
    for url in urls.values():
        _until_silent(url)


def test_serving_to_the_world_is_refused_with_the_reason() -> None:
    """Without authentication only loopback is listened on."""
    database = "postgresql://127.0.0.1/x"
    refused = concord(
        "serve", CONCORD_DATABASE_URL=database, CONCORD_HOST="0.0.0.0", **SYSTEMS_NOWHERE
    )
    assert refused.returncode == 1
    assert "loopback" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_port_that_is_taken_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = concord("demo", "--state", str(tmp_path / "state"), "--port", port)
    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1:{port} (Address already in use)" in refused.stderr
    assert not (tmp_path / "state").exists()


def test_missing_and_misspelt_settings_are_named() -> None:
    """The error says which variable, not where the code failed."""
    missing = concord("serve")
    assert missing.returncode == 2
    assert "CONCORD_DATABASE_URL" in missing.stderr
    assert "CONCORD_CRM__URL: Field required\n  CONCORD_CRM__KEY: Field required" in missing.stderr
    misspelt = concord("serve", CONCORD_DATABSE_URL="x")
    assert misspelt.returncode == 1
    assert "CONCORD_DATABSE_URL" in misspelt.stderr


def _until_silent(url: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while _answers(url):
        assert time.monotonic() < deadline, f"{url} still answers"


def _answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


def _announced(process: subprocess.Popen[str]) -> dict[str, str]:
    """The addresses the demo prints once it is up."""
    urls: dict[str, str] = {}
    deadline = time.monotonic() + DEADLINE_S
    assert process.stdout is not None
    for line in process.stdout:
        assert time.monotonic() < deadline
        name, _, url = line.strip().partition(" ")
        if url.strip().startswith("http://"):
            urls[name] = url.strip()
        if line.startswith("Three queries"):
            return urls
    raise AssertionError(f"the demo ended with {process.wait()}")
