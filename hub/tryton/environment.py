"""Tryton's own virtual environment: pinned, made once per set of pins, apart from ours."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schema.errors import Unavailable

Say = Callable[[str], None]
"""Told one line of progress at a time."""

PINS = Path(__file__).with_name("requirements.txt")
INSTALL_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """An installed Tryton; `fingerprint` changes with the pins."""

    folder: Path
    fingerprint: str

    def program(self, name: str) -> str:
        return str(self.folder / "bin" / name)


def prepare_environment(state: Path, say: Say) -> Environment:
    """Install Tryton below `state`, or find it there; an interrupted install is made again.

    Where the packages come from is the user's own configuration of pip or uv. Raises Unavailable
    with the installer's words.
    """
    fingerprint = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    folder = state / f"environment-{fingerprint}"
    complete = folder / "complete"
    if not complete.exists():
        say("installing Tryton into an environment of its own")
        shutil.rmtree(folder, ignore_errors=True)
        _install(folder)
        complete.touch()
    return Environment(folder=folder, fingerprint=fingerprint)


def _install(folder: Path) -> None:
    uv = os.environ.get("UV") or shutil.which("uv")  # `uv run` tells where it is
    python = str(folder / "bin" / "python")
    if uv is None:
        _run(sys.executable, "-m", "venv", str(folder))
        _run(python, "-m", "pip", "install", "--quiet", "--requirement", str(PINS))
    else:
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(folder))
        _run(uv, "pip", "install", "--quiet", "--python", python, "--requirement", str(PINS))


def _run(*command: str) -> None:
    done = subprocess.run(  # noqa: S603 - programs of our own
        command, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Unavailable(f"Tryton could not be installed, look at the index settings: {said}")
