"""Which of several candidates is to be tried now: gateways, or S1 far ends, in order.

One that failed is left alone for a while that grows with its failures, and the next has its turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from henbd.values import Address

# Doubling from one second: a gateway that restarts is back soon, one that is gone is asked each
# minute, which ten thousand boards can do to it without harm.
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
# From here on the wait is the longest; a board may fail for years.
MOST_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class Failure:
    """How often a candidate failed in a row, until when it is left alone (monotonic), and why."""

    count: int
    until: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trials:
    """The failures of the candidates, by address; those that never failed are not in it."""

    failures: Mapping[Address, Failure] = field(default_factory=dict)


def until(trials: Trials, candidate: Address) -> float:
    """Return until when a candidate is left alone; a time in the past where it may be tried."""
    failure = trials.failures.get(candidate)
    return failure.until if failure else 0.0


def choose(candidates: Sequence[Address], trials: Trials, now: float) -> Address | None:
    """Return the first that may be tried; if all have to wait, the one whose wait ends first."""
    return min(candidates, key=lambda c: max(until(trials, c), now), default=None)


def failed(
    trials: Trials,
    candidate: Address,
    now: float,
    share: float,
    wait_s: float | None = None,
    *,
    why: str = "",
) -> Trials:
    """Return the trials after a failure; `share` in [0, 1) spreads the wait, `wait_s` sets it.

    A failure while the candidate is left alone is the same failure still.
    """
    before = trials.failures.get(candidate, Failure(0, 0.0))
    if now < before.until:
        return trials
    growing = min(FIRST_WAIT_S * 2 ** min(before.count, MOST_DOUBLINGS), LONGEST_WAIT_S)
    wait = growing * (0.5 + share) if wait_s is None else wait_s
    return Trials({**trials.failures, candidate: Failure(before.count + 1, now + wait, why)})


def succeeded(trials: Trials, candidate: Address) -> Trials:
    """Return the trials after a success: the candidate has never failed."""
    if candidate not in trials.failures:
        return trials
    return Trials({c: f for c, f in trials.failures.items() if c != candidate})


def times(trials: Trials, after: float) -> list[float]:
    """Return when waits end, as far as that is after a time."""
    return [failure.until for failure in trials.failures.values() if failure.until > after]
