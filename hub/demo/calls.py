"""What the business calls of the stand-ins share: reading their bodies, and saying no."""

from collections.abc import Mapping
from typing import Any

from hub.demo.kinds import Kind
from hub.demo.refusals import Reason, Refusal

Path = Mapping[str, str]
Fields = Mapping[str, object]


def read_fields(fields: Fields, **kinds: Kind) -> list[Any]:
    """Exactly the named fields, in that order."""
    if fields.keys() != kinds.keys():
        wrong = ", ".join(sorted(fields.keys() ^ kinds.keys()))
        raise Refusal(Reason.INVALID, f"Missing or unknown here: {wrong}.")
    values = []
    for name, kind in kinds.items():
        try:
            values.append(kind.decode(fields[name]))
        except ValueError as error:
            raise Refusal(Reason.INVALID, f"{name} {error}.") from None
    return values


def broken(rule: str, message: str) -> Refusal:
    return Refusal(Reason.BROKEN_RULE, message, rule=rule)
