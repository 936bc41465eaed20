"""When an Inform is due by time: 2 PERIODIC, 3 SCHEDULED, a retry. Times are monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from henbd.values import Management, Moment

# TR-069 3.2.1.1: from the tenth retry on, the wait stays the same.
LONGEST_RETRY = 10


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


def next_periodic(interval_s: int, reference: str, now: Moment) -> float:
    """Return when 2 PERIODIC is due next; `reference` is PeriodicInformTime.

    Its phase is that of the reference where that is known (TR-181), else it is free.
    """
    since = now.wall - datetime.fromisoformat(reference.replace("Z", "+00:00"))
    if reference.startswith("0001-"):
        return now.monotonic + interval_s
    return now.monotonic + interval_s - since.total_seconds() % interval_s


def retry_wait(failures: int, management: Management, share: float) -> float:
    """Return the wait before retry n, in seconds; `share` in [0, 1) spreads it.

    It lies between m·(k/1000)^(n-1) and m·(k/1000)^n, from CWMPRetryMinimumWaitInterval and
    CWMPRetryIntervalMultiplier (TR-069 table 3).
    """
    factor = management.retry_multiplier / 1000
    shortest = management.retry_minimum_s * factor ** (min(failures, LONGEST_RETRY) - 1)
    return shortest + share * shortest * (factor - 1)
