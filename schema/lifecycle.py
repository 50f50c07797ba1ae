"""Lifecycles as data: which state follows which, by what action, carried out by which system."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, NamedTuple

import strawberry

from schema.errors import Invalid, NotAllowed, Rejected
from schema.system import System


@strawberry.enum(description="Who may ask for a step.")
class Role(Enum):
    CONTRACT_OWNER = strawberry.enum_value(
        "the contract owner", description="Who answers for the contract with the client."
    )
    APPROVER = strawberry.enum_value(
        "an approver", description="Who may bind the firm, and did not write it."
    )
    PRICING = strawberry.enum_value("pricing", description="Who keeps the firm's prices.")
    AUTHOR = strawberry.enum_value("the author", description="Whose time or expense it is.")
    PROJECT_MANAGER = strawberry.enum_value(
        "the project manager", description="Who runs the project."
    )
    STAFFING = strawberry.enum_value("staffing", description="Who plans the people.")
    FINANCE = strawberry.enum_value("finance", description="Who bills, posts and collects.")
    CLIENT = strawberry.enum_value("the client", description="Who buys the work.")


class Argument(NamedTuple):
    """One thing an action must be told."""

    type: type
    description: str


ARGUMENTS: Mapping[str, Argument] = {
    "by": Argument(str, "E-mail address of who decided."),
    "reason": Argument(str, "Why; the system that carries it out keeps it."),
    "evidence": Argument(str, "Where the acceptance is kept."),
    "posting_date": Argument(date, "Accounting date; its period must be open."),
    "sent_on": Argument(date, "Day it went to the client."),
    "review_by": Argument(date, "Day to look again."),
}
"""Whatever an action may take."""


Facts = Mapping[str, Any]
"""What is known of the record that is asked about: canonical field name -> value, and likewise what
the hub tells of it beside its fields. What is not known is absent."""
_NOTHING_KNOWN: Facts = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What may keep a step from being taken, wherever the record stands.

    `objection` says in words what stands in the way, None when nothing does; it looks at the
    fields `reads` and at what the hub `tells` beside them. `system` is who objects, `code` its
    stable word for the reason.
    """

    system: System
    code: str
    reads: frozenset[str] = frozenset()
    tells: frozenset[str] = frozenset()
    objection: Callable[[Facts], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """From any of `sources` to `target`, by `action` at `performer`, `unless` a guard objects.

    `asked_by` may ask for it; nobody asks for a transition that `happens` by itself, such as a
    payment that arrives. `takes` are the arguments that must come with it.
    """

    action: str
    sources: tuple[Enum, ...]
    target: Enum
    performer: System
    asked_by: Role | None
    takes: tuple[str, ...] = ()
    unless: tuple[Guard, ...] = ()

    @property
    def happens(self) -> bool:
        return self.asked_by is None

    def is_free(self, facts: Facts) -> bool:
        """Whether no guard objects."""
        return all(guard.objection(facts) is None for guard in self.unless)

    def require_free(self, facts: Facts) -> None:
        """Raises Rejected, in the words and with the code of the first guard that objects."""
        for guard in self.unless:
            if (why := guard.objection(facts)) is not None:
                message = f"{self.action} is not possible now: {why}"
                raise Rejected(message, system=guard.system, owner_code=guard.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """Every transition there is of one type's status field; anything else is an error."""

    entity: type
    field: str
    transitions: tuple[Transition, ...]

    @property
    def actions(self) -> tuple[str, ...]:
        """What can be asked for, each once, in declaration order."""
        return tuple(dict.fromkeys(t.action for t in self.transitions if not t.happens))

    @property
    def reads(self) -> frozenset[str]:
        """The fields that decide what can be asked for."""
        guarded = (guard.reads for step in self.transitions for guard in step.unless)
        return frozenset({self.field}).union(*guarded)

    def tells(self, state: Enum | None) -> frozenset[str]:
        """What the hub must tell beside the fields, to say what can be asked for from there."""
        guards = (guard for step in self._leaving(state) for guard in step.unless)
        return frozenset().union(*(guard.tells for guard in guards))

    def available(self, state: Enum | None, facts: Facts) -> tuple[Transition, ...]:
        """What can be asked for next."""
        return tuple(step for step in self._leaving(state) if step.is_free(facts))

    def performer(self, action: str) -> System:
        """The system that carries an action out. Raises Invalid for one that does not exist."""
        for transition in self.transitions:
            if transition.action == action and not transition.happens:
                return transition.performer
        raise Invalid(
            f"{self.entity.__name__} has no action {action}; it has {', '.join(self.actions)}."
        )

    def require(self, action: str, state: Enum | None, facts: Facts) -> Transition:
        """As `step`; raises Rejected when there is one but a guard objects."""
        transition = self.step(action, state, facts)
        transition.require_free(facts)
        return transition

    def step(self, action: str, state: Enum | None, facts: Facts = _NOTHING_KNOWN) -> Transition:
        """The transition that `action` makes from `state`, whatever its guards say.

        Raises NotAllowed, naming the others, when there is none.
        """
        self.performer(action)
        for transition in self._leaving(state):
            if transition.action == action:
                return transition
        available = self.available(state, facts)
        raise NotAllowed(
            f"{self.entity.__name__} is {_word(state)}: {_said(action)} is not possible from "
            f"there; {_possible(available)}.",
            current=_word(state),
            allowed=tuple(t.action for t in available),
        )

    def _leaving(self, state: Enum | None) -> tuple[Transition, ...]:
        return tuple(t for t in self.transitions if state in t.sources and not t.happens)


def _word(state: Enum | None) -> str:
    return "in no known state" if state is None else state.name


def _said(action: str) -> str:
    return action.replace("_", " ")


def _possible(available: Iterable[Transition]) -> str:
    steps = ", ".join(f"{_said(t.action)} (to {t.target.name})" for t in available)
    return f"possible now: {steps}" if steps else "nothing can be asked for any more"
