"""The Java artifacts of Kafka and Debezium: pinned, obtained through Maven, kept."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from schema.errors import Unavailable

Say = Callable[[str], None]
"""Told one line of progress at a time."""

PINS = Path(__file__).with_name("pom.xml")
OBTAIN_SECONDS = 900
OLDEST_JAVA = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifacts:
    """Programs and connectors on disk, and the Java that runs them."""

    java: str
    folder: Path

    @property
    def plugins(self) -> Path:
        return self.folder / "plugins"

    def command(self, program: str, *arguments: str, memory_mb: int) -> list[str]:
        """A program by the name of its main class."""
        return [
            self.java,
            f"-Xmx{memory_mb}m",
            "-Dlog4j2.level=WARN",
            *("-cp", f"{self.folder}/lib/*"),
            program,
            *arguments,
        ]


def prepare_artifacts(state: Path, say: Say, pins: Path = PINS) -> Artifacts:
    """Obtain what `pins` names below `state`, or find it there; an interrupted obtaining repeats.

    Where they come from is the user's own configuration of Maven. Raises Unavailable with what is
    missing on this machine, or with Maven's words.
    """
    if (missing := missing_tools()) is not None:
        raise Unavailable(missing)
    fingerprint = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    folder = (state / f"artifacts-{fingerprint}").absolute()
    complete = folder / "complete"
    if not complete.exists():
        say("obtaining Java artifacts through Maven, some 80 MB")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _obtain(folder, pins)
        complete.touch()
    return Artifacts(java=_program("java"), folder=folder)


def missing_tools() -> str | None:
    """What this machine lacks to run Kafka, in words that say what to do; None if nothing."""
    if shutil.which("mvn") is None:
        return "Maven is not installed: install the package `maven`, or leave KAFKA=1 out"
    version = _java_version()
    if version is None or version < OLDEST_JAVA:
        found = "is not installed" if version is None else f"is version {version}"
        return f"Java {found}: install a JRE {OLDEST_JAVA} or newer, or leave KAFKA=1 out"
    return None


def _java_version() -> int | None:
    try:
        said = subprocess.run(  # noqa: S603 - the user's own Java
            [_program("java"), "-version"], check=True, capture_output=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r'version "(\d+)', said.stderr)
    return int(found[1]) if found else None


def _program(name: str) -> str:
    home = os.environ.get("JAVA_HOME")
    return f"{home}/bin/{name}" if home else name


def _obtain(folder: Path, pins: Path) -> None:
    done = subprocess.run(  # noqa: S603 - the user's own Maven
        [
            *("mvn", "--quiet", "--batch-mode", "--file", str(pins)),
            *("package", f"-Dconcord.folder={folder}"),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=OBTAIN_SECONDS,
    )
    if done.returncode != 0:
        said = (done.stdout or done.stderr).strip()[-2000:]
        raise Unavailable(f"Kafka could not be obtained, look at Maven's settings: {said}")
