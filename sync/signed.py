"""Who sets something right by hand."""

from __future__ import annotations

from dataclasses import dataclass

from schema.errors import Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who sets something right by hand, and why; both are kept with it."""

    by: str
    why: str

    def __post_init__(self) -> None:
        if not self.by.strip() or not self.why.strip():
            raise Invalid("Say who does it, and why.")
