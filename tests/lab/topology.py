"""The net of the lab, as data, and the class that builds it and takes it down.

    henb               net                 segw                 core
    wan0 10.10.1.2 --- henb0 10.10.1.1
    wan1 10.10.2.2 --- henb1 10.10.2.1
                       segw0 10.20.0.1 --- wan0  10.20.0.2
                                           core0 10.30.0.1 ---- core0 10.30.0.2, .3, .4, .9

IPv6 is the same with fd00:10:1::/64, fd00:10:2::/64, fd00:20::/64 and fd00:30::/64. On purpose the
router `net` knows a clear way to the core: what the HeNB leaks is answered, so a test that sees no
answer has seen that nothing leaked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from types import TracebackType

from tests.lab.namespaces import Namespace, create, join, new_tag, remove

Network = IPv4Network | IPv6Network

MME = IPv4Address("10.30.0.2")
HEMS = IPv4Address("10.30.0.3")
SGW = IPv4Address("10.30.0.4")
SECOND_MME = IPv4Address("10.30.0.9")
MME_6 = IPv6Address("fd00:30::2")
HEMS_6 = IPv6Address("fd00:30::3")
SGW_6 = IPv6Address("fd00:30::4")
SECOND_MME_6 = IPv6Address("fd00:30::9")


@dataclass(frozen=True, slots=True)
class Hosts:
    """Who is in the core."""

    mme: IPv4Address | IPv6Address
    second_mme: IPv4Address | IPv6Address
    hems: IPv4Address | IPv6Address
    sgw: IPv4Address | IPv6Address


HOSTS = Hosts(MME, SECOND_MME, HEMS, SGW)
HOSTS_6 = Hosts(MME_6, SECOND_MME_6, HEMS_6, SGW_6)

GATEWAY = IPv4Address("10.20.0.2")
SECOND_GATEWAY = IPv4Address("10.20.0.3")
GATEWAY_6 = IPv6Address("fd00:20::2")
SECOND_GATEWAY_6 = IPv6Address("fd00:20::3")

# What may be on the wire only inside the tunnel: the core, and the inner addresses of all pools.
CORE = IPv4Network("10.30.0.0/16")
CORE_6 = IPv6Network("fd00:30::/32")
POOLS = IPv4Network("10.99.0.0/16")
POOLS_6 = IPv6Network("fd00:99::/32")
SECOND_POOLS = IPv4Network("10.98.0.0/16")
SECOND_POOLS_6 = IPv6Network("fd00:98::/32")
PROTECTED = (CORE, CORE_6, POOLS, POOLS_6, SECOND_POOLS, SECOND_POOLS_6)


@dataclass(frozen=True, slots=True)
class End:
    """One end of a link: whose it is, its name there and its addresses."""

    role: str
    name: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A cable between two namespaces."""

    left: End
    right: End


_CORE_HOSTS = tuple(text for n in (2, 3, 4, 9) for text in (f"10.30.0.{n}/16", f"fd00:30::{n}/64"))

LINKS = (
    Link(
        End("net", "henb0", ("10.10.1.1/24", "fd00:10:1::1/64")),
        End("henb", "wan0", ("10.10.1.2/24", "fd00:10:1::2/64")),
    ),
    Link(
        End("net", "henb1", ("10.10.2.1/24", "fd00:10:2::1/64")),
        End("henb", "wan1", ("10.10.2.2/24", "fd00:10:2::2/64")),
    ),
    Link(
        End("net", "segw0", ("10.20.0.1/24", "fd00:20::1/64")),
        End("segw", "wan0", ("10.20.0.2/24", "fd00:20::2/64")),
    ),
    Link(
        End("segw", "core0", ("10.30.0.1/16", "fd00:30::1/64")),
        End("core", "core0", _CORE_HOSTS),
    ),
)

