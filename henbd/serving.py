"""Which HeMS is called: the one that the parameters name, or for a while the last good one."""

from __future__ import annotations

import logging

from henbd.control import intent
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import trial as trials
from henbd.cwmp.events import PERIODIC
from henbd.cwmp.trial import Trial
from henbd.memory import Memory
from henbd.values import Management

logger = logging.getLogger(__name__)


class Serving:
    """The HeMS in use, and how the trial of a new one stands."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.trial: Trial | None = None
        self.management: Management = intent.management(memory.tree)
        self._wanted_url = self.management.url

    def judge(self, now: float, trial_s: float, *, reachable: bool, misplaced: bool) -> bool:
        """See how the trial stands; return whether another HeMS is to be called from now on."""
        ledger, wanted = self._memory.ledger, intent.management(self._memory.tree)
        before, in_use = self.trial, self.management.url
        if wanted.url != self._wanted_url:
            self._wanted_url = wanted.url
            if ledger.hems and ledger.hems != wanted.url:
                ledger = ledgers.turned(ledger)
                self._memory.record(ledger)
        self.trial = trials.judged(
            before, ledger, wanted, now, trial_s, reachable=reachable, misplaced=misplaced
        )
        self.management = trials.in_use(self.trial, ledger, wanted)
        if self.trial is not None and before is not None and self.trial.back is not before.back:
            self._change(self.trial, trial_s)
        return self.management.url != in_use

    def _change(self, trial: Trial, trial_s: float) -> None:
        ledger = ledgers.without_wait(self._memory.ledger)
        if trial.back:
            logger.error("%s does not answer: %s again", trial.url, ledger.hems)
            # The last good one learns where we are; an Inform needs an event.
            ledger = ledgers.with_event(ledger, PERIODIC)
        else:
            logger.info("%s is tried again, for %.0f s", trial.url, trial_s)
        self._memory.account(ledger)

    def wake_at(self, now: float) -> float | None:
        """Return when the trial goes on by time; None: with the next attempt."""
        until = None if self.trial is None else self.trial.until
        return until if until is not None and until > now else None
