"""The leak guards: what makes S1 go inside, or nowhere.

A rule behind charon's stops whoever follows the routes, whosesoever they are: only what charon's
table has a route for is beyond it. Beside it, where the kernel does ESP by policy, blocks under
charon's policies: its route leads outside when its policy has gone. Where the tunnel is an
interface, a block on every way out of the box. It takes both: IPv4 lets a socket that is bound to a
device out of it whatever the rules say, and the blocks of a device do not stop an IPv6 socket that
is bound to none.

An inner address has a rule for what is sent to it, too. While it is on the box nobody gets so far.
When it has gone, a router would pass on what the tunnel still brings for it, outside; and where the
kernel has a packet from it left, an error of ICMP would go there, with the beginning of the packet.

What comes in, and what is passed on, is blocked by policy alone: behind an interface such a block
would meet what has come through the tunnel as well, for it is not told by the device.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import ip_network

from henbd.values import (
    Address,
    Block,
    Direction,
    EspMode,
    Guard,
    Kernel,
    Network,
    Unreachable,
)

ANY = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}

# One block for all of it could have the selector of a policy of charon's, and stand in its place.
HALVES: dict[int, tuple[Network, ...]] = {
    version: tuple(network.subnets()) for version, network in ANY.items()
}

ANY_DEVICE = 0


# Each look asks for those of the same few: the far ends, the HeMS, the gateways.
@lru_cache(64)
def host(address: Address) -> Network:
    """Return the network of one address."""
    return ip_network(address)


def networks(guards: Iterable[Guard]) -> frozenset[Network]:
    """Return what guards keep everybody of the box apart from, but for inner addresses."""
    standing = frozenset(guards)
    return frozenset(far(guard) for guard in standing if near(guard) is None) - inner(standing)


def inner(guards: Iterable[Guard]) -> frozenset[Network]:
    """Return the inner addresses that guards are about."""
    return frozenset(side for guard in guards if (side := near(guard)))


def sources(kernel: Kernel) -> set[Address]:
    """Return the inner addresses that guards stand for."""
    return {side.network_address for side in inner(kernel.guards)}


def near(guard: Guard) -> Network | None:
    """Return the side of a guard that is ours, whichever way the packets go; None: anybody's."""
    inward = isinstance(guard, Block) and guard.direction is not Direction.OUT
    side = guard.destination if inward else guard.source
    return side if side.prefixlen else None


def far(guard: Guard) -> Network:
    """Return the other side, which a guard keeps us apart from."""
    if isinstance(guard, Block) and guard.direction is not Direction.OUT:
        return guard.source
    return guard.destination


def guards(
    destinations: Iterable[Network],
    sources: Iterable[Address],
    kernel: Kernel,
    mode: EspMode,
    if_id: int = 0,
) -> frozenset[Guard]:
    """Return the guards that keep these destinations, and these inner sources, off the outside.

    `if_id` is that of the interface of xfrm that the tunnel is behind: another leads elsewhere.

    A default route among the destinations is left out: it would cut the way to the gateway; and so
    is what nobody could send there, as the kernel does not have that version of IP.
    """
    carriers = {d.index for d in kernel.devices if d.carries_tunnel and d.if_id == if_id}
    devices = [d.index for d in kernel.devices if not d.loopback and d.index not in carriers]
    wanted = [ANY_DEVICE] if mode is EspMode.POLICY else devices
    protected = [n for n in destinations if n.prefixlen and n.version in kernel.versions]
    from_any = [(ANY[network.version], network) for network in protected]
    granted = [(host(a), ANY[a.version]) for a in sources if a.version in kernel.versions]
    found: set[Guard] = {Unreachable(*sides) for sides in (*from_any, *granted)}
    found |= {Unreachable(any_, source) for source, any_ in granted}
    from_inner = [(source, half) for source, any_ in granted for half in HALVES[any_.version]]
    found |= {Block(*sides, device) for sides in (*from_any, *from_inner) for device in wanted}
    if mode is EspMode.POLICY:
        found |= {
            Block(n, ANY[n.version], ANY_DEVICE, direction)
            for n in protected
            for direction in (Direction.IN, Direction.FORWARD)
        }
    return frozenset(found)
