"""Programs of others that we run: they stop when we stop them, and when we die."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from schema.errors import Unavailable

HOST = "127.0.0.1"

# The end of standard input ends the program; the end of the program ends the shell.
_SCRIPT = """
exec 3<&0
{command} 3<&- & child=$!
(read -r _ <&3; kill $child) & reader=$!
wait $child
kill $reader 2>/dev/null
"""


def guarded(command: Sequence[str]) -> list[str]:
    """A shell that starts a program, and stops it when the shell's standard input ends.

    With a pipe there, held by us alone, the program stops with us even if we are killed.
    """
    return ["/bin/sh", "-c", _SCRIPT.format(command=shlex.join(command))]


class Child:
    """A running program whose output goes to `log`; Ctrl-C in the terminal does not reach it."""

    def __init__(
        self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        with log.open("ab") as said:
            self._guard = subprocess.Popen(  # noqa: S603 - programs of our own choice
                guarded(command),
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=environment,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask it to end and wait for that. Stopping twice is fine."""
        self._guard.communicate()

    def wait_until(self, answers: Callable[[], bool], seconds: float) -> None:
        """Return once it answers; raises Unavailable, with it stopped, when it does not."""
        try:
            self._wait_until(answers, seconds)
        except BaseException:
            self.stop()
            raise

    def _wait_until(self, answers: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not answers():
            if time.monotonic() > deadline:
                raise Unavailable(f"no answer after {seconds:.0f} s, see {self._log}")
            with suppress(subprocess.TimeoutExpired):
                self._guard.wait(0.1)
                raise Unavailable(f"it ended at once, see {self._log}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=1):
            return True
    except OSError:
        return False