# The second gateway shares both networks of the first but not its cables, so it is reached by host
# routes. IPv6 answers only for addresses of the very interface: the core has its hosts there again.
SECOND_GATEWAY_LINKS = (
    Link(
        End("net", "segw1", ("10.20.0.1/32", "fd00:20::1/128")),
        End("segw2", "wan0", ("10.20.0.3/24", "fd00:20::3/64")),
    ),
    Link(
        End("segw2", "core0", ("10.30.0.254/16", "fd00:30::fe/64")),
        End("core", "core1", tuple(f"fd00:30::{n}/128" for n in (2, 3, 4, 9))),
    ),
)

PREFERRED, SPARE = 100, 200

# Routes in the words of `ip route replace`, by the role that has them.
ROUTES: dict[str, tuple[str, ...]] = {
    "henb": (
        f"default via 10.10.1.1 dev wan0 metric {PREFERRED}",
        f"default via 10.10.2.1 dev wan1 metric {SPARE}",
        f"default via fd00:10:1::1 dev wan0 metric {PREFERRED}",
        f"default via fd00:10:2::1 dev wan1 metric {SPARE}",
    ),
    "net": (f"{CORE} via {GATEWAY} dev segw0", f"{CORE_6} via {GATEWAY_6} dev segw0"),
    "segw": ("10.10.0.0/16 via 10.20.0.1 dev wan0", "fd00:10::/32 via fd00:20::1 dev wan0"),
    "core": (
        *(f"{far} via 10.30.0.1 dev core0" for far in ("10.10.0.0/16", "10.20.0.0/16", POOLS)),
        *(f"{far} via fd00:30::1 dev core0" for far in ("fd00:10::/32", "fd00:20::/32", POOLS_6)),
    ),
}
SECOND_GATEWAY_ROUTES: dict[str, tuple[str, ...]] = {
    "net": (f"{SECOND_GATEWAY}/32 dev segw1", f"{SECOND_GATEWAY_6}/128 dev segw1"),
    "segw2": ROUTES["segw"],
    "core": (
        "10.30.0.254/32 dev core1",
        "fd00:30::fe/128 dev core1",
        f"{SECOND_POOLS} via 10.30.0.254 dev core1",
        f"{SECOND_POOLS_6} via fd00:30::fe dev core1",
    ),
}

# The left end of a link makes it, so it goes before the right one.
_BUILD_ORDER = ("net", "segw", "segw2", "henb", "core")

_FORWARDING = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}


@dataclass(frozen=True, slots=True)
class Cable:
    """What can be cut: the router's interface there, and the networks that lie beyond."""

    interface: str
    networks: tuple[Network, ...]


CABLES = {
    "wan0": Cable("henb0", (IPv4Network("10.10.1.0/24"), IPv6Network("fd00:10:1::/64"))),
    "wan1": Cable("henb1", (IPv4Network("10.10.2.0/24"), IPv6Network("fd00:10:2::/64"))),
    "segw": Cable("segw0", (IPv4Network(GATEWAY), IPv6Network(GATEWAY_6), CORE, CORE_6)),
    "segw2": Cable("segw1", (IPv4Network(SECOND_GATEWAY), IPv6Network(SECOND_GATEWAY_6))),
}


