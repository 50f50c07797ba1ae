"""The real Tryton of the lane: installed and initialised once, cloned for each module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.embedded import Cluster
from hub.stage import SYSTEMS, Erp
from hub.tryton.database import Template
from hub.tryton.erp import prepare_tryton
from hub.tryton.server import Installation

LANE = "CONCORD_TRYTON"
"""Set to 1 the lane runs, and a Tryton that cannot be installed is an error; else it is skipped."""

STATE = Path(__file__).parents[2] / ".concord" / "tryton"
"""Outlives the run, because the template takes minutes to make."""


@contextmanager
def provisioned() -> Iterator[tuple[Cluster, Installation, Template]]:
    """The cluster with the template, which is made if it is not there."""
    STATE.mkdir(parents=True, exist_ok=True)
    with Cluster.start(STATE / "postgres", durable=False) as cluster:
        yield cluster, *prepare_tryton(STATE, cluster, print)


def fresh_state() -> Path:
    """Where a stage finds Tryton's template, but nothing that an earlier stage has left."""
    with provisioned() as (cluster, _, _):
        for name in (*SYSTEMS, "hub"):
            cluster.drop_database(f"{name}_{Erp.TRYTON.value}")
    return STATE
