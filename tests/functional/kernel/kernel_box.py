"""A namespace with two ways out of it, for the shell around the kernel; and what to ask there."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_address, ip_network

from henbd.system.doorbell import Doorbell, Ring
from henbd.system.kernel import KernelShell
from henbd.values import Address, Kernel
from tests.lab.namespaces import Namespace, join, namespaces
from tests.lab.probe import eventually

# The far end and what we have, by version of IP.
FAR = {4: ip_address("10.30.0.2"), 6: ip_address("fd30::2")}
INNER = {4: ip_address("10.99.0.7"), 6: ip_address("fd99::7")}
NETWORK = {4: ip_network("10.30.0.0/16"), 6: ip_network("fd30::/32")}
ANY = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
MAIN = 254

SENT = 0

# What a socket is: SCTP as a program of its own would speak it, or a library.
DATAGRAM = (socket.SOCK_DGRAM, 0)
TCP = (socket.SOCK_STREAM, 0)
SCTP = (socket.SOCK_RAW, 132)


class Bells(Doorbell):
    """A doorbell that knows what it watches, and counts the rings of one shell."""

    def __init__(self) -> None:
        super().__init__()
        self.watched: list[int] = []
        self.rings = 0

    def watch(self, descriptor: int, ring: Ring, *, writable: bool = False) -> None:
        self.watched.append(descriptor)
        super().watch(descriptor, ring, writable=writable)

    def rung(self) -> None:
        self.rings += 1

    def ring_within(self, seconds: float) -> bool:
        """Return whether it rings in that time."""
        before = self.rings
        self.wait(time.monotonic() + seconds)
        return self.rings > before

    def silence(self) -> None:
        """Wait until nothing rings any more."""
        while self.ring_within(0.1):
            pass


@contextmanager
def two_ways() -> Iterator[Namespace]:
    """Build the namespace: wan0 before wan1 lead to the far end, the inner addresses are on lo."""
    with namespaces("box", "far") as (box, far):
        box.ip(
            "link set lo up",
            *(join(name, far, name) for name in ("wan0", "wan1")),
            *(f"link set {name} up" for name in ("wan0", "wan1")),
            *_numbered(1),
            *(f"address add {address} dev lo" for address in INNER.values()),
        )
        far.ip(*(f"link set {name} up" for name in ("lo", "wan0", "wan1")), *_numbered(2))
        box.ip(
            "route add default via 10.1.0.2 metric 100",
            "route add default via 10.2.0.2 metric 200",
            "route add default via fd01::2 metric 100",
            "route add default via fd02::2 metric 200",
        )
        await_addresses(box, far)
        yield box


def await_addresses(*namespaces: Namespace) -> None:
    """Wait until every address can be used: none is sent from, nor bound to, while tentative."""
    for namespace in namespaces:
        assert eventually(partial(_settled, namespace), 20)


def _settled(namespace: Namespace) -> bool:
    return "tentative" not in namespace.run("ip", "-6", "address")


def _numbered(host: int) -> Iterator[str]:
    for name, net in (("wan0", 1), ("wan1", 2)):
        yield f"address add 10.{net}.0.{host}/24 dev {name}"
        yield f"address add fd0{net}::{host}/64 dev {name}"


@contextmanager
def shell_in(box: Namespace, bells: Bells) -> Iterator[KernelShell]:
    """Make a shell in the namespace, and stay there."""
    with box.inside():
        shell = KernelShell(bells, bells.rung)
        try:
            yield shell
        finally:
            shell.close()


def see(shell: KernelShell) -> Kernel:
    """Look at a kernel that can be read."""
    seen = shell.observe()
    assert isinstance(seen, Kernel), seen
    return seen


def index(shell: KernelShell, name: str) -> int:
    """Return the number of a device."""
    return next(device.index for device in see(shell).devices if device.name == name)


def send(
    to: Address,
    *,
    source: Address | None = None,
    device: str | None = None,
    mark: int = 0,
    kind: tuple[int, int] = DATAGRAM,
) -> int:
    """Send a packet to an address; return SENT, or the error that it meets."""
    with socket.socket(FAMILY[to.version], *kind) as outgoing:
        outgoing.setblocking(False)
        try:
            if device:
                outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
            outgoing.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
            if source:
                outgoing.bind((str(source), 0))
            if kind == TCP:
                outgoing.connect((str(to), 36412))
            else:
                outgoing.sendto(b"leak", (str(to), 0 if kind == SCTP else 36412))
        except BlockingIOError:
            # TCP waits for the answer.
            pass
        except OSError as error:
            return error.errno or errno.EIO
    return SENT
