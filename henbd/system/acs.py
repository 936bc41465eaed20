"""The conversation with the HeMS (TR-069 calls it the ACS): one HTTP exchange at a time.

The loop opens the connection and asks; a worker exchanges. An exchange that is given up leaves its
worker to its fate, which is near, and another stands ready: to speak again at once costs nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from henbd.errors import ExchangeError
from henbd.system.channel import READ_TIMEOUT_S, Answer, Channel
from henbd.system.doorbell import Doorbell
from henbd.system.line import Line
from henbd.system.target import Target, target
from henbd.system.trust import TlsFiles, Trust
from henbd.system.worker import Mailbox, Worker
from henbd.values import Address

__all__ = ["Acs", "Answer", "Endpoint", "TlsFiles"]

logger = logging.getLogger(__name__)

# The spare is made ready when what made it necessary is over.
REFILL_AFTER_S = 0.1


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the next session goes, from where, and as whom. `source` None: as routes have it.

    `others` are further addresses of the same HeMS. `passed` is None where the clock is kept
    right. Else the dates of certificates do not count (TR-069 3.3), but that of the HeMS must not
    have ended by that moment, which is over for sure; nothing else is forgiven.
    """

    url: str
    address: Address
    source: Address | None
    username: str
    password: str = field(repr=False)
    others: tuple[Address, ...] = ()
    passed: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Speaker:
    """A channel, and the worker that alone uses it during an exchange."""

    channel: Channel
    worker: Worker[bytes, Answer | ExchangeError]


class Acs:
    """Exchanges with the HeMS; `answered` is called with what came of each."""

    def __init__(
        self,
        tls: TlsFiles,
        doorbell: Doorbell,
        answered: Callable[[Answer | ExchangeError], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare all that does not depend on the HeMS; raises ConfigurationError."""
        self._answered = answered
        self._clock = clock
        self.trust(tls)
        self._mailbox: Mailbox[Answer | ExchangeError] = Mailbox(doorbell, self._exchanged)
        self._target: Target | None = None
        self._speaker = self._new_speaker()
        self._spare: _Speaker | None = self._new_speaker()
        self._left: _Speaker | None = None
        self._refill_at: float | None = None
        self._number = 0
        self._waiting = False

    def trust(self, tls: TlsFiles) -> None:
        """Use other files, or the same ones read again, from the next session on.

        Raises ConfigurationError, and then the old ones stay.
        """
        self._trust = Trust(tls)

    def open(self, endpoint: Endpoint) -> None:
        """Begin to connect for a session, without waiting.

        Raises ExchangeError where that cannot even begin: no such source address, no route.
        """
        assert self._speaker.channel.line is None
        aim = self._aim(endpoint)
        line = Line((endpoint.address, *endpoint.others), aim.port, endpoint.source)
        try:
            line.open()
        except ExchangeError:
            line.close()
            raise
        # Costs nothing, unless the HeMS is another one.
        self._speaker.channel.aim(aim)
        context = partial(self._trust.context, check_dates=endpoint.passed is None)
        self._speaker.channel.begin(line, context, endpoint.passed)

    def post(self, body: bytes, wait_s: float = READ_TIMEOUT_S) -> None:
        """Have a body posted; empty: nothing more to say. `answered` is called later.

        The HeMS is given `wait_s` seconds for each part of its answer.
        """
        assert self._speaker.channel.line is not None
        assert not self._waiting
        self._number += 1
        self._waiting = True
        self._speaker.channel.wait_s = wait_s
        self._speaker.worker.put(self._number, body)
        self._hang_up()

    def abort(self) -> None:
        """Give up the session, if there is one; what it was waiting for is never heard of."""
        if not self._waiting:
            self.end()
            return
        left, aim = self._speaker, self._target
        assert aim is not None
        self._hang_up()
        self._left = left
        self._waiting = False
        self._speaker, self._spare = self._spare or self._new_speaker(), None
        self._speaker.channel.aim(aim)
        self._speaker.channel.tls.ticket = left.channel.tls.ticket
        self._refill_at = self._clock() + REFILL_AFTER_S

    def end(self) -> None:
        """End the session: close the connection, forget the cookies."""
        assert not self._waiting
        self._speaker.channel.end()
        self._speaker.channel.prepare()

    def wake_at(self) -> float | None:
        """Return when there is something to be made ready, or to be ended; None: nothing."""
        return self._refill_at if self._left is None else self._clock()

    def tick(self, now: float) -> None:
        """End what was given up, and make the spare ready."""
        self._hang_up()
        if self._refill_at is None or now < self._refill_at:
            return
        self._refill_at = None
        self._spare = self._spare or self._new_speaker()
        if self._target is not None:
            self._spare.channel.aim(self._target)

    def close(self) -> None:
        """End everything."""
        self.abort()
        self._hang_up()
        for speaker in (self._speaker, self._spare):
            if speaker is not None:
                speaker.worker.retire()
        self._mailbox.close()

    def _hang_up(self) -> None:
        """End the connection of a session that was given up.

        Its thread wakes from that, and takes the interpreter for a millisecond: what the next
        session has to post at once is handed over before.
        """
        if self._left is not None:
            assert self._left.channel.line is not None
            self._left.channel.line.abort()
            self._left.worker.retire()
            self._left = None

    def _aim(self, endpoint: Endpoint) -> Target:
        wanted = (endpoint.url, endpoint.username, endpoint.password)
        known = self._target
        if known is None or (known.url, known.username, known.password) != wanted:
            known = self._target = target(*wanted)
            self._refill_at = self._clock() + REFILL_AFTER_S
        return known

    def _new_speaker(self) -> _Speaker:
        channel = Channel()
        worker = Worker("exchange", channel.exchange, self._mailbox, last=channel.close)
        return _Speaker(channel, worker)

    def _exchanged(self, number: int, outcome: Answer | ExchangeError) -> None:
        if not self._waiting or number != self._number:
            logger.debug("the outcome of an exchange that was given up")
            return
        self._waiting = False
        self._answered(outcome)
