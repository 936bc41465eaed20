"""A HeMS of a new URL is on trial until it has acknowledged an Inform.

One that does not is left for the last good one, and tried again now and then: a mistyped URL must
not cost a visit to the box. The parameter keeps what was set. Times are monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from henbd.cwmp.ledger import Ledger
from henbd.values import Management

# So long the last good one is stayed with before the new one is tried again.
AGAIN_S = 3600.0


@dataclass(frozen=True, slots=True)
class Trial:
    """A HeMS that has not answered yet. `back`: for the time being we are with the last good one.

    `until` is when that changes, None while nothing is held against it.
    """

    url: str
    back: bool = False
    until: float | None = None


def judged(
    trial: Trial | None,
    ledger: Ledger,
    wanted: Management,
    now: float,
    trial_s: float,
    *,
    reachable: bool,
    misplaced: bool,
) -> Trial | None:
    """Return how the trial of the wanted HeMS stands, None where it needs none.

    `reachable`: there is a way to it; `misplaced`: there is none, and only its URL is to blame. An
    outage is not its fault: what ends its time is an attempt that has failed, or that there is
    nowhere to attempt it.
    """
    if not ledger.hems or ledger.hems == wanted.url:
        return None
    if trial is None or trial.url != wanted.url:
        trial = Trial(wanted.url)
    if trial.back:
        assert trial.until is not None
        return trial if now < trial.until else Trial(wanted.url)
    if not ledger.failures and not misplaced:
        return Trial(wanted.url)
    if trial.until is None:
        return replace(trial, until=now + trial_s)
    failing = misplaced or (reachable and ledger.retry_at is not None)
    if now < trial.until or not failing:
        return trial
    return Trial(wanted.url, back=True, until=now + AGAIN_S)


def in_use(trial: Trial | None, ledger: Ledger, wanted: Management) -> Management:
    """Return what is to be known of the HeMS that is called now."""
    if trial is None or not trial.back:
        return wanted
    good = ledger.account
    return replace(wanted, url=ledger.hems, username=good.username, password=good.password)
