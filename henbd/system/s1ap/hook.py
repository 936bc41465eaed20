"""The adapter for stacks that a program of the integrator deals with (see HOOK.md).

The program is run for each thing that is to be done or known, one at a time, and has so much time.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum
from pathlib import PurePath

from henbd.actions import Tell
from henbd.control.wording import worded
from henbd.errors import StackError
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LONGEST_LINE
from henbd.system.process import Process
from henbd.system.s1ap.hook_messages import HookStatus, read_acknowledged, read_status, wanted
from henbd.values import PeerState, Stack, Unknown

logger = logging.getLogger(__name__)

# While S1 is not up, or not known, it is asked for this often, if not more often anyway.
EAGER_S = 1.0

NOT_ASKED = Unknown("the hook has not said yet how S1 is")


class Verb(Enum):
    """What a hook is run for: its first argument."""

    APPLY = "apply"
    QUIESCE = "quiesce"
    STATUS = "status"


class HookRun:
    """One run of a hook, and what it has said so far."""

    def __init__(self, verb: Verb, generation: int, ends_at: float) -> None:
        self.verb = verb
        self.generation = generation
        self.ends_at = ends_at
        self.output = bytearray()
        self.late = False
        self.process: Process | None = None

    def said(self, data: bytes) -> None:
        """Keep what it says; of too much only as much as shows that it is too much."""
        self.output += data[: LONGEST_LINE + 1 - len(self.output)]


class HookAdapter:
    """The S1 adapter that runs a program; `rung` is called when what is observed has changed."""

    def __init__(
        self,
        command: Sequence[str],
        limit_s: float,
        poll_s: float,
        doorbell: Doorbell,
        clock: Callable[[], float],
        rung: Callable[[], None],
    ) -> None:
        self._command = tuple(command)
        self._limit_s = limit_s
        self._poll_s = poll_s
        self._doorbell = doorbell
        self._clock = clock
        self._rung = rung
        self._seen: Stack | Unknown = NOT_ASKED
        self._newest = 0
        self._run: HookRun | None = None
        self._ask_at = clock()

    def observe(self) -> Stack | Unknown:
        """Return what the hook said last."""
        return self._seen

    def perform(self, action: Tell) -> None:
        """Have the hook told; of several that come while it is at work it is told the last."""
        logger.info("%s", worded(action))
        if isinstance(self._seen, Unknown):
            logger.warning("not told: %s", self._seen.reason)
            return
        self._newest += 1
        kept = frozenset(action.link.peers) if action.link else frozenset()
        self._seen = replace(
            self._seen,
            told=action.link,
            generation=self._newest,
            acknowledged=False,
            peers=tuple(peer for peer in self._seen.peers if peer.far_end in kept),
        )
        if self._run is not None and self._run.verb is Verb.STATUS:
            # It answers what nobody asks any more.
            self._abandon()
        if self._run is None:
            self._apply(self._seen)

    def wake_at(self) -> float | None:
        """Return when a run has had its time, or S1 is to be asked for."""
        if self._run is None:
            return self._ask_at
        return None if self._run.late else self._run.ends_at

    def tick(self, now: float) -> None:
        """End a run that has had its time; ask how S1 is."""
        run = self._run
        if run is None:
            if now >= self._ask_at:
                self._start(Verb.STATUS, 0, b"")
        elif now >= run.ends_at and not run.late:
            assert run.process is not None
            run.late = True
            run.process.kill()

    def close(self) -> None:
        """Let go of the hook; what it applies it may finish, and S1 goes on."""
        if self._run is not None and self._run.verb is Verb.STATUS:
            self._abandon()

    def _abandon(self) -> None:
        if self._run is not None and self._run.process is not None:
            self._run.process.abandon()
        self._run = None

    def _apply(self, stack: Stack) -> None:
        verb = Verb.QUIESCE if stack.told is None else Verb.APPLY
        self._start(verb, stack.generation, wanted(stack.generation, stack.told))

    def _start(self, verb: Verb, generation: int, given: bytes) -> None:
        run = self._run = HookRun(verb, generation, self._clock() + self._limit_s)
        command = (*self._command, verb.value)
        try:
            run.process = Process(
                command, self._doorbell, run.said, self._complained, self._ended, given=given
            )
        except StackError as error:
            self._run = None
            self._failed(str(error))

    def _complained(self, line: str) -> None:
        logger.warning("hook: %s", line)

    def _ended(self, status: int) -> None:
        run, self._run = self._run, None
        assert run is not None
        waiting = self._waiting()
        if waiting is not None and waiting.generation != run.generation:
            # Something else is wanted meanwhile, whatever has become of this.
            self._apply(waiting)
            return
        try:
            _check(run, status, self._limit_s)
            if run.verb is Verb.STATUS:
                self._described(read_status(bytes(run.output)))
            else:
                self._acknowledged(run, read_acknowledged(bytes(run.output)))
        except ValueError as wrong:
            self._failed(f"{run.verb.value}: {wrong}")

    def _waiting(self) -> Stack | None:
        """Return what the hook is to acknowledge."""
        seen = self._seen
        return seen if isinstance(seen, Stack) and not seen.acknowledged else None

    def _acknowledged(self, run: HookRun, generation: int) -> None:
        if generation != run.generation:
            raise ValueError(f"it acknowledges generation {generation}, not {run.generation}")
        stack = self._seen
        assert isinstance(stack, Stack)
        self._ask_at = self._clock()
        self._turn(replace(stack, acknowledged=True))

    def _described(self, status: HookStatus) -> None:
        """Take it for what it says: what it works by is what was applied last."""
        stack = self._seen
        if isinstance(stack, Stack) and status.generation != stack.generation:
            raise ValueError(f"it works by generation {status.generation}, not {stack.generation}")
        self._newest = max(self._newest, status.generation)
        settled = all(peer.state is PeerState.UP for peer in status.peers)
        pause_s = self._poll_s if settled else min(self._poll_s, EAGER_S)
        self._ask_at = self._clock() + pause_s
        self._turn(
            Stack(
                name=PurePath(self._command[0]).name,
                told=status.link,
                generation=status.generation,
                acknowledged=True,
                peers=status.peers,
                transmitting=status.transmitting,
                user_plane_peers=status.user_plane_peers,
                parameters=status.parameters,
            )
        )

    def _failed(self, text: str) -> None:
        """Know nothing until it is asked again, and not at once: it may go on like this."""
        self._ask_at = self._clock() + min(self._poll_s, EAGER_S)
        self._turn(Unknown(f"the hook failed: {text}"))

    def _turn(self, seen: Stack | Unknown) -> None:
        """Make this what is seen of the stack, and ring if it shows."""
        before, self._seen = self._seen, seen
        if seen != before:
            self._rung()


def _check(run: HookRun, status: int, limit_s: float) -> None:
    if run.late:
        raise ValueError(f"it took more than {limit_s:g} s")
    if status < 0:
        raise ValueError(f"it was ended by signal {-status}")
    if status > 0:
        raise ValueError(f"exit status {status}")
