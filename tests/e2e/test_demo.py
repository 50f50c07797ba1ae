"""The demo as a newcomer meets it: it starts, tells its story, resumes, and stops everything."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.kafka import lend_artifacts
from support.tryton import fresh_state

from hub.story import STORY

CONCORD = (sys.executable, "-m", "hub")
DEADLINE_S = 180


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the demo of this module keeps its data."""
    folder = tmp_path_factory.mktemp("demo")
    yield folder
    _concord("demo", "--clean", "--state", str(folder))


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A run in the background ignores interrupts, and what it starts would inherit that."""
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, inherited)


def _concord(
    *arguments: str, deadline_s: int = DEADLINE_S, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CONCORD, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        env={**os.environ, "COLUMNS": "300", **environment},
    )


def test_the_tour_holds_and_holds_again_on_the_data_it_left(state: Path) -> None:
    """Each step has an outcome and a time; the second run resumes."""
    for run in ("first", "second"):
        told = _concord("demo", "--tour", "--state", str(state))
        assert told.returncode == 0, f"{run}: {told.stdout}{told.stderr}"
        assert told.stdout.count("✓") == len(STORY), told.stdout
        assert "Every step held." in told.stdout


@pytest.mark.kafka
def test_the_tour_holds_over_a_real_kafka(state: Path) -> None:
    """The same story with Debezium as the capture and Kafka as the log."""
    lend_artifacts(state)
    told = _concord("demo", "--tour", "--log", "kafka", "--state", str(state), deadline_s=600)
    assert told.returncode == 0, f"{told.stdout}{told.stderr}"
    assert told.stdout.count("✓") == len(STORY), told.stdout


@pytest.mark.tryton
def test_the_tour_holds_on_real_systems() -> None:
    """The story does not depend on the stand-ins, and one Tryton can be the CRM and the ERP."""
    state = str(fresh_state("crm", "erp"))
    told = _concord("demo", "--tour", "--crm", "tryton", "--erp", "tryton", "--state", state)
    assert told.returncode == 0, f"{told.stdout}{told.stderr}"
    assert told.stdout.count("✓") == len(STORY), told.stdout


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_stops_everything_that_was_started(state: Path) -> None:
    """After an interrupt no system answers any more and the data folder is free again."""
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
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
    for url in urls.values():
        with pytest.raises(httpx.TransportError):
            httpx.get(url, timeout=1)
    assert _concord("demo", "--clean", "--state", str(state)).returncode == 0


def test_serving_to_the_world_is_refused_with_the_reason() -> None:
    """Without authentication only loopback is listened on."""
    settings = {
        f"CONCORD_{name}__{part}": "http://127.0.0.1:9"
        for name in ("CRM", "PSA", "HR", "ERP", "BILLING")
        for part in ("URL", "KEY")
    }
    refused = _concord(
        "serve", CONCORD_DATABASE_URL="postgresql://127.0.0.1/x", CONCORD_HOST="0.0.0.0", **settings
    )
    assert refused.returncode == 1
    assert "loopback" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_missing_and_misspelt_settings_are_named() -> None:
    """The error says which variable, not where the code failed."""
    missing = _concord("serve")
    assert missing.returncode == 2
    assert "CONCORD_DATABASE_URL" in missing.stderr
    misspelt = _concord("serve", CONCORD_DATABSE_URL="x")
    assert misspelt.returncode == 1
    assert "CONCORD_DATABSE_URL" in misspelt.stderr


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
