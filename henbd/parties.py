"""All that the loop deals with, as it sees it: the few methods that it needs of each shell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from henbd.actions import CharonAction, KernelAction, Tell
from henbd.carrier import Files
from henbd.conversation import Exchanges
from henbd.departure import Doors
from henbd.values import Address, Charon, Fix, Kernel, Network, Stack, Unknown, Vitals


class Timed(Protocol):
    """A shell that has something to do by time."""

    def wake_at(self) -> float | None:
        """Return when, in monotonic seconds."""

    def tick(self, now: float) -> None:
        """Do what is due."""


class CharonParty(Timed, Protocol):
    """See henbd.system.charon."""

    def look(self, *, full: bool, at_leisure: bool) -> None:
        """Ask charon; Daemon.looked is called when it has answered, or will not.

        `full`: also what is loaded. `at_leisure`: a few milliseconds more do not matter.
        """

    def hear(self) -> None:
        """Take what it has answered by now, without waiting for its bell."""

    def observe(self) -> Charon | Unknown:
        """Return what the last look found."""

    def perform(self, action: CharonAction) -> None:
        """Have it done; a look that is asked for later sees it done."""


class KernelParty(Protocol):
    """See henbd.system.kernel."""

    def observe(self, *, anew: bool = True) -> Kernel | Unknown:
        """Read the kernel. Not `anew`: what was read last will do if nothing has changed since."""

    def perform(self, action: KernelAction) -> None:
        """Do it, or raise KernelError."""


class StackParty(Timed, Protocol):
    """See henbd.system.s1ap."""

    def observe(self) -> Stack | Unknown:
        """Return what the stack said last."""

    def perform(self, action: Tell) -> None:
        """Tell the stack."""

    def close(self) -> None:
        """Let go of the stack, which goes on if it can."""


class Names(Protocol):
    """See henbd.system.resolver."""

    @property
    def names(self) -> Mapping[str, tuple[Address, ...]]:
        """Return the answers so far."""

    def ask(self, host: str) -> None:
        """Look a name up, on a thread of its own."""


class Callers(Timed, Protocol):
    """See henbd.system.listener."""

    def listen(
        self, address: Address | None, port: int, path: str, username: str, password: str
    ) -> None:
        """Take connection requests at this address, and nowhere else; None: nowhere."""


class GuardKeeper(Protocol):
    """See henbd.system.guard_file."""

    @property
    def kept(self) -> frozenset[Network] | None:
        """Return the networks that are guarded at the next boot; None: it cannot be said."""

    def keep(self, networks: Iterable[Network]) -> None:
        """Have these guarded at the next boot, or raise StoreError."""


class Receiver(Timed, Protocol):
    """See henbd.system.gpsd."""

    def watch(self, *, wanted: bool) -> None:
        """Have positions, or have no more of them."""

    def fix(self) -> Fix | None:
        """Return the last position, None while there is none."""


class VitalSigns(Protocol):
    """See henbd.system.vitals."""

    def observe(self) -> Vitals:
        """Return how the box is."""


class Bells(Protocol):
    """See henbd.system.doorbell."""

    def wait(self, until: float | None) -> None:
        """Sleep until something rings, or until a monotonic time."""


class Supervisor(Timed, Protocol):
    """See henbd.system.notify."""

    def ready(self) -> None:
        """Say that the daemon is at work."""

    def status(self, text: str) -> None:
        """Say what is going on."""

    def stopping(self) -> None:
        """Say that the daemon is ending."""


class Board(Protocol):
    """See henbd.system.status_file."""

    def show(self, values: Mapping[str, Any]) -> None:
        """Put up what henbd believes, if it is something else than before."""

    def clear(self) -> None:
        """Take it down: the daemon ends."""


class Diary(Protocol):
    """See henbd.system.trace_files."""

    def keep(self, document: Mapping[str, Any]) -> None:
        """Keep a recorded session, for people, as long as there is room."""


@dataclass(frozen=True, slots=True)
class Parties:
    """Everybody. `charon` is None without an [ipsec] section, `receiver` without a GPS."""

    bells: Bells
    charon: CharonParty | None
    kernel: KernelParty
    guard_file: GuardKeeper
    stack: StackParty
    names: Names
    callers: Callers
    exchanges: Exchanges
    supervisor: Supervisor
    board: Board
    diary: Diary
    doors: Doors
    vitals: VitalSigns
    receiver: Receiver | None
    files: Files
    flush_log: Callable[[], None]
    console: Timed
    renewal: Timed

    @property
    def timed(self) -> list[Timed]:
        """Return those who have something to do by time."""
        rest = (
            self.stack,
            self.callers,
            self.exchanges,
            self.supervisor,
            self.console,
            self.renewal,
        )
        there = (self.charon, self.receiver)
        return [*(party for party in there if party is not None), *rest]
