"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

CONCORD = (sys.executable, "-m", "hub")
DEADLINE_S = 180


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
