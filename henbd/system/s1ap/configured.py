"""The adapter for stacks with a configuration file of their own: it is rewritten, they start anew.

Such a stack cannot be told another address while it runs. It is started when its address is there,
and never without having been told: nobody else may start it. What it says, in its log or when it is
asked, is all that tells how S1 is.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from henbd.actions import Tell
from henbd.control.wording import worded
from henbd.errors import StackError
from henbd.system.s1ap.dialect import Dialect, Said
from henbd.system.s1ap.marked_file import Mark, MarkedFile
from henbd.system.s1ap.runner import Runner, Watch
from henbd.values import Address, FarEnd, Peer, PeerState, S1Link, Stack, Unknown

logger = logging.getLogger(__name__)

# One that has ended, or could not be started, is started again after this.
AGAIN_S = 5.0

# One that runs already has said in its log how S1 is, or says it when it is asked, within this; S1
# is not taken for down meanwhile ([s1] hold_s).
ADOPTED_S = 8.0

NOT_LOOKED = Unknown("the stack has not been looked for yet")
READING = Unknown("how S1 is, by what the stack says, is being found out")


class Phase(Enum):
    """What is going on."""

    UNKNOWN = "unknown"
    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


class ConfiguredAdapter:
    """The S1 adapter of such a stack; `rung` is called when what is observed has changed.

    `runner` makes what starts and stops it.
    """

    def __init__(
        self,
        dialect: Dialect,
        file: MarkedFile,
        runner: Callable[[Watch], Runner],
        clock: Callable[[], float],
        rung: Callable[[], None],
    ) -> None:
        self._dialect = dialect
        self._file = file
        self._clock = clock
        self._rung = rung
        self._phase = Phase.UNKNOWN
        self._seen: Stack | Unknown = NOT_LOOKED
        # What is seen once it has said something.
        self._coming: Stack | None = None
        self._newest = 0
        self._again_at: float | None = clock()
        self._runner = runner(Watch(self._started, self._stopped, self._said, self._failed))

    def observe(self) -> Stack | Unknown:
        """Return how S1 is, by what the stack was told and what it says."""
        return self._seen

    def perform(self, action: Tell) -> None:
        """Have the stack stopped, its file rewritten, and itself started again."""
        logger.info("%s", worded(action))
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
            name = self._dialect.name
            logger.warning("%s does not tell how S1 is: it is started anew", name)
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
        problem = self._dialect.beyond(link)
        if problem is not None:
            logger.error("%s", problem)
            self._show(PeerState.FAILED, f"stack/{problem}")
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
            logger.warning("%s runs, and was not told to: it is stopped", self._dialect.name)
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
        stack = self._seen if self._coming is None else self._coming
        if self._phase is not Phase.RUNNING or not isinstance(stack, Stack) or stack.told is None:
            return
        said = self._dialect.hear(line, stack.told)
        if not said:
            return
        if self._coming is not None:
            self._coming, self._again_at = None, None
        known = {peer.far_end: peer for peer in stack.peers}
        peers = tuple(
            _peer(end, said[end], stack.told) if end in said else known.get(end, _down(end))
            for end in stack.told.peers
        )
        self._turn(replace(stack, peers=peers))

    def _failed(self, text: str) -> None:
        """Know nothing until it is looked for again."""
        self._phase, self._coming = Phase.UNKNOWN, None
        self._again_at = self._clock() + AGAIN_S
        self._turn(Unknown(f"{self._dialect.name}: {text}"))

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
            name=self._dialect.name,
            told=mark.link,
            generation=mark.generation,
            acknowledged=acknowledged,
            peers=(),
            transmitting=False,
            user_plane_peers=(),
        )

    def _show(self, state: PeerState, cause: str | None = None) -> None:
        """See all its peers in this state."""
        seen = self._seen
        assert isinstance(seen, Stack)
        if seen.told is not None:
            said, told = Said(state, cause), seen.told
            self._turn(replace(seen, peers=tuple(_peer(end, said, told) for end in told.peers)))

    def _turn(self, seen: Stack | Unknown) -> None:
        """Make this what is seen, and ring if it shows."""
        before, self._seen = self._seen, seen
        if seen != before:
            self._rung()


def _peer(far_end: FarEnd, said: Said, link: S1Link) -> Peer:
    return Peer(far_end, said.state, link.local, said.cause)


def _down(far_end: FarEnd) -> Peer:
    return Peer(far_end, PeerState.DOWN)


def present(address: Address) -> bool:
    """Return whether an interface has the address, so that it can be bound to."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True
