"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

CONCORD = (sys.executable, "-m", "hub")
DEADLINE_S = 180
NOBODY = "http://127.0.0.1:9"
SYSTEMS_NOWHERE = {
    f"CONCORD_{name}__{part}": value
    for name in ("CRM", "PSA", "HR", "ERP", "BILLING")
    for part, value in (("URL", NOBODY), ("KEY", "k"))
}
"""Settings that name every system, at an address where nobody answers."""


def concord(
    *arguments: str, deadline_s: int = DEADLINE_S, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [*CONCORD, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=deadline_s,
        env={**os.environ, "COLUMNS": "300", **environment},
    )
