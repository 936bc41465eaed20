"""A loop around one CharonShell, as the daemon has it, and the ground that it stands on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from types import TracebackType

from henbd.actions import Initiate, LoadConnection, LoadCredentials, MarkKey
from henbd.control.tunnel import PREFIX
from henbd.system.charon import CharonShell
from henbd.system.doorbell import Doorbell
from henbd.values import (
    Address,
    AddressFamily,
    Certificate,
    Charon,
    Child,
    Connection,
    Credentials,
    IkeSa,
    Loaded,
    PresharedKey,
    Unknown,
)
from tests.lab.charon import Charon as LabCharon
from tests.lab.events import PATIENCE, Log
from tests.lab.gateway import ESP_PROPOSALS, IKE_PROPOSALS, Gateway
from tests.lab.namespaces import run
from tests.lab.pki import GATEWAY_ID, HENB_ID, KeyPair, Pki
from tests.lab.topology import GATEWAY, Topology

# The crypto of a fresh kernel is loaded with the first SA, which takes seconds under emulation.
FIRST_S = 30


class Loop:
    """Turns until something is the case, and keeps what the shell called."""

    def __init__(self, path: Path) -> None:
        self.doorbell = Doorbell()
        self.rings = 0
        self.looks = 0
        self.initiations: list[tuple[str, str | None]] = []
        self.longest_turn_s = 0.0
        self.shell = CharonShell(
            str(path),
            self.doorbell,
            time.monotonic,
            rung=self._rung,
            looked=self._looked,
            initiated=lambda name, error: self.initiations.append((name, error)),
        )

    def __enter__(self) -> Loop:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shell.close()

    def _rung(self) -> None:
        self.rings += 1

    def _looked(self) -> None:
        self.looks += 1

    def turn(self, until: float) -> None:
        """Turn once, sleeping until then at the latest."""
        wake_at = self.shell.wake_at()
        self.doorbell.wait(until if wake_at is None else min(wake_at, until))
        before = time.monotonic()
        self.shell.tick(before)
        self.longest_turn_s = max(self.longest_turn_s, time.monotonic() - before)

    def run(self, fact: Callable[[], object], within_s: float = 10) -> None:
        """Turn until a fact is there."""
        deadline = time.monotonic() + within_s * PATIENCE
        while not fact():
            assert time.monotonic() < deadline, f"not within {within_s} s"
            self.turn(deadline)

    def idle(self, for_s: float) -> None:
        """Turn for a while."""
        end = time.monotonic() + for_s
        while time.monotonic() < end:
            self.turn(end)

    def look(self, *, full: bool = True) -> Charon | Unknown:
        """Look, and return what was seen; `looked` is called once, and not from within `look`."""
        before = self.looks
        began = time.monotonic()
        self.shell.look(full=full)
        self.longest_turn_s = max(self.longest_turn_s, time.monotonic() - began)
        assert self.looks == before
        self.run(lambda: self.looks > before)
        assert self.looks == before + 1
        return self.shell.observe()

    def see(self, *, full: bool = True) -> Charon:
        """Look at a charon that answers."""
        seen = self.look(full=full)
        assert isinstance(seen, Charon), seen
        return seen

    def loaded(self) -> Loaded:
        """Return what is loaded."""
        loaded = self.see().loaded
        assert isinstance(loaded, Loaded)
        return loaded

    def await_connecting(self) -> IkeSa:
        """Look again and again until an IKE_SA is being negotiated; no bell rings for that."""
        deadline = time.monotonic() + 10 * PATIENCE
        while True:
            for sa in self.see(full=False).sas:
                if sa.connecting:
                    return sa
            assert time.monotonic() < deadline
            self.idle(0.01)

    def load(self, wanted: Connection) -> None:
        """Load a connection and what it takes to authenticate."""
        if isinstance(wanted.credentials, Certificate):
            self.shell.perform(MarkKey(wanted))
        self.shell.perform(LoadCredentials(wanted))
        self.shell.perform(LoadConnection(wanted))

    def initiate(self, wanted: Connection) -> str | None:
        """Have a connection negotiated that is loaded; return None, or why it failed."""
        before = len(self.initiations)
        self.shell.perform(Initiate(wanted.name, wanted.child.name))
        self.run(lambda: len(self.initiations) > before, FIRST_S)
        ((name, error),) = self.initiations[before:]
        assert name == wanted.name
        return error

    def bring_up(self, wanted: Connection) -> IkeSa:
        """Load a connection, have it negotiated, and return its youngest IKE_SA."""
        self.load(wanted)
        assert self.initiate(wanted) is None
        return max(self.see(full=False).sas, key=lambda sa: sa.unique_id)

    def await_sas(self, expected: Callable[[tuple[IkeSa, ...]], object]) -> tuple[IkeSa, ...]:
        """Look at each bell until the IKE_SAs are as expected."""
        while True:
            rings = self.rings
            sas = self.see(full=False).sas
            if expected(sas):
                return sas
            self.run(partial(self._rung_since, rings))

    def _rung_since(self, rings: int) -> bool:
        return self.rings > rings


@dataclass(frozen=True, slots=True)
class Ground:
    """A HeNB with its charon, a gateway, and the shell in its loop."""

    lab: Topology
    gateway: Gateway
    charon: LabCharon
    loop: Loop
    pki: Pki

    @property
    def credentials(self) -> Certificate:
        """What the gateway takes."""
        return by_certificate(self.pki.henb, self.pki.ike_ca)


@contextmanager
def ground(
    folder: Path, pki: Pki, psk: str | None = None, *, gives_up: bool = True
) -> Iterator[Ground]:
    """Build the ground; the gateway authenticates by a secret if one is given.

    A dead gateway is noticed soon, after 2.4 s; `gives_up` False: not within a test.
    """
    tries = "1" if gives_up else "20"
    soon = {"retransmit_tries": tries, "retransmit_timeout": str(PATIENCE)}
    with (
        Topology() as lab,
        Gateway(lab.segw, folder, Log(), pki=pki, psk=psk) as gateway,
        LabCharon(lab.henb, folder, "henb", settings=soon) as charon,
        Loop(charon.vici.path) as loop,
    ):
        yield Ground(lab, gateway, charon, loop, pki)


def by_certificate(pair: KeyPair, *authorities: KeyPair) -> Certificate:
    """Return credentials of the lab."""
    return Certificate(
        certificate=pair.certificate_der,
        key=pair.key_der,
        key_id=key_id(pair),
        authorities=tuple(authority.certificate_der for authority in authorities),
        intermediates=tuple(pair.chain_der[1:]),
    )


def key_id(pair: KeyPair) -> str:
    """Return charon's name for a key: the SHA-1 of its public key."""
    ask = (
        "pki",
        "--keyid",
        "--type",
        "priv",
        "--id",
        "spk",
        "--format",
        "hex",
        "--in",
        str(pair.key),
    )
    return run(*ask).strip()


def by_secret(secret: str) -> PresharedKey:
    """Return credentials of the lab."""
    return PresharedKey(secret.encode())


def child(name: str, *networks: str, rekey_s: int = 0) -> Child:
    """Return a child for these networks."""
    return Child(name, tuple(map(ip_network, networks)), tuple(ESP_PROPOSALS), rekey_s)


def connection(
    credentials: Credentials,
    wanted: Child,
    *,
    name: str = "lab",
    gateway: Address = GATEWAY,
    families: Iterable[AddressFamily] = (AddressFamily.IPV4,),
) -> Connection:
    """Return a connection with the gateway of the lab."""
    return Connection(
        name=PREFIX + name,
        gateway=gateway,
        local_id=HENB_ID,
        remote_id=GATEWAY_ID,
        credentials=credentials,
        secret_id=PREFIX + "secret",
        proposals=tuple(IKE_PROPOSALS),
        families=tuple(families),
        dpd_s=0,
        rekey_s=0,
        mobike=True,
        revocation="relaxed",
        if_id=0,
        reauth_s=0,
        child=wanted,
    )
