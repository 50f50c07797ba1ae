"""The real Tryton of the lane: installed and initialised once, cloned for each module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.embedded import Cluster
from hub.stage import SYSTEMS, Size, suffix_of
from hub.tryton.database import Template, prepare_template
from hub.tryton.running import BLUEPRINTS, RunningTryton, prepare_installation, serve
from hub.tryton.server import Installation

LANE = "CONCORD_TRYTON"
"""Set to 1 the lane runs, and a Tryton that cannot be installed is an error; else it is skipped."""

STATE = Path(__file__).parents[2] / ".concord" / "tryton"
"""Outlives the run, because the template takes minutes to make."""


@contextmanager
def provisioned(*roles: str) -> Iterator[tuple[Cluster, Installation, dict[str, Template]]]:
    """The cluster with the templates of the roles, which are made if they are not there."""
    STATE.mkdir(parents=True, exist_ok=True)
    with Cluster.start(STATE / "postgres", durable=False) as cluster:
        installation = prepare_installation(STATE, cluster, print)
        templates = {
            role: prepare_template(installation, cluster, BLUEPRINTS[role], print) for role in roles
        }
        yield cluster, installation, templates


@contextmanager
def running(role: str, database: str) -> Iterator[RunningTryton]:
    """A Tryton in this role, with the firm as it was seeded."""
    with provisioned(role) as (cluster, installation, templates):
        cluster.drop_database(database)
        tryton = serve(installation, templates, cluster, {role: database})[role]
        try:
            yield tryton
        finally:
            tryton.server.stop()
            cluster.drop_database(database)


def fresh_state(*roles: str) -> Path:
    """Where a stage finds Tryton's templates, but nothing that an earlier stage has left."""
    suffix = suffix_of(roles, Size.S)
    with provisioned(*roles) as (cluster, _, _):
        for name in (*SYSTEMS, "hub"):
            cluster.drop_database(name + suffix)
    return STATE
