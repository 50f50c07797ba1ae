"""Why a stand-in says no, before its dialect puts that into its own words."""

from enum import Enum


class Reason(Enum):
    UNREADABLE = "unreadable"
    UNKNOWN_FILTER = "unknown_filter"
    UNAUTHORIZED = "unauthorized"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"
    BROKEN_RULE = "broken_rule"
    STALE = "stale"
    TOO_LARGE = "too_large"
    INVALID = "invalid"
    TOO_MANY = "too_many"


class Refusal(Exception):
    """The request was understood well enough to say what is wrong with it."""

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        rule: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.rule = rule
        """The code of the broken business rule, in the system's own words."""
        self.retry_after = retry_after
        """Seconds after which the same call may go through."""


STATUS = {
    Reason.UNREADABLE: 400,
    Reason.UNKNOWN_FILTER: 400,
    Reason.UNAUTHORIZED: 401,
    Reason.NOT_FOUND: 404,
    Reason.NOT_ALLOWED: 405,
    Reason.BROKEN_RULE: 409,
    Reason.STALE: 409,
    Reason.TOO_LARGE: 413,
    Reason.INVALID: 422,
    Reason.TOO_MANY: 429,
}
