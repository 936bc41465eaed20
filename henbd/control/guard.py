"""The leak guards: what makes S1 go inside, or nowhere.

Where the kernel does ESP by policy, a block under charon's policies and an unreachable route. Where
the tunnel is an interface, a block on every way out of the box and the unreachable route. Routes
alone do not stop a socket that is bound to an outer address, nor do blocks of a device stop an IPv6
socket that is bound to none: it takes both.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from henbd.values import Address, Block, EspMode, Guard, Kernel, Network, Unreachable

ANY = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}

ANY_DEVICE = 0


def host(address: Address) -> Network:
    """Return the network of one address."""
    return ip_network(address)


def sources(kernel: Kernel) -> set[Address]:
    """Return the inner addresses that guards stand for."""
    return {
        g.source.network_address
        for g in kernel.guards
        if isinstance(g, Block) and g.source.prefixlen
    }


def guards(
    destinations: Iterable[Network], sources: Iterable[Address], kernel: Kernel, mode: EspMode
) -> frozenset[Guard]:
    """Return the guards that keep these destinations, and these inner sources, off the outside.

    A default route among the destinations is left out: it would cut the way to the gateway.
    """
    devices = [d.index for d in kernel.devices if not d.loopback and not d.carries_tunnel]
    wanted = [ANY_DEVICE] if mode is EspMode.POLICY else devices
    protected = [network for network in destinations if network.prefixlen]
    found: set[Guard] = {Unreachable(network) for network in protected}
    found |= {Block(ANY[n.version], n, device) for n in protected for device in wanted}
    found |= {Block(host(a), ANY[a.version], device) for a in sources for device in wanted}
    return frozenset(found)
