"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    *("strawberry-graphql", "graphql-core", "asyncpg", "httpx", "aiohttp", "msgspec"),
    *("kafka-python", "uvloop"),
)


def describe_machine() -> dict[str, str]:
    return {
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "python": platform.python_version(),
        "system": platform.system(),
        **{name: version(name) for name in PACKAGES},
    }


def cpu_seconds(pid: int) -> float:
    """User and system time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def child_named(word: str) -> int:
    """The process of ours, at any depth, whose program or arguments contain the word."""
    waiting = [os.getpid()]
    while waiting:
        pid = waiting.pop()
        folder = Path(f"/proc/{pid}")
        words = (folder / "cmdline").read_bytes().split(b"\0")
        if pid != os.getpid() and any(part.endswith(word.encode()) for part in words):
            return pid
        for thread in (folder / "task").iterdir():
            waiting += map(int, (thread / "children").read_text().split())
    raise LookupError(f"no process of ours runs {word}")


def resident_mb(pid: int) -> float:
    """Memory that a process has in RAM."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(kilobytes) / 1024


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
