"""The inbox: from a call to a record of the log. Whoever is told yes need not send again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum

import structlog

from cdc.log.port import AppendsOnce, Told
from cdc.webhook.event import CONTENT_TYPES, content_type, read_event
from cdc.webhook.meaning import EventForm
from cdc.webhook.signature import Sender, Stale, Unsigned, signed_at
from schema.errors import Invalid, NotFound, Unavailable
from schema.system import System

log = structlog.get_logger(__name__)


class Outcome(Enum):
    """What became of a call, for the figures."""

    KEPT = "kept"
    KNOWN = "known"
    UNSIGNED = "unsigned"
    STALE = "stale"
    INVALID = "invalid"
    UNAVAILABLE = "unavailable"


_REFUSED: Mapping[type[Exception], Outcome] = {
    Unsigned: Outcome.UNSIGNED,
    Stale: Outcome.STALE,
    Invalid: Outcome.INVALID,
    Unavailable: Outcome.UNAVAILABLE,
}


class Inbox:
    """Takes the events of the systems that have a secret; of others there is none.

    `counted` are the calls so far, by system and outcome, of this process.
    """

    def __init__(
        self,
        senders: Mapping[System, Sender],
        form: EventForm,
        log: AppendsOnce,
        now: Callable[[], datetime],
    ) -> None:
        self.counted: Counter[tuple[System, Outcome]] = Counter()
        self._senders = {system: one for system, one in senders.items() if one.secrets}
        self._form = form
        self._log = log
        self._now = now

    def sender(self, name: str) -> System:
        """The system that may send here. Raises NotFound for one that may not."""
        for system in self._senders:
            if system.value == name:
                return system
        raise NotFound("No such endpoint.")

    async def take(self, system: System, headers: Mapping[str, str], body: bytes) -> Outcome:
        """KEPT once the event is in the log for good, KNOWN when it was there before.

        Raises Unsigned, Stale, Invalid with what is wrong, or Unavailable: send it again.
        """
        try:
            outcome = await self._take(system, headers, body)
        except tuple(_REFUSED) as refusal:
            self._count(
                system, next(o for kind, o in _REFUSED.items() if isinstance(refusal, kind))
            )
            raise
        self._count(system, outcome)
        return outcome

    async def _take(self, system: System, headers: Mapping[str, str], body: bytes) -> Outcome:
        now, sender = self._now(), self._senders[system]
        signed = signed_at(sender, headers, body, now)
        if content_type(headers) not in CONTENT_TYPES:
            raise Invalid(f"Send one event as {' or '.join(sorted(CONTENT_TYPES))}.")
        event = read_event(sender.form, headers, body, signed)
        record = self._form.keep(system, event, now)
        is_new = await self._log.append_once(Told(system=system.value, id=event.id), [record])
        return Outcome.KEPT if is_new else Outcome.KNOWN

    def _count(self, system: System, outcome: Outcome) -> None:
        self.counted[system, outcome] += 1
        log.debug("webhook.taken", system=system.name, outcome=outcome.value)
