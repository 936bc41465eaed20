"""The CWMP session that is going on: drives the generator with HTTP exchanges and the store."""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from henbd.clock import Clock
from henbd.control.reach import Reach
from henbd.cwmp import opening as openings
from henbd.cwmp.opening import Opening
from henbd.cwmp.session import Outcome, Post, Record, Reply, Session, Stored, Unsent
from henbd.errors import ExchangeError
from henbd.memory import Memory
from henbd.system.acs import Answer, Endpoint
from henbd.trace import Trace
from henbd.values import Address, Management

logger = logging.getLogger(__name__)

# A HeMS that owes an answer for so long may wait when there is a new address to tell.
PATIENCE_S = 2.0

# What a person looks back at on one screen.
MOST_PAST = 5


class Exchanges(Protocol):
    """One HTTP conversation at a time (see henbd.system.acs)."""

    def open(self, endpoint: Endpoint) -> None:
        """Begin to connect, without waiting; raises ExchangeError where that cannot even begin."""

    def post(self, body: bytes, wait_s: float) -> None:
        """Post a body on a thread of its own; Daemon.answered is called with what came of it.

        The HeMS is given `wait_s` seconds for each part of its answer.
        """

    def abort(self) -> None:
        """Give up the conversation, whatever it is waiting for."""

    def end(self) -> None:
        """Close the connection; the next conversation has its own."""

    def wake_at(self) -> float | None:
        """Return when there is something to do by time."""

    def tick(self, now: float) -> None:
        """Do what is due."""


