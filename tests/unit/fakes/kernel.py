"""A kernel: devices, addresses, routes, guards, IPsec policies, and what they do to a packet.

The latter as it was measured: a policy of charon's goes before a block, a rule of ours behind
charon's table and before every other; a block of any device stops the tunnel of an interface as
well; one of a device stops no IPv6 socket that is not bound to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from ipaddress import ip_address, ip_network

from henbd.actions import (
    AddGuard,
    AddInterface,
    AddRoute,
    KernelAction,
    RemoveAddress,
    RemoveGuard,
    RemoveInterface,
    RemoveRoute,
)
from henbd.control.guard import far
from henbd.control.routing import CHARON_TABLE, MAIN_TABLE
from henbd.errors import KernelError
from henbd.values import (
    Address,
    Block,
    Device,
    Direction,
    EspMode,
    Guard,
    InterfaceAddress,
    Kernel,
    Network,
    Route,
    Unknown,
    Unreachable,
)
from tests.unit.fakes.journal import Journal

LOOPBACK, WAN0, WAN1 = 1, 2, 3
LOCALHOST = ip_address("127.0.0.1")
OUTER = ip_address("192.0.2.10")
ROUTER = ip_address("192.0.2.1")

EVERYTHING = ip_network("0.0.0.0/0")


class Fate(Enum):
    """What becomes of a packet."""

    CLEAR = "leaves in the clear"
    INSIDE = "goes into the tunnel"
    BLOCKED = "goes nowhere"


class FakeKernel:
    """The state, and the doors through which it changes; `rung` is called as netlink would."""

    def __init__(self, mode: EspMode, journal: Journal) -> None:
        self.mode = mode
        self._journal = journal
        self.rung: Callable[[], None] = lambda: None
        self.watch: Callable[[], None] = lambda: None
        self.readable = True
        self.guards_allowed = True
        self.hides_policies = False
        self.versions = frozenset({4, 6})
        # How often others changed it, and how often they had when it was last dumped.
        self.changes = self.changes_seen = 0
        self.dumps = 0
        self._last: Kernel | None = None
        self.devices = {
            LOOPBACK: Device(LOOPBACK, "lo", up=True, loopback=True, carries_tunnel=False),
            WAN0: Device(WAN0, "wan0", up=True, loopback=False, carries_tunnel=False),
            WAN1: Device(WAN1, "wan1", up=True, loopback=False, carries_tunnel=False),
        }
        self.addresses: Counter[InterfaceAddress] = Counter()
        self.addresses[InterfaceAddress(LOCALHOST, LOOPBACK, usable=True)] = 1
        self.addresses[InterfaceAddress(OUTER, WAN0, usable=True)] = 1
        self.routes: Counter[Route] = Counter()
        self.routes[Route(EVERYTHING, WAN0, ROUTER, None, MAIN_TABLE, 0, ours=False)] = 1
        self.guards: set[Guard] = set()
        self.policies: Counter[tuple[Address, Network]] = Counter()

    # What the daemon sees of it.

    def observe(self, *, anew: bool = True) -> Kernel | Unknown:
        """Dump everything, or, if nothing has changed since, return the last dump."""
        if not anew and self._last is not None and self.changes == self.changes_seen:
            return self._last
        found = self._dumped()
        self._last = found if isinstance(found, Kernel) else None
        return found

    def _dumped(self) -> Kernel | Unknown:
        self.changes_seen = self.changes
        self.dumps += 1
        if not self.readable:
            return Unknown("the kernel could not be read: No buffer space available")
        return Kernel(
            tuple(self.devices.values()),
            tuple(+self.addresses),
            tuple(+self.routes),
            frozenset(self.guards),
            self.versions,
            self._protected(),
        )

    def _protected(self) -> frozenset[Address]:
        by_policy = self.mode is EspMode.POLICY and not self.hides_policies
        return frozenset(source for source, _ in +self.policies) if by_policy else frozenset()

    def perform(self, action: KernelAction) -> None:
        """Do as told, or refuse with KernelError."""
        self._journal.note(action)
        self._last = None
        if isinstance(action, AddGuard | RemoveGuard) and not self.guards_allowed:
            raise KernelError(f"{action.guard}: Operation not permitted")
        if isinstance(action, AddGuard) and far(action.guard).version not in self.versions:
            raise KernelError(f"{action.guard}: Address family not supported by protocol")
        match action:
            case AddGuard(guard):
                self.guards.add(guard)
                self._replace_policy(guard)
            case RemoveGuard(guard):
                self.guards.discard(guard)
            case AddRoute(route):
                if route.source is not None and not self.has(route.source):
                    raise KernelError(f"route replace {route.destination}: Invalid argument")
                for other in list(self.routes):
                    if _same_place(other, route):
                        del self.routes[other]
                self.routes[route] = 1
                self.rung()
            case RemoveRoute(route):
                if self.routes.pop(route, None):
                    self.rung()
            case AddInterface(interface):
                if any(device.name == interface.name for device in self.devices.values()):
                    raise KernelError(f"interface {interface.name}: File exists")
                index = max(self.devices) + 1
                made = Device(index, interface.name, True, False, bool(interface.if_id))
                self.devices[index] = replace(made, if_id=interface.if_id, ours=True)
                self.rung()
            case RemoveInterface(device):
                self.remove_device(device.index)
            case RemoveAddress(held):
                del self.addresses[held]
                self.rung()
        self.watch()

    def _replace_policy(self, guard: Guard) -> None:
        """Lose a policy of charon's with the selector of a block: there is one for each."""
        if self.mode is EspMode.INTERFACE or not isinstance(guard, Block) or guard.device:
            return
        if guard.direction is Direction.OUT and guard.source.num_addresses == 1:
            self.policies.pop((guard.source.network_address, guard.destination), None)

    # What others do to it.

    def has(self, address: Address) -> bool:
        """Tell whether an interface bears an address."""
        return any(a.address == address for a in +self.addresses)

    def add_device(self, device: Device) -> None:
        """Plug a device in."""
        self.devices[device.index] = device
        self.changed()

    def remove_device(self, index: int) -> None:
        """Pull a device out; what is on it goes with it, its policies' selectors do not."""
        self.devices.pop(index, None)
        for address in [a for a in self.addresses if a.device == index]:
            del self.addresses[address]
        for route in [r for r in self.routes if r.device == index]:
            del self.routes[route]
        self.changed()

    def add_address(self, address: Address, device: int) -> None:
        """Put an address on a device; it is there until it was taken away as often."""
        self.addresses[InterfaceAddress(address, device, usable=True)] += 1
        self.changed()

    def remove_address(self, address: Address) -> None:
        """Take an address away, and with the last holder the main table's routes from it."""
        for held in [a for a in +self.addresses if a.address == address]:
            self.addresses[held] -= 1
        if not self.has(address):
            for route in [r for r in self.routes if r.source == address]:
                if route.table == MAIN_TABLE:
                    del self.routes[route]
        self.changed()

    def forget(self) -> None:
        """Lose everything that somebody put here since the box was switched on."""
        self._last = None
        self.guards.clear()
        self.policies.clear()
        for address in [a for a in self.addresses if a.address not in (OUTER, LOCALHOST)]:
            del self.addresses[address]
        for route in [r for r in self.routes if r.destination.prefixlen]:
            del self.routes[route]

    def seize_address(self, address: Address) -> None:
        """Take an address away, whoever holds it: `ip address del`."""
        for held in [a for a in self.addresses if a.address == address]:
            del self.addresses[held]
        self.changed()

    def changed(self) -> None:
        """Say that something changed, as rtnetlink would."""
        self.changes += 1
        self.rung()
        self.watch()

    # What it does to packets.

    def fate(self, source: Address, destination: Address) -> Fate:
        """Return what becomes of a packet of a socket that is bound to its source address."""
        if not self.has(source):
            return Fate.BLOCKED
        route = self._route(source, destination)
        if route is None:
            return Fate.BLOCKED
        into_tunnel = self.devices[route.device].carries_tunnel
        protected = any(
            inner == source and destination in network for inner, network in +self.policies
        )
        if self.mode is EspMode.POLICY and protected:
            return Fate.INSIDE
        if any(_stops(guard, source, destination, route.device) for guard in self.guards):
            return Fate.BLOCKED
        if into_tunnel:
            return Fate.INSIDE if protected else Fate.BLOCKED
        return Fate.CLEAR

    def _route(self, source: Address, destination: Address) -> Route | None:
        inside = self._best(destination, CHARON_TABLE)
        if inside is not None:
            return inside
        rules = (guard for guard in self.guards if isinstance(guard, Unreachable))
        if any(source in rule.source and destination in rule.destination for rule in rules):
            return None
        return self._best(destination, MAIN_TABLE)

    def _best(self, destination: Address, table: int) -> Route | None:
        matching = [r for r in +self.routes if r.table == table and destination in r.destination]
        return min(matching, key=lambda r: (-r.destination.prefixlen, r.metric), default=None)


def _same_place(one: Route, other: Route) -> bool:
    """Tell whether one route replaces the other: `ip route replace`."""
    return replace(one, device=0, gateway=None, source=None, ours=True) == replace(
        other, device=0, gateway=None, source=None, ours=True
    )


def _stops(guard: Guard, source: Address, destination: Address, device: int) -> bool:
    return (
        isinstance(guard, Block)
        and guard.direction is Direction.OUT
        and source in guard.source
        and destination in guard.destination
        and guard.device in (0, device if source.version == 4 else 0)
    )
