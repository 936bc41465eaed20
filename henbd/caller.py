"""Calls the HeMS: when a session is due, over which way, with what; and when one is given up."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator

from henbd.clock import Clock
from henbd.control import factory, inform_parameters, intent, refusal
from henbd.control.reach import Misplaced, Reach
from henbd.conversation import PATIENCE_S, Conversation
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import opening as openings
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.rules import Rules
from henbd.cwmp.session import session
from henbd.errands import downloads, uploads
from henbd.errors import Culprit
from henbd.memory import Memory
from henbd.model.tree import Tree
from henbd.model.types import date_time
from henbd.serving import Serving
from henbd.settings import SetStatus, Settings
from henbd.values import NOT_YET, Kernel, Management, Unknown

logger = logging.getLogger(__name__)


class Caller:
    """Who is called, the way there, and the sessions that are begun.

    `settings` are asked for each time: they may have been read anew.
    """

    def __init__(
        self,
        memory: Memory,
        conversation: Conversation,
        clock: Clock,
        boot_id: str,
        settings: Callable[[], Settings],
    ) -> None:
        self.serving = Serving(memory)
        self.way: Reach | Unknown = NOT_YET
        self._memory = memory
        self._conversation = conversation
        self._clock = clock
        self._boot_id = boot_id
        self._settings = settings
        self._reckoned: tuple[tuple[Ledger, Tree, Management], float | None] | None = None

    @property
    def management(self) -> Management:
        """What there is to know of the HeMS in use."""
        return self.serving.management

    def judge(self, now: float) -> bool:
        """See which HeMS is to be called; return whether it is another than before."""
        if not self.serving.judge(
            now,
            self._settings().hems.trial_s,
            reachable=isinstance(self.way, Reach),
            misplaced=isinstance(self.way, Misplaced),
        ):
            return False
        # The way that was found leads to the former one.
        self.way = Unknown("the HeMS has changed")
        return True

    def take(self, way: Reach | Unknown, now: float) -> None:
        """Keep the way to the HeMS; one that has just come up ends the wait for a retry."""
        if isinstance(way, Reach) and not isinstance(self.way, Reach):
            ledger = ledgers.without_wait(self._memory.ledger)
            # Where a gateway has come back, it has for very many boxes at once.
            until = now + random.random() * self._settings().hems.spread_s
            self._memory.account(ledgers.put_off(ledger, until))
        if isinstance(way, Unknown) and way != self.way:
            logger.info("no way to the HeMS: %s", way.reason)
        self.way = way

    def advance(self) -> None:
        """Let the ledger see what time it is."""
        moment = self._clock.moment()
        self._memory.account(ledgers.advanced(self._memory.ledger, self.management, moment))

    def times(self) -> Iterator[float]:
        """Yield when a session is due, or when the one that is going on is to be given up."""
        current = self._conversation.current
        if current is not None:
            if self._conversation.address_due(intent.inner_addresses(self._memory.tree)):
                yield current.posted_at + PATIENCE_S
        elif isinstance(self.way, Reach):
            due_at = self._due_at()
            if due_at is not None:
                yield due_at

    def _due_at(self) -> float | None:
        """Return when the next session is due; asked in each turn, reckoned when it may change."""
        by = (self._memory.ledger, self._memory.tree, self.management)
        if self._reckoned is None or self._reckoned[0] != by:
            self._reckoned = by, ledgers.wake_at(*by, self._boot_id)
        return self._reckoned[1]

    def give_up(self, kernel: Kernel) -> None:
        """Give up a session that is overtaken."""
        present = frozenset(address.address for address in kernel.addresses)
        urgent = intent.inner_addresses(self._memory.tree)
        why = self._conversation.overtaken(present, urgent)
        if why is not None:
            self._conversation.give_up(why)

    def call(self, now: float) -> bool:
        """Begin a session if one is due; return whether one began."""
        if self._conversation.current is not None or isinstance(self.way, Unknown):
            return False
        # The hour may have struck since the turn began: while charon took its time.
        self.advance()
        if not any(at <= now for at in self.times()):
            return False
        self._begin(self.way)
        return True

    def _begin(self, way: Reach) -> None:
        settings, tree = self._settings(), self._memory.tree
        ledger, opening = openings.opened(
            self._memory.ledger,
            tree,
            self.management,
            self._boot_id,
            lambda codes: inform_parameters.informed(tree, codes),
            choice=settings.hems.cwmp_version,
        )
        self._memory.account(ledger)
        dialogue = session(
            opening,
            factory.device_id(settings),
            date_time(self._clock.wall()),
            settings.hems.cwmp_version,
            self._rules(),
        )
        passed = self._clock.passed()
        self._conversation.start(dialogue, opening, self.management, way, passed=passed)

    def _rules(self) -> Rules:
        settings = self._settings()
        return Rules(
            self.refusals,
            self._set_status,
            self._boot_id,
            downloads(settings),
            uploads(settings),
        )

    def refusals(self, tree: Tree, changed: frozenset[str]) -> tuple[Culprit, ...]:
        """Return which of the changed parameters ask for what cannot be done on this box."""
        return refusal.refusals(tree, changed, self._settings())

    def _set_status(self, before: Tree, after: Tree) -> int:
        """Return the Status of SetParameterValuesResponse: 1 where the letter would have it."""
        settings = self._settings()
        if settings.hems.set_status is SetStatus.ZERO:
            return 0
        waits = intent.provisioned(before, settings) != intent.provisioned(
            after, settings
        ) or intent.management(before) != intent.management(after)
        return int(waits)
