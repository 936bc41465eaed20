"""A charon: connections, keys, SAs; it does what it is told and starts nothing by itself.

Measured on charon 5.9.8: an unknown name is no SA, an SA outlives its connection's unloading, two
IKE_SAs of one peer have the same inner address, the attempt to reach a dead gateway makes no event.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial

from henbd.values import (
    Address,
    Certificate,
    Charon,
    Child,
    ChildSa,
    Connection,
    IkeSa,
    Loaded,
    Network,
    Unknown,
)
from tests.unit.fakes.clockwork import Time
from tests.unit.fakes.esp import FakeEsp
from tests.unit.fakes.gateway import FakeGateway, Manner
from tests.unit.fakes.kernel import OUTER, FakeKernel, Fate

# Five requests, 1.0 s and 1.4 times longer each.
GIVES_UP_AFTER_S = 10.95

Answered = Callable[[str | None], None]


class Health(Enum):
    """What has become of the process."""

    RUNNING = "running"
    STOPPED = "stopped (SIGSTOP)"
    DEAD = "dead"


@dataclass(eq=False)
class Sa:
    """An IKE_SA with its CHILD_SAs, by unique id."""

    unique_id: int
    connection: str
    gateway: FakeGateway
    since: float
    established: bool = False
    inner: tuple[Address, ...] = ()
    children: dict[int, Child] = field(default_factory=dict)
    answer: Answered | None = None


class FakeCharon:
    """The process and its state. `event` is called as the updown events of VICI would."""

    def __init__(
        self, time: Time, kernel: FakeKernel, gateways: dict[Address, FakeGateway]
    ) -> None:
        self.health = Health.RUNNING
        self.event: Callable[[], None] = lambda: None
        self.fell: Callable[[], None] = lambda: None
        self.resumed: Callable[[], None] = lambda: None
        self.connections: dict[str, Connection] = {}
        self.children: dict[str, dict[str, Child]] = {}
        self.refuses = ""
        self.refused: dict[str, str] = {}
        self.keys: set[str] = set()
        self.secrets: set[str] = set()
        self.sas: dict[int, Sa] = {}
        self.esp = FakeEsp(kernel)
        self._time, self._kernel, self._gateways = time, kernel, gateways
        self._ids = itertools.count(1)
        self.esp.start()

    # What it says.

    def describe(self, *, full: bool) -> Charon:
        """Answer list-sas, and with `full` list-conns and the credentials too."""
        loaded: Loaded | Unknown = Unknown("not asked")
        if full:
            names = {name: frozenset(children) for name, children in self.children.items()}
            loaded = Loaded(names, frozenset(self.keys), frozenset(self.secrets))
        sas = tuple(self._describe(sa) for sa in self.sas.values())
        return Charon(
            sas, loaded, self.esp.mode, initiating=frozenset(), refused=dict(self.refused)
        )

    def _describe(self, sa: Sa) -> IkeSa:
        return IkeSa(
            connection=sa.connection,
            unique_id=sa.unique_id,
            established=sa.established,
            connecting=not sa.established,
            age_s=int(self._time.now - sa.since),
            gateway=str(sa.gateway.address),
            inner=sa.inner,
            children=tuple(
                ChildSa(child.name, number, installed=True, networks=child.networks)
                for number, child in sa.children.items()
            ),
        )

    # What it is told.

    def load_credentials(self, connection: Connection) -> None:
        """Take a key or a secret."""
        if isinstance(connection.credentials, Certificate):
            self.keys.add(connection.credentials.key_id)
        else:
            self.secrets.add(connection.secret_id)

    def load(self, connection: Connection) -> None:
        """Take a connection, unless it `refuses`; no SA is touched."""
        self.refused = {"load-conn": self.refuses} if self.refuses else {}
        if self.refuses:
            return
        self.connections[connection.name] = connection
        self.children[connection.name] = {connection.child.name: connection.child}

    def unload(self, name: str) -> None:
        """Forget a connection; no SA is touched."""
        self.connections.pop(name, None)
        self.children.pop(name, None)

    def terminate_ike(self, unique_id: int) -> None:
        """End an IKE_SA without waiting for the gateway; one that is connecting makes no event."""
        sa = self.sas.pop(unique_id, None)
        if sa is None:
            return
        for child in sa.children.values():
            self.esp.remove(sa.inner, child)
        self.esp.withdraw(sa.inner)
        if sa.answer is not None:
            sa.answer("terminated")
        if sa.established:
            self.event()

    def terminate_child(self, unique_id: int) -> None:
        """End a CHILD_SA."""
        for sa in self.sas.values():
            child = sa.children.pop(unique_id, None)
            if child is not None:
                self.esp.remove(sa.inner, child)
                self.event()

    def initiate(self, name: str, child_name: str, answer: Answered) -> None:
        """Negotiate a child, and its IKE_SA where there is none; `answer` says what came of it."""
        child = self.children.get(name, {}).get(child_name)
        if child is None:
            answer(f"no config named {child_name!r}")
            return
        for sa in self.sas.values():
            if sa.connection != name or not sa.established:
                continue
            if any(c.name == child_name for c in sa.children.values()):
                answer("already established")
            else:
                self._time.after(0.003, partial(self._add_child, sa, child, answer))
            return
        self._connect(self.connections[name], child, answer)

    def _connect(self, connection: Connection, child: Child, answer: Answered) -> None:
        if not self._has_credentials(connection):
            self._time.after(0.006, lambda: answer("no private key found"))
            return
        gateway = self._gateways.get(connection.gateway)
        if gateway is None:
            gateway = FakeGateway(connection.gateway, (), Manner.SILENT)
        gateway.asked_at.append(self._time.now)
        sa = Sa(next(self._ids), connection.name, gateway, self._time.now, answer=answer)
        self.sas[sa.unique_id] = sa
        heard = self._kernel.fate(OUTER, gateway.address) is Fate.CLEAR
        if gateway.manner is Manner.SILENT or not heard:
            self._time.after(GIVES_UP_AFTER_S, lambda: self._fail(sa, "establishing IKE_SA failed"))
        elif gateway.manner is Manner.REFUSES:
            self._time.after(gateway.takes_s, lambda: self._fail(sa, gateway.manner.value))
        elif not _takes(gateway, connection.proposals):
            self._time.after(gateway.takes_s, lambda: self._fail(sa, "NO_PROPOSAL_CHOSEN"))
        else:
            self._time.after(gateway.takes_s, lambda: self._establish(sa, child))

    def _has_credentials(self, connection: Connection) -> bool:
        if isinstance(connection.credentials, Certificate):
            return connection.credentials.key_id in self.keys
        return connection.secret_id in self.secrets

    def _fail(self, sa: Sa, text: str) -> None:
        if self.sas.get(sa.unique_id) is not sa or sa.established:
            return
        if self.health is Health.STOPPED:
            self._time.after(0.1, lambda: self._fail(sa, text))
            return
        del self.sas[sa.unique_id]
        if sa.answer is not None:
            sa.answer(text)

    def _establish(self, sa: Sa, child: Child) -> None:
        if self.sas.get(sa.unique_id) is not sa:
            return
        if self.health is Health.STOPPED or sa.gateway.manner is Manner.SILENT:
            self._time.after(0.1, lambda: self._establish(sa, child))
            return
        answer, sa.answer = sa.answer, None
        sa.established, sa.since = True, self._time.now
        manner = sa.gateway.manner
        if manner is not Manner.ADDRESSLESS:
            sa.inner = sa.gateway.lease
            self.esp.grant(sa.inner)
        self.event()
        if manner in (Manner.ADDRESSLESS, Manner.CHILDLESS):
            if answer is not None:
                answer("establishing CHILD_SA failed")
            return
        self._add_child(sa, child, answer or (lambda _: None))
        if manner is Manner.FICKLE:
            self._time.after(0.01, lambda: self.terminate_ike(sa.unique_id))

    def _add_child(self, sa: Sa, child: Child, answer: Answered) -> None:
        if self.sas.get(sa.unique_id) is not sa:
            answer("the IKE_SA is gone")
        elif not (networks := _granted(sa, child)) or not self.esp.can_bear(sa.inner):
            answer("establishing CHILD_SA failed")
        else:
            child = replace(child, networks=networks)
            sa.children[next(self._ids)] = child
            self.esp.install(sa.inner, child)
            self.event()
            answer(None)

    # What befalls it.

    def lose(self) -> None:
        """Every SA ends, as after DPD or the gateway's DELETE."""
        for unique_id in [i for i, sa in self.sas.items() if sa.established]:
            self.terminate_ike(unique_id)

    def lose_children(self) -> None:
        """The gateway deletes every CHILD_SA; the inner addresses stay."""
        for sa in list(self.sas.values()):
            for number in list(sa.children):
                self.terminate_child(number)

    def reauthenticate(self) -> None:
        """Break before make: everything down, and 10 ms later up, maybe with another address."""
        for sa in [sa for sa in self.sas.values() if sa.established]:
            children = list(sa.children.values())
            self.terminate_ike(sa.unique_id)
            if not children:
                continue
            new = Sa(next(self._ids), sa.connection, sa.gateway, self._time.now)
            self.sas[new.unique_id] = new
            self._time.after(0.01, partial(self._establish, new, children[-1]))

    def collide(self) -> None:
        """A reauthentication meets a negotiation: two new IKE_SAs, the younger with what was."""
        (sa,) = self.sas.values()
        was = list(sa.children.values())
        self.terminate_ike(sa.unique_id)
        for child in (*self.children[sa.connection].values(), *was):
            new = Sa(next(self._ids), sa.connection, sa.gateway, self._time.now)
            self.sas[new.unique_id] = new
            self._time.after(0.01, partial(self._establish, new, child))

    def stop(self) -> None:
        """SIGSTOP."""
        self.health = Health.STOPPED

    def go_on(self) -> None:
        """SIGCONT: what was said to it meanwhile is still in its sockets."""
        self.health = Health.RUNNING
        self.resumed()

    def kill(self) -> None:
        """SIGKILL: by policy, addresses, routes and SAs stay in the kernel; a TUN goes."""
        self.health = Health.DEAD
        self.connections, self.children = {}, {}
        self.keys, self.secrets = set(), set()
        self.sas = {}
        self.esp.die()
        self.fell()

    def restart(self) -> None:
        """A new process, that knows nothing."""
        self.health = Health.RUNNING
        self._ids = itertools.count(1)
        self.esp.start()

    def forget(self) -> None:
        """`swanctl --load-all` of somebody else: no event, the SAs stay."""
        self.connections, self.children = {}, {}
        self.keys, self.secrets = set(), set()


def _takes(gateway: FakeGateway, proposals: tuple[str, ...]) -> bool:
    return gateway.accepts is None or not gateway.accepts.isdisjoint(proposals)


def _granted(sa: Sa, child: Child) -> tuple[Network, ...]:
    """Return what the gateway lets a child lead to; nothing: it refuses it."""
    manner, reaches = sa.gateway.manner, sa.gateway.reaches
    if not _takes(sa.gateway, child.proposals):
        return ()
    if manner is Manner.CHILDLESS or (manner is Manner.ONE_CHILD and sa.children):
        return ()
    if manner is Manner.STRICT and (sa.children or not set(child.networks) <= set(reaches or ())):
        return ()
    taken = {network for other in sa.children.values() for network in other.networks}
    return tuple(
        network
        for network in child.networks
        if (reaches is None or network in reaches)
        and not (manner is Manner.NARROWS and network in taken)
    )
