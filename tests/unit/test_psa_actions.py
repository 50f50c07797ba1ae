"""The PSA's verbs against the lifecycles: each action that is asked of the PSA has a call."""

from __future__ import annotations

import pytest

from hub.demo.psa import PSA
from schema.errors import Invalid
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.psa_work import CALLS, TIME_ENTRY, WORK, call_of

ASKED = {
    (entity, transition.action): set(transition.takes)
    for entity, lifecycle in LIFECYCLES.items()
    for transition in lifecycle.transitions
    if transition.performer is System.PSA and not transition.happens
}
RESOURCES = {binding.entity: binding.resource for binding in WORK}


def test_every_action_asked_of_the_psa_has_a_call_with_its_arguments() -> None:
    """Neither an action nor an argument of one is missing, and none is invented."""
    assert {asked: set(call.fields) for asked, call in CALLS.items()} == ASKED


def test_the_psa_knows_every_verb() -> None:
    """Each call is an action of the stand-in, at the collection of its type."""
    paths = {action.path for action in PSA.actions}
    for (entity, _), call in CALLS.items():
        assert f"/{RESOURCES[entity]}/{{key}}/{call.verb}" in paths


def test_what_has_no_word_at_the_psa_is_invalid() -> None:
    """An unknown action or argument is named and nothing is sent."""
    with pytest.raises(Invalid, match="cannot post a TimeEntry"):
        call_of(TIME_ENTRY, "post", {})
    with pytest.raises(Invalid, match="does not take reason"):
        call_of(TIME_ENTRY, "approve", {"by": "ann@firm.example", "reason": "x"})
