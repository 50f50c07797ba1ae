"""Tryton's databases: of each role one template with the seeded firm, made once, and its clones."""

from __future__ import annotations

import dataclasses
import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.demo.drawing.firm import draw_firm
from hub.demo.drawing.size import S, in_home_currency
from hub.demo.seeding import DEFAULT_SEED
from hub.embedded import Cluster
from hub.tryton.blueprint import Blueprint
from hub.tryton.companies import access_to
from hub.tryton.environment import Say
from hub.tryton.rpc import Session
from hub.tryton.server import Installation, TrytonServer
from schema.errors import Unavailable

HUB, CLERK, ADMIN = "concord", "clerk", "admin"
INITIALISE_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """How to get in; `hub_user` is the id that marks the hub's own writes in every row."""

    hub_user: int
    hub_login: str
    hub_password: str = field(repr=False)
    hub_key: str = field(repr=False)
    clerk_login: str
    clerk_password: str = field(repr=False)
    admin_password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A database nobody connects to, with a seeded firm; the keys work in every clone."""

    name: str
    keys: Keys

    def clone(self, cluster: Cluster, name: str) -> None:
        """Create `name` as a copy, in about a second; one that is there stays as it is."""
        if not cluster.exists(name):
            cluster.create_database(name, self.name)


def prepare_template(
    installation: Installation,
    cluster: Cluster,
    blueprint: Blueprint,
    say: Say,
    *,
    seed: int = DEFAULT_SEED,
) -> Template:
    """The template for these pins and this seeding, made on the first call (some minutes).

    An interrupted making leaves nothing behind that a later call would take for finished.
    """
    fingerprint = blueprint.fingerprint(installation.environment.fingerprint, seed)
    name = f"tryton_template_{blueprint.role}_{fingerprint}"
    keys = installation.folder / f"{name}.json"
    if not (cluster.exists(name) and keys.exists()):
        cluster.drop_database(name)
        keys.unlink(missing_ok=True)
        made = _make(installation, cluster, blueprint, say, f"{name}_draft", seed)
        _write_private(keys, json.dumps(dataclasses.asdict(made)))
        cluster.create_database(name, f"{name}_draft")
        cluster.drop_database(f"{name}_draft")
    return Template(name=name, keys=Keys(**json.loads(keys.read_text())))


def _make(
    installation: Installation,
    cluster: Cluster,
    blueprint: Blueprint,
    say: Say,
    database: str,
    seed: int,
) -> Keys:
    cluster.drop_database(database)
    cluster.create_database(database)
    password = secrets.token_urlsafe(18)
    say(f"initialising Tryton as the {blueprint.role.upper()}: 200 tables, about a minute")
    _initialise(installation, blueprint, database, password)
    server = TrytonServer(installation, [database])

    def log_in() -> Session:
        return server.log_in(database, ADMIN, password)

    try:
        companies = blueprint.fill(log_in, draw_firm(seed, in_home_currency(S)), say)
        return _create_users(log_in(), companies, password)
    finally:
        server.stop()


def _initialise(
    installation: Installation, blueprint: Blueprint, database: str, password: str
) -> None:
    config = installation.write_config(0)
    passfile = installation.folder / "admin-password"
    _write_private(passfile, f"{password}\n")
    try:
        done = subprocess.run(  # noqa: S603 - programs of our own
            [
                installation.environment.program("trytond-admin"),
                *("--config", str(config), "--database", database),
                *("--update", *blueprint.modules, "--activate-dependencies"),
                *("--email", "admin@concord.example"),
            ],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TRYTONPASSFILE": str(passfile)},
            timeout=INITIALISE_SECONDS,
        )
    finally:
        passfile.unlink()
        config.unlink()
    if done.returncode != 0:
        raise Unavailable(f"Tryton could not be initialised: {done.stderr.strip()[-2000:]}")


def _create_users(session: Session, companies: Sequence[int], admin_password: str) -> Keys:
    """The hub's own user, whose id marks its writes, and a person who works beside it."""
    groups = [["add", session.search("res.group", [("name", "!=", "Administration")])]]
    hub_password, clerk_password = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    hub, _ = session.create(
        "res.user",
        *(
            {
                "name": login.title(),
                "login": login,
                "password": password,
                "groups": groups,
                **access_to(companies),
            }
            for login, password in ((HUB, hub_password), (CLERK, clerk_password))
        ),
    )
    session.create("res.user.application", {"application": "rest", "user": hub})
    [application] = session.read("res.user.application", [("user", "=", hub)], "key")
    return Keys(
        hub_user=hub,
        hub_login=HUB,
        hub_password=hub_password,
        hub_key=application["key"],
        clerk_login=CLERK,
        clerk_password=clerk_password,
        admin_password=admin_password,
    )


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
