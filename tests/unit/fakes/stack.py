"""MMEs, and an S1AP stack that registers with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from henbd.actions import Tell
from henbd.values import Address, FarEnd, Peer, PeerState, S1Link, Stack, Unknown
from tests.unit.fakes.clockwork import Time
from tests.unit.fakes.journal import Journal
from tests.unit.fakes.kernel import FakeKernel, Fate

ACK_S = 0.005
HEARTBEAT_S = 1.0
# SCTP gives an association up after so long without an answer.
PATIENCE_S = 5.0
# The stack tries a far end again, no sooner than TimeToWait.
RETRY_S = 5.0


class Manner(Enum):
    """How an MME takes an S1 SETUP REQUEST."""

    ACCEPTS = "accepts"
    REFUSES = "refuses"
    SILENT = "does not answer"


@dataclass
class FakeMme:
    """One far end; `takes_s` from SCTP up to the answer to S1 Setup."""

    manner: Manner = Manner.ACCEPTS
    takes_s: float = 0.02
    time_to_wait_s: int | None = None
    setups_at: list[float] = field(default_factory=list)


@dataclass(eq=False)
class Association:
    """S1 with one far end, from one local address."""

    far_end: FarEnd
    link: S1Link
    state: PeerState = PeerState.CONNECTING
    cause: str | None = None
    time_to_wait_s: int | None = None
    broken_since: float | None = None


class FakeStack:
    """The stack's process. It keeps S1 whoever restarts; `watch` is called as S1 changes."""

    def __init__(
        self, time: Time, kernel: FakeKernel, mmes: dict[Address, FakeMme], journal: Journal
    ) -> None:
        self.rung: Callable[[], None] = lambda: None
        self.watch: Callable[[], None] = lambda: None
        self.before_tell: Callable[[S1Link | None], None] = lambda _: None
        self.connected = True
        self.let_go = False
        self.acknowledges = True
        self.user_plane_peers: tuple[Address, ...] = ()
        self.told: S1Link | None = None
        self.generation = 0
        self.acknowledged = True
        self.associations: list[Association] = []
        self._ending: list[Association] = []
        self._time, self._kernel, self._mmes, self._journal = time, kernel, mmes, journal
        self._beat()

    # What the daemon sees of it.

    def observe(self) -> Stack | Unknown:
        """Return what it said last."""
        if not self.connected:
            return Unknown("no S1AP stack is connected")
        return Stack(
            name="fake",
            told=self.told,
            generation=self.generation,
            acknowledged=self.acknowledged,
            peers=tuple(
                Peer(a.far_end, a.state, a.link.local, a.cause, a.time_to_wait_s)
                for a in self.associations
            ),
            transmitting=bool(self.told and self.told.may_transmit),
            user_plane_peers=self.user_plane_peers if self.told else (),
        )

    def perform(self, action: Tell) -> None:
        """Take a link; it works by it, and uses nothing older, a little later."""
        self._journal.note(action)
        self.before_tell(action.link)
        if not self.connected:
            return
        self.generation += 1
        self.told, self.acknowledged = action.link, False
        generation = self.generation
        # What it leaves is in use until it has acknowledged.
        kept = self._kept(action.link)
        self._ending += [a for a in self.associations if a not in kept]
        self.associations = kept
        if self.acknowledges:
            self._time.after(ACK_S, lambda: self._acknowledge(generation))

    def close(self) -> None:
        """Go on."""
        self.let_go = True

    def wake_at(self) -> float | None:
        """Return None: it has nothing to do by time."""
        return None

    def tick(self, now: float) -> None:
        """Do nothing."""

    # What befalls it.

    def vanish(self) -> None:
        """Its connection with henbd ends; S1 goes on."""
        self.connected = False
        self.rung()

    def come_back(self) -> None:
        """It connects again, and says what it works by: what it was told last."""
        self.connected = True
        self._acknowledge(self.generation)

    def restart(self) -> None:
        """A new process, that was told nothing."""
        self.told, self.generation, self.acknowledged = None, 0, True
        self.associations, self._ending = [], []
        self.connected = True
        self.rung()

    @property
    def in_use(self) -> list[Association]:
        """The associations that it has, those too that it is about to end."""
        return [*self.associations, *self._ending]

    @property
    def up(self) -> list[Address]:
        """The far ends that S1 is up with."""
        return [a.far_end.address for a in self.associations if a.state is PeerState.UP]

    # What it does.

    def _kept(self, link: S1Link | None) -> list[Association]:
        if link is None:
            return []
        return [
            a
            for a in self.associations
            if a.far_end in link.peers
            and (a.link.local, a.link.cell) == (link.local, link.cell)
            and a.link.inside == link.inside
        ]

    def _acknowledge(self, generation: int) -> None:
        if generation != self.generation:
            return
        self.acknowledged = True
        self._ending = []
        known = {a.far_end for a in self.associations}
        for far_end in self.told.peers if self.told else ():
            if far_end not in known:
                assert self.told is not None
                association = Association(far_end, self.told)
                self.associations.append(association)
                self._connect(association)
        self._say()

    def _say(self) -> None:
        if self.connected:
            self.rung()
        self.watch()

    def path(self, association: Association) -> Fate:
        """Return what becomes of its packets."""
        return self._kernel.fate(association.link.local, association.far_end.address)

    def _works(self, association: Association) -> bool:
        wanted = Fate.INSIDE if association.link.inside else Fate.CLEAR
        mme = self._mmes.get(association.far_end.address)
        return self.path(association) is wanted and mme is not None

    def _turn(self, association: Association, state: PeerState, cause: str | None = None) -> None:
        association.state, association.cause = state, cause
        self._say()

    def _connect(self, association: Association) -> None:
        if association not in self.associations:
            return
        association.time_to_wait_s = None
        self._turn(association, PeerState.CONNECTING)
        if self._works(association):
            self._time.after(0.01, lambda: self._set_up(association))
        else:
            self._time.after(PATIENCE_S, lambda: self._fail(association, "stack/timeout"))

    def _set_up(self, association: Association) -> None:
        if association not in self.associations:
            return
        mme = self._mmes[association.far_end.address]
        mme.setups_at.append(self._time.now)
        self._turn(association, PeerState.SETUP)
        if mme.manner is Manner.SILENT:
            self._time.after(PATIENCE_S, lambda: self._fail(association, "stack/no answer"))
        elif mme.manner is Manner.REFUSES:
            cause, wait_s = "misc/control-processing-overload", mme.time_to_wait_s
            self._time.after(mme.takes_s, lambda: self._fail(association, cause, wait_s))
        else:
            self._time.after(mme.takes_s, lambda: self._succeed(association))

    def _succeed(self, association: Association) -> None:
        if association in self.associations:
            association.broken_since = None
            self._turn(association, PeerState.UP)

    def _fail(self, association: Association, cause: str, wait_s: int | None = None) -> None:
        if association not in self.associations:
            return
        association.time_to_wait_s = wait_s
        self._turn(association, PeerState.FAILED, cause)
        self._time.after(max(RETRY_S, wait_s or 0), lambda: self._connect(association))

    def _beat(self) -> None:
        """Notice an association whose packets no longer arrive."""
        self._time.after(HEARTBEAT_S, self._beat)
        for association in self.associations:
            if association.state is not PeerState.UP:
                continue
            if self._works(association):
                association.broken_since = None
                continue
            if association.broken_since is None:
                association.broken_since = self._time.now
            if self._time.now - association.broken_since >= PATIENCE_S:
                self._turn(association, PeerState.DOWN, "stack/lost")
                self._time.after(RETRY_S, partial(self._connect, association))
