"""What has to be reached through the tunnel, and what must never be reached in the clear.

Pure. Neither is remembered: while nobody can say whom S1 talks to, what stands stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from henbd.control import guard, s1
from henbd.control.tunnel import Tunnel, installed
from henbd.settings import HemsPath, IpsecSettings, Settings
from henbd.values import (
    Address,
    AddressFamily,
    FarEnd,
    Kernel,
    Network,
    Observed,
    Provisioned,
    Stack,
)

VERSIONS = {AddressFamily.IPV4: 4, AddressFamily.IPV6: 6}


def far_ends(asked: Provisioned, observed: Observed) -> tuple[FarEnd, ...]:
    """Return the S1 far ends in order, one address each, as far as their names are known.

    Inside, none is where a gateway is: it would be behind itself, and cannot be guarded.
    """
    told = {peer.address for peer in _told(observed)}
    unguarded = gateways(asked.gateways, observed) if asked.s1_inside else frozenset()
    # Of a name's addresses the one in use, else the first: name servers turn them round.
    found = [
        next((address for address in addresses if address in told), addresses[0])
        for host in asked.far_ends
        if (addresses := [a for a in observed.names.get(host, ()) if a not in unguarded])
    ]
    if not all(map(observed.names.get, asked.far_ends)):
        # A name without an address may well be that of a far end that works.
        found += [peer.address for peer in _told(observed)]
    return tuple(FarEnd(address, asked.port) for address in dict.fromkeys(found))


def gateways(hosts: Iterable[str], observed: Observed) -> frozenset[Address]:
    """Return the addresses of gateways, as far as their names are known."""
    return frozenset(a for host in hosts for a in observed.names.get(host, ()))


def _told(observed: Observed) -> tuple[FarEnd, ...]:
    told = observed.stack.told if isinstance(observed.stack, Stack) else None
    return told.peers if told else ()


def user_plane(observed: Observed) -> tuple[Address, ...]:
    """Return the far ends of the user plane that the stack has announced."""
    return observed.stack.user_plane_peers if isinstance(observed.stack, Stack) else ()


def management_networks(settings: Settings, hems: tuple[Address, ...]) -> tuple[Network, ...]:
    """Return what has to be reached through the tunnel whatever becomes of S1."""
    if settings.ipsec is None:
        return ()
    networks = list(settings.ipsec.networks)
    if settings.hems.path is HemsPath.TUNNEL:
        networks += _not_covered(hems, networks, settings.ipsec)
    return _in_order(networks)


def behind_gateway(
    asked: Provisioned,
    settings: Settings,
    observed: Observed,
    tunnel: Tunnel,
    ends: Iterable[FarEnd],
    hems: tuple[Address, ...],
) -> tuple[Network, ...]:
    """Return what has to be reached through the tunnel: its traffic selectors.

    Far ends and peers inside `[ipsec] networks` add none. While S1 is not up, nobody can say whom
    its user plane will talk to, nor where the HeMS is while its name is not known: what is reached
    now stays then.
    """
    if settings.ipsec is None:
        return ()
    networks = list(management_networks(settings, hems))
    if asked.s1_inside:
        single = (*(end.address for end in ends), *user_plane(observed))
        networks += _not_covered(single, networks, settings.ipsec)
    inside = settings.hems.path is HemsPath.TUNNEL
    if (_waits_for_s1(asked, observed) or (inside and not hems)) and tunnel.up and tunnel.sa:
        # Of one child: while it is replaced there are two, and their union is nobody's wish.
        kept = (c.networks for c in installed(tunnel.sa) if set(networks) <= set(c.networks))
        networks = list(max(kept, key=len, default=networks))
    return _in_order(networks)


def protected(
    asked: Provisioned,
    settings: Settings,
    observed: Observed,
    behind: Iterable[Network],
    hems: tuple[Address, ...],
) -> set[Network]:
    """Return what must never be reached in the clear.

    Of a name it is every address: another one may be in use in a moment. While S1 is not up, what
    is guarded stays so, for its user plane may have been there; likewise while the name of the HeMS
    is not known. With S1 outside it is the HeMS alone: the user plane goes to networks of the core
    then.
    """
    assert isinstance(observed.kernel, Kernel)
    inside = settings.hems.path is HemsPath.TUNNEL
    if not asked.s1_inside:
        return set(map(guard.host, hems)) if inside else set()
    found = set(behind)
    if settings.ipsec is not None:
        single = list(hems) if inside else []
        single += [a for name in asked.far_ends for a in observed.names.get(name, ())]
        single += user_plane(observed)
        # A default route is guarded by nothing: it would cut the way to the gateway.
        networks = [network for network in behind if network.prefixlen]
        found |= {guard.host(a) for a in single if not any(a in n for n in networks)}
    if _waits_for_s1(asked, observed) or (inside and not hems):
        found |= guard.networks(observed.kernel.guards)
    return found


def apart_from_s1(
    asked: Provisioned, observed: Observed, hems: tuple[Address, ...]
) -> frozenset[Network]:
    """Return where the HeMS is, and nothing of S1: that may be reached outside in need.

    A far end that the stack was told of counts though nobody wants it: S1 may still be there.
    """
    s1_has = {a for name in asked.far_ends for a in observed.names.get(name, ())}
    s1_has |= {peer.address for peer in _told(observed)} | set(user_plane(observed))
    return frozenset(guard.host(address) for address in hems if address not in s1_has)


def _not_covered(
    addresses: Iterable[Address], networks: Iterable[Network], ipsec: IpsecSettings
) -> list[Network]:
    """Return the addresses that are in no network, of the families that we have an address of."""
    versions = {VERSIONS[family] for family in ipsec.families}
    return [
        guard.host(a)
        for a in addresses
        if a.version in versions and not any(a in network for network in networks)
    ]


def _in_order(networks: Iterable[Network]) -> tuple[Network, ...]:
    return tuple(sorted(set(networks), key=lambda n: (n.version, n)))


def _waits_for_s1(asked: Provisioned, observed: Observed) -> bool:
    """Return whether S1 is to be had inside, and is not: nobody can say whom it will talk to."""
    return asked.s1_inside and bool(asked.far_ends) and not s1.up(observed.stack)
