"""What a capture or a log may lack, by name: the one place for what is looked at before a start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from schema.errors import Invalid

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that will lose or delay changes; `text` says what to do. Fatal ones refuse."""

    name: str
    text: str
    is_fatal: bool = False


def judge(troubles: Iterable[Trouble]) -> None:
    """Tell all of them, the fatal ones as errors. Raises Invalid with those."""
    found = list(troubles)
    for trouble in found:
        tell = _log.error if trouble.is_fatal else _log.warning
        tell("check.failed", name=trouble.name, text=trouble.text)
    fatal = [trouble.text for trouble in found if trouble.is_fatal]
    if fatal:
        raise Invalid("; ".join(fatal))
