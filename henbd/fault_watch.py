"""Raises, changes and clears the alarms of this box: after each full look, never in a hot one."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from henbd.clock import Clock
from henbd.control import course as courses
from henbd.control import faults as alarms
from henbd.control import report_faults
from henbd.control.alarms import KINDS, MANY_FAILURES, Sight
from henbd.control.faults import CLEARED, Event
from henbd.cwmp import ledger as ledgers
from henbd.memory import Memory
from henbd.model.types import CLOCK_IS_SET, date_time
from henbd.values import Desired, Observed

if TYPE_CHECKING:
    from henbd.daemon import Daemon

logger = logging.getLogger(__name__)

# A flash that did not take the state is asked again so often.
STORE_AGAIN_S = 60.0

# No bell rings when a session has failed, or the flash: then it is looked so soon after a look.
OWN_WITHIN_S = 1.0


def sight(daemon: Daemon, observed: Observed, wanted: Desired) -> Sight:
    """Return what alarms are judged by."""
    last, course, clock = daemon.conversation.last, daemon.witness.course, daemon.clock
    settings = daemon.settlement.settings
    return Sight(
        settings=settings,
        asked=daemon.settlement.asked,
        observed=observed,
        tunnel=daemon.witness.tunnel,
        desired=wanted,
        course=course,
        stack_lost=courses.stack_lost(course, settings.s1.hold_s, clock.monotonic()),
        unstored=daemon.memory.unstored,
        failures=daemon.memory.ledger.failures,
        failure=last.failure if last else None,
        clock_set=clock.wall() >= CLOCK_IS_SET,
    )


class FaultWatch:
    """Since when what is the case; of this process alone. What is raised is in the state."""

    def __init__(self, memory: Memory, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        self._suspicions = alarms.suspected(memory.state.faults)
        self._store_at: float | None = None
        self._known = self._own()

    def look(self, sight: Sight) -> None:
        """Take what a look has shown; an alarm that is another now costs one write to flash."""
        now = self._clock.monotonic()
        self._mend(now)
        self._known = self._own()
        found = {number: kind.condition(sight) for number, kind in KINDS.items()}
        self._suspicions = alarms.judged(self._suspicions, found, now, random.random())
        tree, faults = self._memory.tree, self._memory.state.faults
        mechanisms = report_faults.mechanisms(tree)
        events = alarms.happened(
            faults,
            alarms.wanted(self._suspicions, mechanisms),
            {number: text for number, text in found.items() if isinstance(text, str)},
            report_faults.instances(tree, sight.settings.device),
            date_time(self._clock.wall()),
        )
        if events:
            self._tell(events, mechanisms)

    def _tell(self, events: tuple[Event, ...], mechanisms: dict[int, str]) -> None:
        for event in events:
            kind = KINDS[event.kind]
            level = logging.INFO if event.notification == CLEARED else logging.WARNING
            logger.log(
                level, "%s, %s: %s: %s", event.notification, kind.severity, kind.problem, event.text
            )
        state = self._memory.state
        faults = alarms.after(state.faults, events, mechanisms)
        tree = report_faults.reported(state.tree, faults)
        ledger = ledgers.noticed(state.ledger, state.tree, tree)
        rows = report_faults.written(state.faults, faults)
        ledger = ledgers.rewritten(ledger, tree, rows)
        self._memory.keep(replace(state, tree=tree, ledger=ledger, faults=faults))

    def _mend(self, now: float) -> None:
        """Have the flash asked again now and then, so that an alarm about it ends with it."""
        if self._memory.unstored is None:
            self._store_at = None
        elif self._store_at is None:
            self._store_at = now + STORE_AGAIN_S
        elif now >= self._store_at:
            self._memory.try_again()
            self._store_at = now + STORE_AGAIN_S

    def times(self, after: float) -> Iterator[float]:
        """Yield when time alone will change something, as far as that is after a time."""
        yield from alarms.times(self._suspicions, after)
        if self._store_at is not None and self._store_at > after:
            yield self._store_at
        if self._own() != self._known:
            yield after + OWN_WITHIN_S

    def _own(self) -> tuple[bool, bool]:
        """Return what is wrong with flash and sessions, as far as it is an alarm."""
        return self._memory.unstored is not None, self._memory.ledger.failures >= MANY_FAILURES
