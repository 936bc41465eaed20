"""When something is due by time: 2 PERIODIC and its like, 3 SCHEDULED, a retry.

Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from henbd.values import Management, Moment

# TR-069 3.2.1.1: from the tenth retry on, the wait stays the same.
LONGEST_RETRY = 10

# A clock that is set jumps by more, as a rule; one that is slewed takes half an hour for that much
# (adjtimex(2): 500 ppm).
CLOCK_WAS_SET_S = 1.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A ScheduleInform that is not due yet (TR-069 A.4.1.2).

    `due` is when, in whole seconds of the wall clock since 1970; `at` the same in this process,
    None before it is known.
    """

    command_key: str
    delay_s: int
    due: int
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Recurring:
    """What is due once in each interval: 2 PERIODIC, a performance file, a scan.

    Its phase is that of `reference` (PeriodicInformTime), which may be past or to come. It is due
    at `at`, and was last at `was_at`, None before the first time. `ahead_s` is by how much the wall
    clock was ahead of the monotonic one when that was reckoned.
    """

    interval_s: int
    reference: str
    at: float = 0.0
    was_at: float | None = None
    ahead_s: float = 0.0


def scheduled(command_key: str, delay_s: int, now: Moment) -> Scheduled:
    """Return the Inform that is due after a delay."""
    due = int(now.wall.timestamp()) + delay_s
    return Scheduled(command_key, delay_s, due, now.monotonic + delay_s)


def placed(entry: Scheduled, now: Moment) -> Scheduled:
    """Return an entry that an earlier process has left, with its time in this one.

    Never later than its delay from now: the wall clock may have been wrong, then or now.
    """
    if entry.at is not None:
        return entry
    left_s = entry.due - now.wall.timestamp()
    return replace(entry, at=now.monotonic + min(max(left_s, 0.0), entry.delay_s))


def recurring(former: Recurring | None, interval_s: int, reference: str, now: Moment) -> Recurring:
    """Return when something recurs: as before, unless it is to recur in another way.

    Where the wall clock has been set since, its phase is another: `at` is reckoned anew.
    """
    if former is None or (former.interval_s, former.reference) != (interval_s, reference):
        return _reckoned(Recurring(interval_s, reference), now)
    was_set = abs(_ahead_s(now) - former.ahead_s) >= CLOCK_WAS_SET_S
    if was_set and former.at > now.monotonic and not _free(reference):
        return _reckoned(former, now)
    return former


def repeated(entry: Recurring, now: Moment) -> Recurring:
    """Return when something is due again that was due just now."""
    return _reckoned(replace(entry, was_at=entry.at), now)


def _reckoned(entry: Recurring, now: Moment) -> Recurring:
    at = now.monotonic + entry.interval_s
    if not _free(entry.reference):
        since = now.wall - datetime.fromisoformat(entry.reference.replace("Z", "+00:00"))
        at -= since.total_seconds() % entry.interval_s
        if entry.was_at is not None and at - entry.was_at < entry.interval_s / 2:
            # The wall clock lags behind the monotonic one, or was put back: that one is done.
            at += entry.interval_s
    return replace(entry, at=at, ahead_s=_ahead_s(now))


def _free(reference: str) -> bool:
    """Return whether the phase is ours to choose: the Unknown Time is no reference (TR-181)."""
    return reference.startswith("0001-")


def _ahead_s(now: Moment) -> float:
    return now.wall.timestamp() - now.monotonic


def retry_wait(failures: int, management: Management, share: float) -> float:
    """Return the wait before retry n, in seconds; `share` in [0, 1) spreads it.

    It lies between m·(k/1000)^(n-1) and m·(k/1000)^n, from CWMPRetryMinimumWaitInterval and
    CWMPRetryIntervalMultiplier (TR-069 table 3).
    """
    factor = management.retry_multiplier / 1000
    shortest = management.retry_minimum_s * factor ** (min(failures, LONGEST_RETRY) - 1)
    return shortest + share * shortest * (factor - 1)
