"""charon, the IKE daemon: read in looks, told what to do, never waited for.

Everything goes over one VICI connection, so a look that is asked for after an action sees it done;
only `initiate`, which charon answers at the end of a negotiation, has a connection of its own.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from henbd.actions import CharonAction, Initiate
from henbd.control.wording import worded
from henbd.errors import CharonError
from henbd.system.charon_answers import esp_mode, ike_sas, loaded, torn
from henbd.system.charon_requests import request_for
from henbd.system.doorbell import Doorbell
from henbd.system.initiation import Initiations
from henbd.system.vici_connection import Reply, ViciConnection
from henbd.values import NOT_YET, Charon, EspMode, Loaded, Unknown

logger = logging.getLogger(__name__)

# Whatever becomes of an SA, one of these comes. The list-… are how charon answers with a list.
_EVENTS = (
    *("ike-updown", "ike-rekey", "ike-update", "child-updown", "child-rekey"),
    *("list-sa", "list-conn"),
)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0

# What a look asks, in this order; a hot look asks only the first.
_QUESTIONS = ("list-sas", "list-conns", "get-keys", "get-shared")

# Four questions are answered within a millisecond or two.
_DOZE_S = 0.003

# The next answer after a torn one is whole, unless charon is at it again.
_ATTEMPTS = 3


@dataclass(slots=True)
class _Look:
    """A look that is under way; `initiating` as it was when it began."""

    questions: tuple[str, ...]
    initiating: frozenset[str]
    attempt: int = 0
    replies: list[Reply] = field(default_factory=list)


class CharonShell:
    """charon behind its VICI socket, which is connected to when it is needed.

    `rung` tells that something may have changed, `looked` that a look has ended, and `initiated`
    how an Initiate did: the connection's name, and None or why it failed. They are called from the
    doorbell and from `tick`, never from within `look` or `perform`.
    """

    def __init__(
        self,
        path: str,
        doorbell: Doorbell,
        clock: Callable[[], float],
        *,
        rung: Callable[[], None],
        looked: Callable[[], None],
        initiated: Callable[[str, str | None], None],
    ) -> None:
        self._path = path
        self._doorbell = doorbell
        self._clock = clock
        self._rung = rung
        self._looked = looked
        self._initiated = initiated

        self._connection: ViciConnection | None = None
        self._mode: EspMode | None = None
        # Why charon cannot be read, from the loss of a connection until the next one works.
        self._trouble: str | None = None
        self._pause_s = _FIRST_PAUSE_S
        self._connect_at: float | None = None

        self._refused: dict[str, str] = {}
        self._look: _Look | None = None
        self._answer: Charon | Unknown = NOT_YET
        self._owed: deque[Callable[[], None]] = deque()

        # An Initiate may rest on commands before it, which go over another connection.
        self._unanswered = 0
        self._held: deque[Initiate] = deque()
        self._initiations = Initiations(path, doorbell, clock, self._end_initiation)

    def look(self, *, full: bool, at_leisure: bool = False) -> None:
        """Ask charon how things are; `looked` is called once, when the answer is there.

        `full`: also what is loaded. `at_leisure`: what has been answered is read by `hear` and a
        little later, as one bell, and not piece by piece. One look at a time.
        """
        assert self._look is None, "one look at a time"
        self._look = _Look(_QUESTIONS if full else _QUESTIONS[:1], self._initiating)
        connection = self._usable()
        if connection is None:
            self._owed.append(partial(self._end_look, Unknown(self._trouble or "")))
        else:
            self._ask(self._look, connection)
            if at_leisure:
                connection.doze(self._clock() + _DOZE_S)

    def hear(self) -> None:
        """Take what charon has said by now."""
        if self._connection is not None:
            self._connection.hear()

    def observe(self) -> Charon | Unknown:
        """Return what the last look found."""
        return self._answer

    def perform(self, action: CharonAction) -> None:
        """Have it done; what charon says to it is logged, what it does is seen by a look."""
        logger.info("%s", worded(action))
        if isinstance(action, Initiate):
            self._held.append(action)
            self._start_held()
            return
        command, message = request_for(action)
        connection = self._usable()
        if connection is None:
            logger.warning("%s: %s", command, self._trouble)
            return
        self._unanswered += 1
        connection.request(command, message, partial(self._note_outcome, command))

    def wake_at(self) -> float | None:
        """Return when `tick` has something to do, in monotonic seconds."""
        if self._owed:
            return 0.0
        times: list[float | None] = [self._connect_at]
        if self._connection is not None:
            times += [self._connection.answer_due_at(), self._connection.wake_at()]
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> None:
        """Connect again when it is time, and do not wait for an answer for ever."""
        # What is owed from now on has its turn after the poll set.
        for _ in range(len(self._owed)):
            self._owed.popleft()()
        if self._connection is not None:
            self._connection.tick(now)
        due = self._connection.answer_due_at() if self._connection else None
        if due is not None and now >= due:
            # An answer that comes yet would be taken for that to the next question.
            self._lose(
                f"charon does not answer ({self._path}: it is silent; if it stays so, restart it)"
            )
        if self._connect_at is not None and now >= self._connect_at:
            self._connect()

    def close(self) -> None:
        """End all connections; charon goes on with what it was told."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._connect_at = self._look = None
        self._initiations.close()
        self._held.clear()
        self._owed.clear()

    # The connection.

    def _usable(self) -> ViciConnection | None:
        """Return the connection, made if none was lost before; else `_trouble` says why not."""
        if self._connection is None and self._trouble is None:
            self._connect()
        return self._connection if self._trouble is None else None

    def _connect(self) -> None:
        self._connect_at = None
        try:
            self._connection = ViciConnection(
                self._path, self._doorbell, self._clock, rung=self._ring, lost=self._lose
            )
        except CharonError as error:
            self._do_without(str(error))
            return
        for event in _EVENTS:
            self._connection.register(event, partial(_note_registration, event))
        self._connection.request("stats", {}, self._take_stats)

    def _take_stats(self, reply: Reply) -> None:
        """Take the last answer of the greeting: charon is there, and this is how it does ESP."""
        self._mode = esp_mode(reply.message)
        self._pause_s = _FIRST_PAUSE_S
        trouble, self._trouble = self._trouble, None
        logger.info("charon answers (%s), ESP mode: %s", self._path, self._mode.value)
        if trouble is not None:
            self._rung()

    def _ring(self) -> None:
        # A charon that is greeted again rings when it is ready.
        if self._trouble is None:
            self._rung()

    def _lose(self, why: str) -> None:
        """Give the connection up, and tell those who wait for an answer, or else the loop."""
        known = self._trouble is not None
        self._do_without(why)
        self._owed += [partial(self._end_initiation, action, why) for action in self._held]
        self._held.clear()
        if known:
            return
        if self._look is not None:
            self._owed.append(partial(self._end_look, Unknown(why)))
        else:
            self._owed.append(self._rung)

    def _do_without(self, why: str) -> None:
        """Go without charon for a while; it is tried again after a pause that grows."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._mode = None
        self._unanswered = 0
        self._trouble = why
        self._connect_at = self._clock() + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    # Answers.

    def _ask(self, look: _Look, connection: ViciConnection) -> None:
        look.attempt += 1
        look.replies.clear()
        for question in look.questions:
            connection.request(question, {}, partial(self._take_answer, look, connection))

    def _take_answer(self, look: _Look, connection: ViciConnection, reply: Reply) -> None:
        look.replies.append(reply)
        if len(look.replies) < len(look.questions):
            return
        try:
            if torn(look.replies[0].items) and look.attempt < _ATTEMPTS:
                self._ask(look, connection)
                return
            answer: Charon | Unknown = self._read(look)
        except CharonError as error:
            answer = Unknown(f"charon is not understood: {error}")
        self._end_look(answer)

    def _read(self, look: _Look) -> Charon:
        assert self._mode is not None, "the greeting is answered first"
        for question, reply in zip(look.questions, look.replies, strict=True):
            if (refusal := reply.refusal()) is not None:
                raise CharonError(f"{question}: {refusal}")
        return Charon(
            sas=ike_sas(look.replies[0].items),
            loaded=_loaded(look.replies[1:]),
            mode=self._mode,
            # One that has just ended may be older than its SA in this answer.
            initiating=look.initiating | self._initiating,
            refused=self._refused,
        )

    def _end_look(self, answer: Charon | Unknown) -> None:
        self._look = None
        self._answer = answer
        self._looked()

    def _note_outcome(self, command: str, reply: Reply) -> None:
        refusal = reply.refusal()
        # Another mapping each time: the last one is in what a look has found.
        self._refused = {c: why for c, why in self._refused.items() if c != command}
        if refusal is not None:
            logger.warning("%s: %s", command, refusal)
            self._refused[command] = refusal
        else:
            logger.debug("%s: done", command)
        self._unanswered -= 1
        self._start_held()

    # Initiations.

    @property
    def _initiating(self) -> frozenset[str]:
        return self._initiations.going_on.union(action.connection for action in self._held)

    def _start_held(self) -> None:
        while self._held and not self._unanswered:
            action = self._held.popleft()
            try:
                self._initiations.start(action)
            except CharonError as error:
                self._owed.append(partial(self._end_initiation, action, str(error)))

    def _end_initiation(self, action: Initiate, why_not: str | None) -> None:
        self._initiated(action.connection, why_not)
        self._rung()


def _loaded(replies: Sequence[Reply]) -> Loaded | Unknown:
    if not replies:
        return Unknown("not asked")
    connections, keys, secrets = replies
    return loaded(connections.items, keys.message, secrets.message)


def _note_registration(event: str, reply: Reply) -> None:
    refusal = reply.refusal()
    if refusal is not None:
        # The looks that come by time find what such an event would have told.
        logger.warning("charon's event %s: %s", event, refusal)
