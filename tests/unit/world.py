"""A box, its network and its operator, all fake: the daemon runs in it in simulated time.

    world = World()
    world.start()
    world.run(5)

While it runs, the world watches for what must never happen, whatever a test is about: a packet of
S1 that could leave in the clear, a stack that is told of a link that does not stand, a tunnel that
is negotiated before its guards stand.
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import TypeVar

from henbd.actions import Action
from henbd.clock import Clock
from henbd.control.factory import after_power_on, factory_tree
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.state import State, restored
from henbd.daemon import Daemon
from henbd.memory import Memory
from henbd.model import paths
from henbd.model.table import device_table
from henbd.parties import Parties
from henbd.settings import HemsPath, Settings
from henbd.values import Address, EspMode, S1Link
from tests.unit.fakes.charon import FakeCharon
from tests.unit.fakes.clockwork import Doorbell, Process, Time
from tests.unit.fakes.files import FileServer, FilesShell
from tests.unit.fakes.gateway import FakeGateway
from tests.unit.fakes.hems import FakeHems, HemsShell, Informed, set_values
from tests.unit.fakes.journal import Journal
from tests.unit.fakes.kernel import OUTER, FakeKernel, Fate
from tests.unit.fakes.small import (
    FakeBoard,
    FakeDiary,
    FakeDoors,
    FakeGuardFile,
    FakeListener,
    FakeReceiver,
    FakeStore,
    FakeSupervisor,
    FakeVitals,
    FakeZone,
    Idle,
    ResolverShell,
)
from tests.unit.fakes.stack import FakeMme, FakeStack
from tests.unit.fakes.vici import ViciShell
from tests.unit.settings import SECRET, hems, ipsec, settings

GATEWAY, GATEWAY_2 = ip_address("192.0.2.101"), ip_address("192.0.2.102")
INNER, INNER_2, INNER_3 = (ip_address(f"10.99.0.{n}") for n in (1, 7, 8))
HEMS, HEMS_OUTSIDE = ip_address("10.30.0.3"), ip_address("198.51.100.3")
CORE = ip_network("10.30.0.0/24")
# Far ends outside [ipsec] networks: each is a traffic selector of its own.
MME, MME_2 = ip_address("10.40.0.1"), ip_address("10.40.0.2")
SGW = ip_address("10.50.0.1")

ADDRESS = paths.INNER_IPV4 + "IPAddress"

Chosen = TypeVar("Chosen", bound=Action)


def lab_settings(**changes: object) -> Settings:
    """Return the configuration of the box of this world; `changes` are fields of Settings."""
    return replace(
        settings(
            hems=hems(address=HEMS),
            ipsec=ipsec(gateways=(str(GATEWAY), str(GATEWAY_2)), networks=(CORE,)),
        ),
        **changes,  # type: ignore[arg-type]
    )


def direct_settings() -> Settings:
    """Return the same, but the HeMS is outside of the tunnel."""
    return lab_settings(hems=hems(address=HEMS_OUTSIDE, path=HemsPath.DIRECT))


class World:
    """Everybody, and one daemon at a time. What is on flash, in charon and in the kernel stays."""

    def __init__(
        self, mode: EspMode = EspMode.POLICY, configuration: Settings | None = None
    ) -> None:
        random.seed(7)
        self.settings = configuration or lab_settings()
        self.time = Time()
        self.journal = Journal()
        self.kernel = FakeKernel(mode, self.journal)
        self.gateways = {
            GATEWAY: FakeGateway(GATEWAY, (INNER,)),
            GATEWAY_2: FakeGateway(GATEWAY_2, (INNER_2,)),
        }
        self.charon = FakeCharon(self.time, self.kernel, self.gateways)
        self.mmes = {MME: FakeMme(), MME_2: FakeMme()}
        self.stack = FakeStack(self.time, self.kernel, self.mmes, self.journal)
        self.hems = FakeHems(self.time)
        self.zone = FakeZone({})
        self.store = FakeStore()
        self.guard_file = FakeGuardFile()
        self.doors = FakeDoors()
        self.receiver = FakeReceiver()
        self.file_server = FileServer()
        self.boot_id = "boot-1"
        self.faults: list[str] = []
        self.flushed = 0
        self._watching = False
        self._process: Process | None = None
        self.kernel.watch = self.stack.watch = self._watch
        self.stack.before_tell = self._judge_tell

    # The daemon's life.

    def start(self, boot_id: str | None = None) -> None:
        """Start the daemon, after a power-on if it is another boot; it runs with `run`."""
        assert self._process is None
        self.boot_id = boot_id or self.boot_id
        time = self.time
        self.bells = Doorbell(time)
        self.vici = ViciShell(self.charon, time, self.bells, self.journal)
        self.names = ResolverShell(self.zone, time, self.bells)
        self.listener = FakeListener(self.bells)
        self.exchanges = HemsShell(
            self.hems, time, self.kernel, self.settings.hems.path, self.bells
        )
        self.supervisor = FakeSupervisor()
        self.board = FakeBoard()
        self.files = FilesShell(self.file_server, time, self.bells)
        self.diary = FakeDiary()
        parties = Parties(
            bells=self.bells,
            charon=self.vici if self.settings.ipsec else None,
            kernel=self.kernel,
            guard_file=self.guard_file,
            stack=self.stack,
            names=self.names,
            callers=self.listener,
            exchanges=self.exchanges,
            supervisor=self.supervisor,
            board=self.board,
            diary=self.diary,
            doors=self.doors,
            vitals=FakeVitals(time),
            receiver=self.receiver if self.settings.location.gpsd else None,
            files=self.files,
            flush_log=self._flush_log,
            console=Idle(),
            renewal=Idle(),
        )
        memory = Memory(self._state(), self.store)
        clock = Clock(time.monotonic, time.wall)
        daemon = self.daemon = Daemon(self.settings, memory, self.boot_id, parties, clock)
        bells = self.bells
        self.vici.rung = self.names.rung = daemon.rung
        self.kernel.rung = self.stack.rung = lambda: bells.ring(daemon.rung)
        self.vici.looked, self.vici.initiated = daemon.looked, daemon.initiated
        self.exchanges.answered, self.listener.called = daemon.answered, daemon.called
        self._process = Process(daemon.run)
        self.bells.paused = self._process.pause

    def _state(self) -> State:
        tree = factory_tree(device_table("00256D"), self.settings, SECRET)
        if self.store.text is None:
            return State(tree, Ledger(), SECRET)
        state, lost = restored(tree, json.loads(self.store.text), self.boot_id)
        assert not lost
        if state.ledger.boot_id != self.boot_id:
            return replace(state, tree=after_power_on(state.tree))
        return state

    def run(self, seconds: float) -> None:
        """Let time pass; raises what the daemon raised, and AssertionError for what must not be."""
        until = self.time.now + seconds
        if self._process is None:
            while self.time.go_on(until):
                pass
        else:
            self.bells.horizon = until
            self._process.go_on()
            self._watching = True
            self._watch()
            if self._process.ended:
                self._process = None
                self.run(until - self.time.now)
        assert not self.faults, "\n".join(self.faults)

    @property
    def alive(self) -> bool:
        """Whether the daemon runs."""
        return self._process is not None

    def kill(self) -> None:
        """SIGKILL the daemon."""
        if self._process is not None:
            self._process.kill()
        self._process = None

    def register(self) -> None:
        """Start the daemon, and let it register with the HeMS."""
        self.start()
        self.run(2)
        assert self.informs

    def bring_up_s1(self, *far_ends: Address) -> None:
        """Have it registered, and S1 up with the first of these far ends, by default with MME."""
        self.register()
        self.provision_far_ends(*(far_ends or (MME,)))
        self.run(2)
        assert self.stack.up

    def stop(self) -> None:
        """SIGTERM the daemon."""
        self.bells.ring(self.daemon.stop)
        self.run(0.01)
        assert self._process is None, "it does not end"

    def restart(self, boot_id: str | None = None) -> None:
        """Kill the daemon and start another; with a boot_id, after a power-on."""
        self.kill()
        self.start(boot_id)

    def power_cycle(self, boot_id: str) -> None:
        """Switch the box off and on: nothing is left but what is on flash."""
        self.kill()
        self.stack.restart()
        self.charon.kill()
        self.kernel.forget()
        self.charon.restart()
        self.start(boot_id)

    # What the operator does.

    def provision(self, values: dict[str, str]) -> None:
        """Have the HeMS set parameters: it calls, and sets them in the session that follows."""
        self.hems.will_ask(set_values(values))
        self.listener.call()

    def provision_far_ends(self, *far_ends: Address) -> None:
        """Have the HeMS set the S1 far ends."""
        self.provision({paths.S1_SERVERS: ",".join(map(str, far_ends))})

    # What a test looks at.

    @property
    def values(self) -> dict[str, str]:
        """The parameters, as the daemon has them now."""
        return dict(self.daemon.memory.tree.values)

    @property
    def informs(self) -> list[Informed]:
        """The Informs that arrived."""
        return self.hems.informs

    def done(self, kind: type[Chosen], since: int = 0) -> list[Chosen]:
        """Return the actions of one kind, from a place in the journal on."""
        return [action for action in self.journal.actions[since:] if isinstance(action, kind)]

    # What must never happen.

    def _flush_log(self) -> None:
        self.flushed += 1

    def _watch(self) -> None:
        """See whether anything of S1 could leave in the clear."""
        if not self._watching:
            return
        for association in self.stack.in_use:
            if not association.link.inside:
                continue
            far_end = association.far_end.address
            for source in (association.link.local, OUTER):
                if self.kernel.fate(source, far_end) is Fate.CLEAR:
                    self._blame(f"S1 could leave from {source} to {far_end} in the clear")

    def _judge_tell(self, link: S1Link | None) -> None:
        """See whether the path of a link stands when the stack is told of it."""
        if link is None:
            return
        if not self.kernel.has(link.local):
            self._blame(f"the stack is told of {link.local}, which is nowhere")
        for peer in link.peers:
            far_end = peer.address
            if link.inside and self.kernel.fate(OUTER, far_end) is not Fate.BLOCKED:
                self._blame(f"the stack is told of {far_end} before its guards stand")
            wanted = Fate.INSIDE if link.inside else Fate.CLEAR
            undisturbed = self.kernel.changes == self.kernel.changes_seen
            if undisturbed and self.kernel.fate(link.local, far_end) is not wanted:
                fate = self.kernel.fate(link.local, far_end).value
                self._blame(f"the stack is told of {far_end}, and its packet {fate}")

    def _blame(self, text: str) -> None:
        self.faults.append(f"{self.time.now - 1000:.4f} s: {text}")
