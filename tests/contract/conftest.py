"""Fixtures of the contract tier: the five stand-in systems, seeded, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from hub.embedded import Cluster

SYSTEMS = ("crm", "psa", "hr", "erp", "billing")


@pytest.fixture(scope="session")
def stand_ins(cluster: Cluster) -> Iterator[Mapping[str, str]]:
    """Where each stand-in answers. The tests share their data, and change only what they create."""
    for system in SYSTEMS:
        cluster.create_database(f"contract_{system}")
    options = [part for s in SYSTEMS for part in (f"--{s}-dsn", cluster.dsn(f"contract_{s}"))]
    demo = [sys.executable, "-m", "hub.demo"]
    subprocess.run([*demo, "seed", *options], check=True, timeout=60)  # noqa: S603 - our own program
    with subprocess.Popen([*demo, "serve", *options], stdout=subprocess.PIPE) as serving:  # noqa: S603 - our own program
        try:
            assert serving.stdout is not None
            yield json.loads(serving.stdout.readline())
        finally:
            serving.terminate()
    for system in SYSTEMS:
        cluster.drop_database(f"contract_{system}")