@dataclass(slots=True)
class Dialogue:
    """A session on its way; times are monotonic."""

    session: Session
    opening: Opening
    way: Reach
    started_at: float
    posted_at: float
    informed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last session went, for people: `failure` None where it ended properly."""

    at: float
    started_at: float
    opening: Opening
    informed: bool
    failure: str | None
    given_up: bool = False


class Conversation:
    """Starts, drives and gives up sessions, one at a time.

    `connecting` is called before anything is said in one, while its connection is on its way, and
    `ended` after each.
    """

    def __init__(
        self,
        memory: Memory,
        exchanges: Exchanges,
        clock: Clock,
        trace: Trace,
        connecting: Callable[[], None],
        ended: Callable[[], None],
    ) -> None:
        self._memory = memory
        self._exchanges = exchanges
        self._clock = clock
        self._trace = trace
        self._connecting = connecting
        self._ended = ended
        self.current: Dialogue | None = None
        # The last one first.
        self.past: deque[Ended] = deque(maxlen=MOST_PAST)

    def start(
        self,
        session: Session,
        opening: Opening,
        management: Management,
        way: Reach,
        *,
        passed: datetime | None = None,
    ) -> None:
        """Open a session with the HeMS on this way; its Inform leaves before this returns.

        `passed`: nobody keeps the clock right, but that moment is over (see Endpoint).
        """
        assert self.current is None
        now = self._clock.monotonic()
        self.current = Dialogue(session, opening, way, now, now)
        endpoint = Endpoint(
            url=management.url,
            address=way.address,
            source=way.source,
            username=management.username,
            password=management.password,
            others=way.others,
            passed=passed,
        )
        problem = self._connect(endpoint)
        # That takes its time, in which all else is done.
        self._connecting()
        codes = [event.code for event in opening.events]
        logger.info("session with %s from %s: %s", management.url, way.source, ", ".join(codes))
        self._trace.begin(management.url, str(way.source), codes)
        if problem is None:
            self._drive(None, management)
        else:
            self._finish(Outcome(problem, informed=False), management)

    def _connect(self, endpoint: Endpoint) -> str | None:
        """Begin to connect; return why that cannot be."""
        try:
            self._exchanges.open(endpoint)
        except ExchangeError as error:
            return str(error)
        return None

    def answered(self, answer: Answer | ExchangeError, management: Management) -> None:
        """Go on with the answer to the last post."""
        if self.current is None:
            return
        if isinstance(answer, Answer):
            moment = self._clock.moment()
            self._trace.received(answer.status, answer.body)
            reply = Reply(answer.status, answer.body, self._memory.state, moment)
            self._drive(reply, management)
        elif answer.unsent:
            self._drive(Unsent(str(answer), self._memory.state), management)
        else:
            self._finish(Outcome(str(answer), self.current.informed), management)

    def asked(self, answer: Answer | ExchangeError) -> bool:
        """Return whether an answer may be a request of the HeMS: of what follows InformResponse."""
        informed = self.current is not None and self.current.informed
        return informed and isinstance(answer, Answer) and bool(answer.body)

    def _drive(self, answer: Reply | Unsent | None, management: Management) -> None:
        assert self.current is not None
        dialogue = self.current
        try:
            wish = next(dialogue.session) if answer is None else dialogue.session.send(answer)
            while not isinstance(wish, Post):
                if isinstance(wish, Record):
                    # The first thing that a session records is that the Inform was acknowledged.
                    dialogue.informed = True
                    problem = self._memory.keep(wish.state)
                else:
                    problem = self._memory.commit(wish.state)
                wish = dialogue.session.send(Stored(problem))
        except StopIteration as stop:
            self._finish(stop.value, management)
            return
        dialogue.posted_at = self._clock.monotonic()
        self._exchanges.post(wish.body, wish.wait_s)
        self._trace.sent(wish.body)

    def _finish(self, outcome: Outcome, management: Management) -> None:
        assert self.current is not None
        dialogue, now = self.current, self._clock.monotonic()
        if outcome.failure is None:
            if outcome.left_owing:
                ledger = openings.left_owing(self._memory.ledger, management, now, random.random())
                logger.warning("%s", outcome.left_owing)
            else:
                ledger = openings.succeeded(self._memory.ledger, now)
            logger.info("session ended")
            self._exchanges.end()
        else:
            ledger = openings.failed(
                self._memory.ledger,
                dialogue.opening,
                management,
                now,
                random.random(),
                informed=outcome.informed,
                refused=outcome.refused,
            )
            logger.warning("session failed: %s", outcome.failure)
            self._exchanges.abort()
        self._memory.account(ledger)
        self._close(outcome.failure, outcome.informed)

    def expires_at(self, session_s: float) -> float | None:
        """Return when the session has lasted too long, None where there is none."""
        return None if self.current is None else self.current.started_at + session_s

    def bound(self, session_s: float, management: Management) -> None:
        """End a session that has lasted too long; that is a failure of the HeMS."""
        expires_at, now = self.expires_at(session_s), self._clock.monotonic()
        if self.current is not None and expires_at is not None and expires_at <= now:
            self.current.session.close()
            outcome = Outcome(f"it took longer than {session_s} s", self.current.informed)
            self._finish(outcome, management)

    def give_up(self, why: str) -> None:
        """End the session here and now; it is no failed attempt."""
        assert self.current is not None
        dialogue = self.current
        logger.info("session given up: %s", why)
        self._exchanges.abort()
        dialogue.session.close()
        self._memory.account(
            openings.given_up(self._memory.ledger, dialogue.opening, informed=dialogue.informed)
        )
        self._close(f"given up: {why}", dialogue.informed, given_up=True)

    def _close(self, failure: str | None, informed: bool, *, given_up: bool = False) -> None:
        assert self.current is not None
        dialogue, now = self.current, self._clock.monotonic()
        ended = Ended(
            now, dialogue.started_at, dialogue.opening, informed, failure, given_up=given_up
        )
        self.past.appendleft(ended)
        self._trace.end(failure, acknowledged=informed)
        self.current = None
        self._ended()

    @property
    def last(self) -> Ended | None:
        """The session that ended last."""
        return self.past[0] if self.past else None

    def overtaken(self, present: frozenset[Address], urgent: tuple[str, ...]) -> str | None:
        """Return why the session is to be given up for a newer one, None to let it go on.

        `present` are the addresses that the box has, `urgent` the parameters that cannot wait
        (TS 32.593 5.2.4).
        """
        dialogue = self.current
        if dialogue is None:
            return None
        if dialogue.way.source not in present:
            return f"{dialogue.way.source} has gone"
        waited = self._clock.monotonic() - dialogue.posted_at
        if self.address_due(urgent) and waited >= PATIENCE_S:
            return f"the HeMS has not answered for {waited:.1f} s, and there is an address to tell"
        return None

    def address_due(self, urgent: tuple[str, ...]) -> bool:
        """Return whether an urgent parameter differs from what this session has told."""
        dialogue = self.current
        if dialogue is None:
            return False
        told = {p.name: p.value for p in dialogue.opening.parameters}
        known = self._memory.ledger.acknowledged
        values = self._memory.tree.values
        return any(
            values[path] != (known if dialogue.informed else {**known, **told}).get(path)
            for path in urgent
        )
