"""The smallest lab: an HeNB and a core on one cable, for tests of S1 alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from tests.lab import sctp
from tests.lab.namespaces import Namespace, join, namespaces, run

# The HeNB has two addresses to move between, and the core those of two MMEs and an S-GW.
HENB, OTHER_HENB = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.11")
MME, OTHER_MME = IPv4Address("10.0.0.2"), IPv4Address("10.0.0.3")
SGW = IPv4Address("10.0.0.4")
HENB_6, OTHER_HENB_6 = IPv6Address("fd00::1"), IPv6Address("fd00::11")
MME_6, OTHER_MME_6 = IPv6Address("fd00::2"), IPv6Address("fd00::3")
SGW_6 = IPv6Address("fd00::4")

_DEVICE = "s1"

_LOSSES = tuple(
    f"src {anywhere} dst {anywhere} proto sctp dir in" for anywhere in ("0.0.0.0/0", "::/0")
)

# What the raw sockets send is marked (sctp.raw.MARK); what the kernel's SCTP sends is not.
_ONLY_MARKED = "iif lo fwmark 0/0xffffffff ipproto sctp pref 1 blackhole"


@dataclass(frozen=True, slots=True)
class Wire:
    """The two namespaces, joined by a link named `device` in both."""

    henb: Namespace
    core: Namespace
    device: str = _DEVICE

    def cut(self) -> None:
        """Lose all SCTP from now on, in both directions.

        Nobody is told, as would be with a link that goes down.
        """
        for namespace in (self.henb, self.core):
            namespace.ip(*(f"xfrm policy add {policy} action block" for policy in _LOSSES))

    def mend(self) -> None:
        """Undo `cut`."""
        for namespace in (self.henb, self.core):
            namespace.ip(*(f"xfrm policy delete {policy}" for policy in _LOSSES))


_CORE = (MME, OTHER_MME, SGW, MME_6, OTHER_MME_6, SGW_6)
_HENB = (HENB, OTHER_HENB, HENB_6, OTHER_HENB_6)


@contextmanager
def wire() -> Iterator[Wire]:
    """Give the two namespaces, and remove them at the end."""
    with namespaces("henb", "core") as (henb, core):
        henb.ip("link set lo up", join(_DEVICE, core, _DEVICE))
        core.ip("link set lo up", f"link set {_DEVICE} up", *_addresses(_CORE))
        henb.ip(f"link set {_DEVICE} up", *_addresses(_HENB))
        for namespace in (henb, core):
            namespace.compute_checksums(_DEVICE)
        yield Wire(henb, core)


@contextmanager
def deaf_kernel(*where: Namespace) -> Iterator[None]:
    """Keep the kernel's own SCTP from answering for raw sockets in these namespaces."""
    if not sctp.kernel_has_sctp():
        yield
        return
    with ExitStack() as undo:
        for namespace in where:
            for family in ("-4", "-6"):
                rule = (family, "-n", namespace.name, "rule")
                run("ip", *rule, "add", *_ONLY_MARKED.split())
                undo.callback(run, "ip", *rule, "delete", *_ONLY_MARKED.split())
        yield


def _addresses(addresses: tuple[IPv4Address | IPv6Address, ...]) -> list[str]:
    lengths = {4: 24, 6: 64}
    return [f"address replace {a}/{lengths[a.version]} dev {_DEVICE}" for a in addresses]
