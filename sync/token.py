"""Write tokens: a mutation hands one out, and a later read waits until it shows that write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schema.canon import BY_NAME, require_id
from schema.entity import entity_name, owners
from schema.errors import Invalid
from schema.system import System
from sync.opaque import seal, unseal


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteToken:
    """`system` holds this version of its part of the record, or a later one.

    `version` is None where a system does not count versions: then only a live read is sure.
    """

    entity: type
    record_id: str
    system: System
    version: int | None


@dataclass(frozen=True, slots=True)
class _Sealed:
    v: Literal[1]
    e: str
    i: str
    s: System
    n: int | None


def seal_token(token: WriteToken) -> str:
    return seal(
        _Sealed(
            v=1,
            e=entity_name(token.entity),
            i=token.record_id,
            s=token.system,
            n=token.version,
        )
    )


def unseal_token(text: str) -> WriteToken:
    """Raises Invalid when the text is not a token a mutation of this graph gave out."""
    sealed = unseal(text, _Sealed, what="token")
    entity = BY_NAME.get(sealed.e)
    if entity is None:
        raise Invalid(f"The token names no type of this graph: {sealed.e[:40]!r}.")
    require_id(entity, sealed.i)
    if sealed.s not in owners(entity):
        raise Invalid(f"The token names {sealed.s.name}, which owns nothing of {entity.__name__}.")
    return WriteToken(entity=entity, record_id=sealed.i, system=sealed.s, version=sealed.n)
