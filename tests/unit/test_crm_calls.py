"""The CRM's calls against the lifecycles: each action has a call that takes its arguments."""

from __future__ import annotations

import pytest

from schema.entities.sow import Sow
from schema.errors import Invalid
from schema.lifecycles import LIFECYCLES
from schema.system import System
from sync.connectors.crm_contracts import CALLS, call_of

PERFORMED = {
    (entity, transition.action): transition.takes
    for entity, lifecycle in LIFECYCLES.items()
    for transition in lifecycle.transitions
    if transition.performer is System.CRM and not transition.happens
}


def test_every_action_of_the_crm_has_a_call_that_takes_its_arguments() -> None:
    """Nothing can be asked for that the connector could not translate, and nothing is left over."""
    assert {key: set(call.fields) for key, call in CALLS.items()} == {
        key: set(takes) for key, takes in PERFORMED.items()
    }


def test_arguments_travel_under_the_names_of_the_crm() -> None:
    """Who and why have names of their own there."""
    told = {"by": "ann@firm.example", "reason": "Too cheap."}
    assert call_of(Sow, "reject", told) == (
        "turn-down",
        {"decider_email": "ann@firm.example", "decision_note": "Too cheap."},
    )


@pytest.mark.parametrize(
    ("action", "arguments", "words"),
    [
        ("burn", {}, "no call to burn a Sow"),
        ("submit", {"evidence": "x"}, "submit of a Sow takes no evidence"),
    ],
)
def test_what_the_crm_has_no_word_for_is_invalid(
    action: str, arguments: dict[str, str], words: str
) -> None:
    """It is named, and nothing is sent."""
    with pytest.raises(Invalid, match=words):
        call_of(Sow, action, arguments)
