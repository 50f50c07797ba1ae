"""The closed tree of errors, named by what the caller should do.

    ConcordError
    ├── Invalid            the request is wrong: change it
    │   ├── KeyRequired      send an idempotency key
    │   └── KeyReused        the idempotency key was used for another request
    ├── NotOwned           the field belongs to another system: write it there
    ├── NotFound           there is no such record
    ├── Conflict           the record moved: read again, then decide
    ├── NotAllowed         its state does not allow it: ask for one of the allowed actions
    ├── Rejected           the owner refuses, with its own words: change the business facts
    ├── InFlight           the same request is still running: ask again later
    ├── Unavailable        the system does not answer now: try again later
    │   └── RateLimited      the system asks for a pause
    ├── OutcomeUnknown     the system may have done it: look before sending again
    └── Poison             an envelope nobody can decode: park it, go on

Raised once at the boundary that knows, translated once at the edge that speaks. The public message
says what failed and what to do next; it never carries a secret or a raw payload.
"""

from __future__ import annotations

from datetime import timedelta

from schema.system import System


class ConcordError(Exception):
    """Something Concord can name."""

    code = "INTERNAL"
    is_retryable = False

    def __init__(
        self, message: str, *, system: System | None = None, owner_code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.system = system
        self.owner_code = owner_code


class Invalid(ConcordError):
    code = "BAD_USER_INPUT"


class KeyRequired(Invalid):
    code = "IDEMPOTENCY_KEY_REQUIRED"


class KeyReused(Invalid):
    code = "IDEMPOTENCY_KEY_REUSED"


class NotOwned(ConcordError):
    code = "NOT_OWNER"


class NotFound(ConcordError):
    code = "NOT_FOUND"


class Conflict(ConcordError):
    code = "CONFLICT"


class NotAllowed(ConcordError):
    """The record's lifecycle has no such step; `allowed` are the actions it has from here."""

    code = "TRANSITION_NOT_ALLOWED"

    def __init__(self, message: str, *, current: str, allowed: tuple[str, ...]) -> None:
        super().__init__(message)
        self.current = current
        self.allowed = allowed


class Rejected(ConcordError):
    """A rule of `system` forbids it; `owner_code` is its own code for the rule."""

    code = "REJECTED"
    system: System

    def __init__(self, message: str, *, system: System, owner_code: str | None = None) -> None:
        super().__init__(message, system=system, owner_code=owner_code)


class InFlight(ConcordError):
    code = "IN_FLIGHT"
    is_retryable = True


class Unavailable(ConcordError):
    code = "UPSTREAM_UNAVAILABLE"
    is_retryable = True

    def __init__(
        self,
        message: str,
        *,
        system: System | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message, system=system)
        self.retry_after = retry_after


class RateLimited(Unavailable):
    code = "RATE_LIMITED"


class OutcomeUnknown(ConcordError):
    """The owner may or may not have applied the write; sending it again blindly may double it."""

    code = "OUTCOME_UNKNOWN"
    is_retryable = True


class Poison(ConcordError):
    """An envelope that cannot become a change; `reason` is stable and countable."""

    code = "POISON"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