class Topology:
    """The namespaces `henb`, `net`, `segw` and `core`, joined, addressed and routed.

    `segw2` is there only if asked for: it leads to the same core, and its pools are SECOND_POOLS.
    """

    def __init__(self, *, second_gateway: bool = False) -> None:
        tag = new_tag()
        roles = ("henb", "net", "segw", "core") + (("segw2",) if second_gateway else ())
        self._namespaces = {role: Namespace(role, tag) for role in roles}
        self.henb, self.net, self.segw, self.core = map(self._namespaces.__getitem__, roles[:4])
        self.segw2 = self._namespaces.get("segw2")
        self._links = LINKS + (SECOND_GATEWAY_LINKS if second_gateway else ())
        self._routes = {role: ROUTES.get(role, ()) for role in roles}
        if second_gateway:
            for role, routes in SECOND_GATEWAY_ROUTES.items():
                self._routes[role] += routes
        with ExitStack() as undo:
            create(self._namespaces.values())
            undo.callback(remove, self._namespaces.values())
            self._build()
            self._undo = undo.pop_all()

    def __enter__(self) -> Topology:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove every namespace with all that was started in it; again is no error."""
        self._undo.close()

    def cut(self, cable: str) -> None:
        """Let nothing more through a cable of CABLES: both its ends still look sound."""
        for version in (4, 6):
            rules = _cut_rules(CABLES[cable], version)
            self.net.ip(*(f"rule add {rule}" for rule in rules), version=version)

    def restore(self, cable: str) -> None:
        """Undo `cut`."""
        for version in (4, 6):
            rules = _cut_rules(CABLES[cable], version)
            self.net.ip(*(f"rule delete {rule}" for rule in rules), version=version)

    def unplug(self, cable: str) -> None:
        """Pull a cable of CABLES out at the router, so that the other end loses its carrier."""
        self.net.ip(f"link set {CABLES[cable].interface} down")

    def plug(self, cable: str) -> None:
        """Undo `unplug`, with all that the router had forgotten."""
        self.net.ip(*self._interface("net", CABLES[cable].interface))

    def take_down(self, wan: str) -> None:
        """Take the HeNB's `wan0` or `wan1` down, with its routes: an IKE_SA moves at once."""
        self.henb.ip(f"link set {wan} down")

    def bring_up(self, wan: str) -> None:
        """Undo `take_down`."""
        self.henb.ip(*self._interface("henb", wan))

    def use_wan(self, preferred: str) -> None:
        """Make `wan0` or `wan1` the way of the HeNB's default routes, the other one the spare.

        An IKE_SA stays on the path it has, as long as its address does.
        """
        assert preferred in ("wan0", "wan1")
        spare = "wan1" if preferred == "wan0" else "wan0"
        router = {"wan0": ("10.10.1.1", "fd00:10:1::1"), "wan1": ("10.10.2.1", "fd00:10:2::1")}
        self.henb.ip(
            *(
                f"route replace default via {via} dev {name} metric {metric}"
                for name, metric in ((preferred, PREFERRED), (spare, SPARE))
                for via in router[name]
            )
        )

    def _build(self) -> None:
        for namespace in (self.net, self.segw, self.segw2):
            if namespace is not None:
                namespace.sysctl(_FORWARDING)
        for role in _BUILD_ORDER:
            if role in self._namespaces:
                # One call of ip for each: it takes milliseconds, 20 times more under emulation.
                self._namespaces[role].ip(*self._lines(role))
        for link in self._links:
            for end in (link.left, link.right):
                if end.role == "core":
                    self.core.compute_checksums(end.name)

    def _lines(self, role: str) -> Iterator[str]:
        """Yield the lines for ip that make the links beginning at a role, and its interfaces."""
        yield "link set lo up"
        for link in self._links:
            if link.left.role == role:
                other = self._namespaces[link.right.role]
                yield join(link.left.name, other, link.right.name)
        for link in self._links:
            for end in (link.left, link.right):
                if end.role == role:
                    yield from self._interface(role, end.name)

    def _interface(self, role: str, name: str) -> Iterator[str]:
        """Yield the lines for ip that give an interface its addresses and routes, new or again."""
        ends = (end for link in self._links for end in (link.left, link.right))
        (end,) = (end for end in ends if (end.role, end.name) == (role, name))
        yield from (f"address replace {address} dev {name}" for address in end.addresses)
        yield f"link set {name} up"
        routes = (route for route in self._routes[role] if f"dev {name}" in route)
        yield from (f"route replace {route}" for route in routes)


def _cut_rules(cable: Cable, version: int) -> list[str]:
    """Return the rules that drop what comes in from a cable, and what would go out to it."""
    there = [network for network in cable.networks if network.version == version]
    return [
        f"iif {cable.interface} pref 1 blackhole",
        *(f"to {network} pref 1 blackhole" for network in there),
    ]
