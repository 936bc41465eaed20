"""The parties that have little to say: name server, flash, listener, service manager."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from henbd.control.refusal import literal
from henbd.errors import DoorError, StoreError
from henbd.values import Address, Coordinates, Fix, Network, Vitals
from tests.unit.fakes.clockwork import Doorbell, KilledError, Time

LOOK_UP_S = 0.02


class FakeZone:
    """What the name server knows. A host that is not in `hosts` does not exist."""

    def __init__(self, hosts: dict[str, tuple[Address, ...]]) -> None:
        self.hosts = hosts
        self.answers = True
        self.fails = False
        self.asked: list[str] = []


class ResolverShell:
    """What henbd.system.resolver is: a failure gives no address, unless a good answer is known."""

    def __init__(self, zone: FakeZone, time: Time, doorbell: Doorbell) -> None:
        self.names: dict[str, tuple[Address, ...]] = {}
        self.rung: Callable[[], None] = lambda: None
        self._zone, self._time, self._doorbell = zone, time, doorbell
        self._open: set[str] = set()

    def ask(self, host: str) -> None:
        """Look a host up; an address is its own answer, at once."""
        known = literal(host)
        if known is not None:
            self.names[host] = (known,)
        elif host not in self._open:
            self._open.add(host)
            self._zone.asked.append(host)
            self._time.after(LOOK_UP_S, lambda: self._found(host))

    def _found(self, host: str) -> None:
        if not self._zone.answers:
            self._time.after(1.0, lambda: self._found(host))
            return
        self._open.discard(host)
        before = self.names.get(host)
        found = () if self._zone.fails else self._zone.hosts.get(host, ())
        after = found or before or ()
        if after != before:
            self.names[host] = after
            self._doorbell.ring(self.rung)


class FakeGuardFile:
    """The networks that would be guarded at the next boot; `full`: the flash takes nothing."""

    def __init__(self) -> None:
        self.kept: frozenset[Network] | None = frozenset()
        self.full = False
        self.tried = 0

    def keep(self, networks: Iterable[Network]) -> None:
        """Take these in place of those that are there."""
        self.tried += 1
        if self.full:
            self.kept = None
            raise StoreError("write guards.new: No space left on device")
        self.kept = frozenset(networks)


class FakeStore:
    """The flash: one document, as the text that a reader would find."""

    def __init__(self) -> None:
        self.text: str | None = None
        self.full = False
        self.writes = 0
        self.bytes = 0
        # The daemon is killed at the write of this number, which is done or is not.
        self.deadly: int | None = None
        self.done_when_deadly = False

    def save(self, document: Mapping[str, Any]) -> None:
        """Keep a document; one that is there already costs nothing."""
        text = json.dumps(document, sort_keys=True)
        if text == self.text:
            return
        if self.full:
            raise StoreError("No space left on device")
        self.writes += 1
        self.bytes += len(text)
        deadly = self.writes == self.deadly
        if not deadly or self.done_when_deadly:
            self.text = text
        if deadly:
            raise KilledError

    @property
    def document(self) -> dict[str, Any]:
        """What a reader finds."""
        assert self.text is not None
        read: dict[str, Any] = json.loads(self.text)
        return read


class Idle:
    """Nothing to do by time."""

    def wake_at(self) -> float | None:
        """Return None."""
        return None

    def tick(self, now: float) -> None:
        """Do nothing."""


class FakeListener(Idle):
    """Where connection requests are taken."""

    def __init__(self, doorbell: Doorbell) -> None:
        self.address: Address | None = None
        self.url_path = ""
        self.credentials = "", ""
        self.answers: list[bool] = []
        self.called: Callable[[], bool] = lambda: False
        self._doorbell = doorbell

    def listen(
        self, address: Address | None, port: int, path: str, username: str, password: str
    ) -> None:
        """Take them at this address alone."""
        assert port
        assert username
        assert password
        self.address, self.url_path = address, path
        self.credentials = username, password

    def call(self) -> None:
        """A good connection request comes in."""
        self._doorbell.ring(lambda: self.answers.append(self.called()))


class FakeSupervisor(Idle):
    """The service manager."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.summary = ""

    def ready(self) -> None:
        """The daemon is at work."""
        self.said.append("ready")

    def status(self, text: str) -> None:
        """What is going on."""
        self.summary = text

    def stopping(self) -> None:
        """The daemon is ending."""
        self.said.append("stopping")


class FakeBoard:
    """Where onlookers read; None where nothing is put up."""

    def __init__(self) -> None:
        self.values: Mapping[str, Any] | None = None
        self.shown = 0

    def show(self, values: Mapping[str, Any]) -> None:
        """Put it up."""
        self.values = values
        self.shown += 1

    def clear(self) -> None:
        """Take it down."""
        self.values = None


class FakeDoors:
    """Counts how often the box was told to reboot; `shut`: nobody is there to do it."""

    def __init__(self) -> None:
        self.asked = 0
        self.reboots = 0
        self.shut = False

    def reboot(self) -> None:
        """Be told to reboot."""
        self.asked += 1
        if self.shut:
            raise DoorError("/sbin/reboot: Permission denied")
        self.reboots += 1


class FakeVitals:
    """A box that has run since the world began, and gets a stray packet each second."""

    def __init__(self, time: Time) -> None:
        self._time = time

    def observe(self) -> Vitals:
        """How the box is."""
        return Vitals(int(self._time.now), 65536, 1024, {"OutOfBlues": int(self._time.now)})


class FakeDiary:
    """Where recorded sessions are kept."""

    def __init__(self) -> None:
        self.kept: list[Mapping[str, Any]] = []

    def keep(self, document: Mapping[str, Any]) -> None:
        """Keep one."""
        self.kept.append(document)


class FakeReceiver(Idle):
    """A GPS receiver; `place` is where it finds itself, while it is asked to look."""

    def __init__(self) -> None:
        self.place: Coordinates | None = None
        self.looking = False

    def watch(self, *, wanted: bool) -> None:
        """Look, or rest."""
        self.looking = wanted

    def fix(self) -> Fix | None:
        """The last position."""
        if self.place is None or not self.looking:
            return None
        return Fix(self.place, 7, "2026-01-02T03:04:05Z")
