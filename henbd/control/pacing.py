"""How often an action that changes nothing is tried again.

The plan is made anew at each look, so an action that was done without effect is in it again. It is
done again after a pause that grows; one that is no longer wanted is forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from henbd.actions import Action, Initiate, TerminateChild

# What charon was asked for shows after a few milliseconds; half a second is late by any measure.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# From here on the pause is the longest; an action may be without effect for years.
MOST_DOUBLINGS = 6

A = TypeVar("A", bound=Action)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often an action was done in a row, and when it may be done again (monotonic)."""

    count: int
    again_at: float


@dataclass(frozen=True, slots=True)
class Pace:
    """The actions of the last plan that were done already."""

    attempts: Mapping[Action, Attempt] = field(default_factory=dict)


def paced(
    pace: Pace, planned: Iterable[A], now: float, under_way: frozenset[str] = frozenset()
) -> tuple[list[A], Pace]:
    """Return which of the planned actions are to be done now, and the pace after that.

    `under_way` are the connections about whose Initiate there is no answer yet.
    """
    # An Initiate is not planned while it is under way; what it brought may be taken back at once.
    attempts: dict[Action, Attempt] = {
        action: attempt
        for action, attempt in pace.attempts.items()
        if isinstance(action, Initiate)
        and (now < attempt.again_at or action.connection in under_way)
    }
    chosen = []
    for action in planned:
        before = pace.attempts.get(action, Attempt(0, now))
        if now < before.again_at:
            attempts[action] = before
            continue
        attempts[action] = Attempt(before.count + 1, now + _pause_s(before.count + 1))
        chosen.append(action)
    if any(isinstance(action, TerminateChild) for action in chosen):
        attempts |= {a: replace(t, again_at=now) for a, t in attempts.items() if _makes_way(a, t)}
    return chosen, Pace(attempts)


def _makes_way(action: Action, attempt: Attempt) -> bool:
    """Return whether an action may succeed now that a child was ended, and has failed but once.

    A gateway that allows one child at a time refuses it beside another; until it is asked again the
    box is without any.
    """
    return isinstance(action, Initiate) and attempt.count == 1


def ended(pace: Pace, connection: str, now: float) -> Pace:
    """Return the pace after an Initiate has ended: its pause begins with its end."""
    attempts: dict[Action, Attempt] = {
        action: replace(attempt, again_at=now + _pause_s(attempt.count))
        for action, attempt in pace.attempts.items()
        if isinstance(action, Initiate) and action.connection == connection
    }
    return Pace({**pace.attempts, **attempts})


def _pause_s(count: int) -> float:
    """Return how long an action rests that was done so many times in a row."""
    return min(FIRST_PAUSE_S * 2.0 ** min(count - 1, MOST_DOUBLINGS), LONGEST_PAUSE_S)


def times(pace: Pace, after: float) -> list[float]:
    """Return when actions may be done again, as far as that is after a time."""
    return [attempt.again_at for attempt in pace.attempts.values() if attempt.again_at > after]
