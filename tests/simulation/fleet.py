"""A fleet that loses its gateway, in simulated time: real ledgers and sessions, a fake HeMS.

Every HeNB gets another inner address within a second and has to inform its HeMS, which can hold a
bounded number of sessions a second. Whoever is too many is told 503, or nothing.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache, partial

from henbd.control import inform_parameters
from henbd.cwmp import ledger as ledgers
from henbd.cwmp import opening as openings
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.opening import Opening
from henbd.cwmp.rules import Rules
from henbd.cwmp.session import Outcome, Post, Record, Reply, Session, Stored, session
from henbd.cwmp.state import State
from henbd.cwmp.structs import DeviceId
from henbd.values import Moment
from tests.unit.box import ADDRESS, WALL, registered
from tests.unit.fakes.hems import ENVELOPE, INFORM_RESPONSE
from tests.unit.settings import SECRET

VERSION = "auto"
DEVICE = DeviceId("Example Networks", "00256D", "HeNB", "000001")
RULES = Rules(lambda _tree, _changed: (), lambda _before, _after: 0, "boot")
RESPONSE = (ENVELOPE % INFORM_RESPONSE).encode()

# henbd.system.channel.READ_TIMEOUT_S: so long an answer is waited for.
SILENCE_S = 30.0

# So soon after the gateway is back all tunnels are up again.
TUNNELS_S = 1.0

# The HeMS's second is cut into so many parts, each with its share of the capacity.
PARTS = 10


@dataclass(frozen=True, slots=True)
class Storm:
    """What is simulated: so many HeNBs, so many sessions a second, and what spreads them."""

    boxes: int
    capacity: int
    answers_503: bool
    spread_s: float = 0.0

    def __str__(self) -> str:
        manner = "503" if self.answers_503 else "no answer"
        return f"{manner} above {self.capacity}/s, spread_s = {self.spread_s:g}"


@dataclass(slots=True)
class Aftermath:
    """What came of it: Informs that arrived and that were served, by second, and tries by HeNB."""

    storm: Storm
    arrived: Counter[int] = field(default_factory=Counter)
    served: Counter[int] = field(default_factory=Counter)
    registered_at: list[float] = field(default_factory=list)
    tries: list[int] = field(default_factory=list)

    def time_until(self, share: float) -> float:
        """Return when that share of the fleet was registered, in seconds from the beginning."""
        return sorted(self.registered_at)[max(0, int(share * self.storm.boxes) - 1)]

    @property
    def retries(self) -> float:
        """How often a HeNB had to try again, on average."""
        return sum(self.tries) / self.storm.boxes - 1


@dataclass(frozen=True, slots=True)
class Attempt:
    """A session that the HeMS leaves without an answer."""

    opening: Opening
    session: Session


class Fleet:
    """The HeNBs of one storm. They differ in their ledgers alone, and share one tree."""

    def __init__(self, storm: Storm, seed: int = 7) -> None:
        box = registered()
        before = box.tree
        self._random = random.Random(seed)
        self._storm = storm
        self._tree = before.report({ADDRESS: "10.99.0.2"})
        self._management = box.management
        # The same for all of them: the events are.
        self._told = cache(partial(inform_parameters.informed, self._tree))
        self._aftermath = Aftermath(storm, tries=[0] * storm.boxes)
        self._load: Counter[int] = Counter()
        self._queue: list[tuple[float, int]] = []
        self._silent: dict[int, Attempt] = {}
        # The clock begins with the storm; everybody was last heard of long before.
        ledger = replace(box.ledger, ended_at=-3600.0)
        changed = ledgers.noticed(ledger, before, self._tree)
        self._ledgers = [changed] * storm.boxes
        for number in range(storm.boxes):
            self._tunnel_up(number)

    def run(self) -> Aftermath:
        """Let time pass until everybody is registered."""
        while self._queue:
            now, number = heapq.heappop(self._queue)
            attempt = self._silent.pop(number, None)
            if attempt is None:
                self._call(number, now)
            else:
                attempt.session.close()
                self._fail(number, attempt.opening, now)
        return self._aftermath

    def _tunnel_up(self, number: int) -> None:
        """Have a HeNB get its address, and put its Inform off as the daemon does."""
        now = self._random.random() * TUNNELS_S
        until = now + self._random.random() * self._storm.spread_s
        self._ledgers[number] = ledgers.put_off(self._ledgers[number], until)
        self._plan(number, now)

    def _plan(self, number: int, now: float) -> None:
        due = ledgers.wake_at(self._ledgers[number], self._tree, self._management, "boot")
        if due is not None:
            heapq.heappush(self._queue, (max(due, now), number))

    def _call(self, number: int, now: float) -> None:
        """Have a HeNB call the HeMS."""
        aftermath, storm = self._aftermath, self._storm
        ledger, opening = openings.opened(
            self._ledgers[number],
            self._tree,
            self._management,
            "boot",
            self._told,
            choice=VERSION,
        )
        self._ledgers[number] = ledger
        dialogue = session(opening, DEVICE, "2026-06-01T12:00:00Z", VERSION, RULES)
        inform = next(dialogue)
        assert isinstance(inform, Post)
        aftermath.arrived[int(now)] += 1
        aftermath.tries[number] += 1
        if self._takes(now):
            self._serve(number, dialogue, now)
        elif storm.answers_503:
            outcome = _end(dialogue, self._reply(503, b"", ledger, now))
            assert outcome.failure is not None
            self._fail(number, opening, now)
        else:
            self._silent[number] = Attempt(opening, dialogue)
            heapq.heappush(self._queue, (now + SILENCE_S, number))

    def _takes(self, now: float) -> bool:
        """Return whether the HeMS has room for one more session now."""
        part = int(now * PARTS)
        self._load[part] += 1
        return self._load[part] <= self._storm.capacity / PARTS

    def _serve(self, number: int, dialogue: Session, now: float) -> None:
        """Hold the session of an Inform that the HeMS takes."""
        recorded = dialogue.send(self._reply(200, RESPONSE, self._ledgers[number], now))
        assert isinstance(recorded, Record)
        ended = dialogue.send(Stored(None))
        assert isinstance(ended, Post)
        assert ended.body == b""
        outcome = _end(dialogue, self._reply(204, b"", recorded.state.ledger, now))
        assert outcome == Outcome(None, informed=True)
        self._ledgers[number] = openings.succeeded(recorded.state.ledger, now)
        self._aftermath.served[int(now)] += 1
        self._aftermath.registered_at.append(now)
        self._plan(number, now)

    def _fail(self, number: int, opening: Opening, now: float) -> None:
        self._ledgers[number] = openings.failed(
            self._ledgers[number],
            opening,
            self._management,
            now,
            self._random.random(),
            informed=False,
        )
        self._plan(number, now)

    def _reply(self, status: int, body: bytes, ledger: Ledger, now: float) -> Reply:
        moment = Moment(now, WALL + timedelta(seconds=now))
        return Reply(status, body, State(self._tree, ledger, SECRET), moment)


def _end(dialogue: Session, reply: Reply) -> Outcome:
    """Give a session its last reply; return how it ended."""
    try:
        wish = dialogue.send(reply)
    except StopIteration as stop:
        outcome: Outcome = stop.value
        return outcome
    raise AssertionError(f"it goes on with {wish}")
