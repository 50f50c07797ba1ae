"""The circuit breaker as a state machine, its clock in the test's hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.connectors.breaker import Breaker


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, threshold=3, rest=timedelta(seconds=2))


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_it_lets_calls_through_below_the_threshold(breaker: Breaker) -> None:
    """Two failures of three change nothing."""
    _fail(breaker, 2)
    assert breaker.allows()


def test_one_success_forgets_the_failures_before_it(breaker: Breaker) -> None:
    """Only failures in a row count."""
    _fail(breaker, 2)
    breaker.succeeded()
    _fail(breaker, 2)
    assert breaker.allows()


def test_it_opens_at_the_threshold_and_rests(breaker: Breaker, clock: Clock) -> None:
    """From the third failure on, no call goes out until the rest is over."""
    _fail(breaker, 3)
    clock.now += 1.9
    assert not breaker.allows()


def test_after_the_rest_one_probe_goes_out(breaker: Breaker, clock: Clock) -> None:
    """Of all the calls that wait, a single one finds out."""
    _fail(breaker, 3)
    clock.now += 2
    assert [breaker.allows() for _ in range(3)] == [True, False, False]


def test_a_failed_probe_makes_it_rest_again(breaker: Breaker, clock: Clock) -> None:
    """One more failure is enough while it is open."""
    _fail(breaker, 3)
    clock.now += 2
    assert breaker.allows()
    breaker.failed()
    clock.now += 1.9
    assert not breaker.allows()


def test_a_probe_that_succeeds_closes_it(breaker: Breaker, clock: Clock) -> None:
    """All calls go out again at once."""
    _fail(breaker, 3)
    clock.now += 2
    assert breaker.allows()
    breaker.succeeded()
    assert all(breaker.allows() for _ in range(3))
