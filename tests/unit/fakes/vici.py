"""The daemon's connection to charon: what henbd.system.charon is, over a fake charon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from henbd.actions import (
    CharonAction,
    Initiate,
    LoadConnection,
    LoadCredentials,
    MarkKey,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
    UnloadKey,
    UnloadSecret,
)
from henbd.values import NOT_YET, Charon, Unknown
from tests.unit.fakes.charon import FakeCharon, Health
from tests.unit.fakes.clockwork import Deed, Doorbell, Time
from tests.unit.fakes.journal import Journal

ROUND_TRIP_S = 0.0004
DEADLINE_S = 3.0
FIRST_RECONNECT_S = 0.5
LAST_RECONNECT_S = 5.0


class ViciShell:
    """Commands are answered in order; after a missed deadline the connection is a new one."""

    def __init__(
        self, charon: FakeCharon, time: Time, doorbell: Doorbell, journal: Journal
    ) -> None:
        self.rung: Callable[[], None] = lambda: None
        self.looked: Callable[[], None] = lambda: None
        self.initiated: Callable[[str, str | None], None] = lambda _, __: None
        self._journal = journal
        self._charon, self._time, self._doorbell = charon, time, doorbell
        self._answer: Charon | Unknown = NOT_YET
        self._sent: list[Deed] = []
        self.looks_at: list[float] = []
        self._looks = 0
        self._waiting_for: int | None = None
        self._connected = True
        self._reconnect_at: float | None = None
        self._pause_s = FIRST_RECONNECT_S
        self._initiating: dict[int, str] = {}
        self._attempts = 0
        charon.event = lambda: doorbell.ring(self.rung)
        charon.fell = self._fell
        charon.resumed = self._work

    def look(self, *, full: bool, at_leisure: bool) -> None:  # noqa: ARG002
        """Ask; `looked` rings when it has answered, or will not."""
        assert self._waiting_for is None, "two looks at a time"
        self.looks_at.append(self._time.now)
        self._looks += 1
        number = self._waiting_for = self._looks
        if not self._connected or self._charon.health is Health.DEAD:
            self._lose("charon does not listen")
            return
        self._send(lambda: self._answered(number, full=full))
        self._time.after(DEADLINE_S, lambda: self._expired(number))

    def hear(self) -> None:
        """What is answered rings."""

    def observe(self) -> Charon | Unknown:
        """Return what the last look found."""
        if isinstance(self._answer, Unknown):
            return self._answer
        return replace(self._answer, initiating=frozenset(self._initiating.values()))

    def perform(self, action: CharonAction) -> None:
        """Send a command; an Initiate has a connection of its own."""
        self._journal.note(action)
        charon = self._charon
        match action:
            case Initiate(connection, child):
                self._initiate(connection, child)
            case LoadCredentials(wanted):
                self._send(lambda: charon.load_credentials(wanted))
            case MarkKey(wanted):
                self._send(lambda: charon.secrets.add(wanted.secret_id))
            case UnloadKey(key_id):
                self._send(lambda: charon.keys.discard(key_id))
            case UnloadSecret(secret_id):
                self._send(lambda: charon.secrets.discard(secret_id))
            case LoadConnection(wanted):
                self._send(lambda: charon.load(wanted))
            case UnloadConnection(name):
                self._send(lambda: charon.unload(name))
            case TerminateIke(unique_id):
                self._send(lambda: charon.terminate_ike(unique_id))
            case TerminateChild(unique_id):
                self._send(lambda: charon.terminate_child(unique_id))

    def wake_at(self) -> float | None:
        """Return when it connects again."""
        return self._reconnect_at

    def tick(self, now: float) -> None:
        """Connect again if that is due."""
        if self._reconnect_at is None or now < self._reconnect_at:
            return
        if self._charon.health is Health.DEAD:
            self._lose("charon does not listen")
            return
        self._reconnect_at, self._connected = None, True
        self._doorbell.ring(self.rung)

    def _send(self, command: Deed) -> None:
        if self._connected and self._charon.health is not Health.DEAD:
            self._sent.append(command)
            self._time.after(ROUND_TRIP_S, self._work)

    def _work(self) -> None:
        """Have charon do what was sent to it; what a stopped one was sent it does later."""
        if self._charon.health is not Health.RUNNING:
            return
        sent, self._sent = self._sent, []
        for command in sent:
            command()

    def _answered(self, number: int, *, full: bool) -> None:
        if number == self._waiting_for:
            self._waiting_for = None
            self._pause_s = FIRST_RECONNECT_S
            self._answer = self._charon.describe(full=full)
            self._doorbell.ring(self.looked)

    def _expired(self, number: int) -> None:
        if number == self._waiting_for:
            self._lose("charon does not answer")

    def _lose(self, why: str) -> None:
        """Be without a connection, and try to have one again later."""
        self._connected = False
        self._answer = Unknown(why)
        if self._reconnect_at is None or self._reconnect_at <= self._time.now:
            self._reconnect_at = self._time.now + self._pause_s
            self._pause_s = min(2 * self._pause_s, LAST_RECONNECT_S)
        if self._waiting_for is not None:
            self._waiting_for = None
            self._doorbell.ring(self.looked)

    def _fell(self) -> None:
        """Charon died: its sockets are closed."""
        self._sent = []
        for attempt in list(self._initiating):
            self._over(attempt, "charon closed the connection")
        if self._connected:
            self._lose("charon closed the connection")
            self._doorbell.ring(self.rung)

    def _initiate(self, connection: str, child: str) -> None:
        self._attempts += 1
        attempt = self._attempts
        self._initiating[attempt] = connection
        if self._charon.health is Health.DEAD:
            self._over(attempt, "charon does not listen")
            return
        self._sent.append(
            lambda: self._charon.initiate(connection, child, lambda e: self._over(attempt, e))
        )
        self._time.after(ROUND_TRIP_S, self._work)

    def _over(self, attempt: int, error: str | None) -> None:
        connection = self._initiating.pop(attempt, None)
        if connection is not None:
            self._doorbell.ring(lambda: self.initiated(connection, error))
            self._doorbell.ring(self.rung)
