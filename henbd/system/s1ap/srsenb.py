"""The adapter for srsRAN 4G's srsenb: its configuration file rewritten, itself started anew.

srsenb cannot be told anything while it runs, and says how S1 is in its log alone. It is started
when its address is there, and never without having been told: nobody else may start it. To stop
takes it five seconds, and it does not take its leave of the MME.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from henbd.errors import StackError
from henbd.system.s1ap.marked_file import Mark, MarkedFile
from henbd.system.s1ap.runner import Runner, Watch
from henbd.system.s1ap.srsenb_text import beyond, hear
from henbd.values import Address, Peer, PeerState, S1Link, Stack, Tell, Unknown

logger = logging.getLogger(__name__)

# One that has ended, or could not be started, is started again after this.
AGAIN_S = 5.0

# One that runs already has had its say about S1 in its log, which is read within this; S1 is not
# taken for down meanwhile ([s1] hold_s).
ADOPTED_S = 8.0

NOT_LOOKED = Unknown("srsenb has not been looked for yet")
READING = Unknown("what srsenb has said of S1 is being read")


class Phase(Enum):
    """What is going on."""

    UNKNOWN = "unknown"
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class SrsenbAdapter:
    """The S1 adapter of srsenb; `rung` is called when what is observed has changed.

    `runner` makes what starts and stops it.
    """

    def __init__(
        self,
        file: MarkedFile,
        runner: Callable[[Watch], Runner],
        clock: Callable[[], float],
        rung: Callable[[], None],
    ) -> None:
        self._file = file
        self._clock = clock
        self._rung = rung
        self._phase = Phase.UNKNOWN
        self._seen: Stack | Unknown = NOT_LOOKED
        # What is seen once the log has been read.
        self._coming: Stack | None = None
        self._newest = 0
        self._again_at: float | None = clock()
        self._runner = runner(Watch(self._started, self._stopped, self._said, self._failed))

    def observe(self) -> Stack | Unknown:
        """Return how S1 is, by what srsenb was told and what it says."""
        return self._seen

    def perform(self, action: Tell) -> None:
        """Have srsenb stopped, its file rewritten, and itself started again."""
        logger.info("%s", action)
        if isinstance(self._seen, Unknown):
            logger.warning("not told: %s", self._seen.reason)
            return
        self._newest += 1
        self._seen = replace(
            self._seen,
            told=action.link,
            generation=self._newest,
            acknowledged=False,
            peers=(),
            transmitting=self._phase is Phase.RUNNING,
        )
        if self._phase is Phase.STOPPED:
            self._apply(self._seen)
        elif self._phase is Phase.RUNNING:
            self._stop()

    def wake_at(self) -> float | None:
        """Return when it is to be looked for, or started."""
        times = (self._again_at, self._runner.wake_at())
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> None:
        """Do what is due."""
        self._runner.tick(now)
        if self._again_at is None or now < self._again_at:
            return
        self._again_at = None
        if self._coming is not None:
            logger.warning("the log of srsenb does not tell how S1 is: it is started anew")
            self._seen, self._coming = replace(self._coming, acknowledged=False), None
            self._stop()
        elif self._phase in (Phase.UNKNOWN, Phase.STOPPED):
            # A service manager may have started it again by itself.
            self._runner.look()

    def close(self) -> None:
        """Let go of it."""
        self._runner.close()

    def _stop(self) -> None:
        self._phase = Phase.STOPPING
        self._runner.stop()

    def _apply(self, stack: Stack) -> None:
        """Write what is wanted down, which nothing older stands against, and start it."""
        self._again_at = None
        try:
            self._file.write(Mark(stack.generation, stack.told))
        except StackError as error:
            self._failed(str(error))
            return
        self._turn(replace(stack, acknowledged=True, peers=(), transmitting=False))
        self._start(stack.told)

    def _start(self, link: S1Link | None) -> None:
        if link is None:
            return
        problem = beyond(link)
        if problem is not None:
            logger.error("%s", problem.removeprefix("stack/"))
            self._show(PeerState.FAILED, problem)
        elif not present(link.local):
            self._show(PeerState.DOWN, "stack/no-address")
            self._again_at = self._clock() + AGAIN_S
        else:
            self._phase = Phase.STARTING
            self._show(PeerState.CONNECTING)
            self._runner.start()

    def _started(self) -> None:
        """It runs: what we have started, or found."""
        begun = self._phase is Phase.STARTING
        self._phase = Phase.RUNNING
        seen = self._seen
        if isinstance(seen, Stack) and not seen.acknowledged:
            # Something else is wanted meanwhile.
            self._stop()
        elif begun and isinstance(seen, Stack):
            self._turn(replace(seen, transmitting=True))
        else:
            self._adopt()

    def _adopt(self) -> None:
        """Take one that runs for what its file says; one that nobody told is stopped."""
        mark = self._read()
        if mark is None:
            return
        if mark.link is None:
            logger.warning("srsenb runs, and was not told to: it is stopped")
            self._seen = self._stack(mark, acknowledged=False)
            self._stop()
            return
        self._coming = replace(self._stack(mark, acknowledged=True), transmitting=True)
        self._again_at = self._clock() + ADOPTED_S
        self._turn(READING)

    def _stopped(self) -> None:
        """It does not run: it was stopped, has ended, or was never started."""
        before, self._phase = self._phase, Phase.STOPPED
        self._coming = None
        seen = self._seen
        if isinstance(seen, Unknown):
            mark = self._read()
            if mark is not None:
                # Whatever was told to one that has ended does not hold: its guards may have gone.
                self._turn(self._stack(Mark(mark.generation, None), acknowledged=True))
        elif not seen.acknowledged:
            self._apply(seen)
        elif before in (Phase.RUNNING, Phase.STARTING):
            self._turn(replace(seen, transmitting=False))
            self._show(PeerState.DOWN, "stack/not-running")
            self._again_at = self._clock() + AGAIN_S
        else:
            self._start(seen.told)

    def _said(self, line: str) -> None:
        said = hear(line)
        if said is None or self._phase is not Phase.RUNNING:
            return
        if self._coming is not None:
            self._seen, self._coming, self._again_at = self._coming, None, None
        self._show(said.state, said.cause)

    def _failed(self, text: str) -> None:
        """Know nothing until it is looked for again."""
        self._phase, self._coming = Phase.UNKNOWN, None
        self._again_at = self._clock() + AGAIN_S
        self._turn(Unknown(f"srsenb: {text}"))

    def _read(self) -> Mark | None:
        try:
            mark = self._file.read()
        except StackError as error:
            self._failed(str(error))
            return None
        self._newest = max(self._newest, mark.generation)
        return mark

    def _stack(self, mark: Mark, *, acknowledged: bool) -> Stack:
        return Stack(
            name="srsenb",
            told=mark.link,
            generation=mark.generation,
            acknowledged=acknowledged,
            peers=(),
            transmitting=False,
            user_plane_peers=(),
        )

    def _show(self, state: PeerState, cause: str | None = None) -> None:
        """See its one peer in this state."""
        seen = self._seen
        assert isinstance(seen, Stack)
        if seen.told is not None:
            peer = Peer(seen.told.peers[0], state, seen.told.local, cause)
            rest = tuple(replace(peer, far_end=end) for end in seen.told.peers[1:])
            self._turn(replace(seen, peers=(peer, *rest)))

    def _turn(self, seen: Stack | Unknown) -> None:
        """Make this what is seen, and ring if it shows."""
        before, self._seen = self._seen, seen
        if seen != before:
            self._rung()


def present(address: Address) -> bool:
    """Return whether an interface has the address, so that it can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((str(address), 0))
        except OSError:
            return False
    return True
