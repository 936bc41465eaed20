"""What a charon does to the kernel for its SAs: addresses, routes, policies, and its TUN."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from henbd.control.routing import CHARON_TABLE
from henbd.values import Address, Child, Device, EspMode, Network, Route
from tests.unit.fakes.kernel import ROUTER, WAN0, FakeKernel

TUN_NAME = "ipsec0"


class FakeEsp:
    """The kernel as charon uses it; `puts_routes`: its option install_routes."""

    def __init__(self, kernel: FakeKernel) -> None:
        self.puts_routes = True
        self._kernel = kernel
        self._index = itertools.count(10)
        self._tun = 0

    @property
    def mode(self) -> EspMode:
        """Where the kernel meets ESP."""
        return self._kernel.mode

    def start(self) -> None:
        """Make the TUN, where there is one; each charon makes its own."""
        if self.mode is EspMode.INTERFACE:
            self._tun = next(self._index)
            self._kernel.add_device(
                Device(self._tun, TUN_NAME, up=True, loopback=False, carries_tunnel=True)
            )

    def die(self) -> None:
        """Be left by a charon that was killed: a TUN goes with it, all else stays."""
        if self.mode is EspMode.INTERFACE:
            self._kernel.policies.clear()
            self._kernel.remove_device(self._tun)

    def grant(self, addresses: tuple[Address, ...]) -> None:
        """Put inner addresses on an interface: the TUN, or the one that leads to the gateway."""
        for address in addresses:
            self._kernel.add_address(address, self._bearer)

    def withdraw(self, addresses: tuple[Address, ...]) -> None:
        """Take inner addresses away."""
        for address in addresses:
            self._kernel.remove_address(address)

    def can_bear(self, addresses: tuple[Address, ...]) -> bool:
        """Return whether a child can be installed: a TUN takes no route from an absent address."""
        return self.mode is EspMode.POLICY or all(map(self._kernel.has, addresses))

    def install(self, addresses: tuple[Address, ...], child: Child) -> None:
        """Put in what makes packets of a child go inside."""
        for route in self._routes(addresses, child):
            self._kernel.routes[route] += 1
        for pair in _pairs(addresses, child):
            self._kernel.policies[pair] += 1
        self._kernel.changed()

    def remove(self, addresses: tuple[Address, ...], child: Child) -> None:
        """Take it out again, as far as it is still there."""
        for route in self._routes(addresses, child):
            if route in self._kernel.routes:
                self._kernel.routes[route] -= 1
        for pair in _pairs(addresses, child):
            if pair in self._kernel.policies:
                self._kernel.policies[pair] -= 1
        self._kernel.changed()

    @property
    def _bearer(self) -> int:
        return self._tun if self.mode is EspMode.INTERFACE else WAN0

    def _routes(self, addresses: tuple[Address, ...], child: Child) -> Iterator[Route]:
        via = None if self.mode is EspMode.INTERFACE else ROUTER
        if self.puts_routes:
            for address, network in _pairs(addresses, child):
                yield Route(network, self._bearer, via, address, CHARON_TABLE, 0, ours=False)


def _pairs(addresses: tuple[Address, ...], child: Child) -> Iterator[tuple[Address, Network]]:
    for network in child.networks:
        for address in addresses:
            if address.version == network.version:
                yield address, network
