"""What the parameters ask for + what is known → the state of the world that is wanted now.

Pure. Every part of `Desired` is computed from scratch at each look; nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from henbd.control import course as courses
from henbd.control import gateways as gateway_lists
from henbd.control import guard, s1, trials
from henbd.control.connection import connection
from henbd.control.course import Course
from henbd.control.routing import CHARON_TABLE, MAIN_TABLE, best_route, covered
from henbd.control.tunnel import Tunnel, esp_mode, installed, ours
from henbd.settings import HemsPath, IpsecSettings, Settings
from henbd.values import (
    Address,
    AddressFamily,
    Charon,
    Desired,
    FarEnd,
    Hold,
    Interface,
    Kernel,
    Network,
    Observed,
    Provisioned,
    Route,
    S1Link,
    Stack,
    Unknown,
)

# Of our routes: none that an operator would use, so that neither replaces the other's.
METRIC = 206

# What ESP, UDP encapsulation and an IPv6 header add has room in the 1492 bytes of PPPoE then, so
# that S1-U is not cut in two on the way; libipsec's own TUN has the same.
MTU = 1400

VERSIONS = {AddressFamily.IPV4: 4, AddressFamily.IPV6: 6}


def desired(
    asked: Provisioned,
    settings: Settings,
    observed: Observed,
    tunnel: Tunnel,
    hems: tuple[Address, ...],
    course: Course,
    now: float,
) -> Desired:
    """Return what is wanted now. The kernel must have been read.

    `hems` are all addresses of the HeMS, none while they are not known.
    """
    assert isinstance(observed.kernel, Kernel)
    ipsec = ipsec_in_force(settings.ipsec, asked)
    ends = far_ends(asked, observed)
    behind = _behind_gateway(asked, settings, observed, tunnel, ends, hems)
    protected = _protected(asked, settings, observed, behind, hems)
    if course.hems_outside:
        # While no gateway can be had it may be reached outside; S1 may not.
        protected -= set(map(guard.host, hems)) - {guard.host(end.address) for end in ends}
    guards = guard.guards(
        protected,
        _inner_sources(observed, tunnel),
        observed.kernel,
        esp_mode(observed.charon, observed.kernel, if_id=ipsec.if_id if ipsec else 0),
    )
    routes = _inner_routes(observed.kernel, tunnel) | _outer_routes(asked, observed, ends)
    hosts = gateway_lists.in_use(course.gateways, asked.gateways)
    if any(host not in observed.names for host in (*asked.far_ends, *hosts)):
        unknown = Unknown("names are being looked up")
        return Desired(unknown, guards, routes, Hold.HOLD, may_initiate=False)
    found = Desired(
        connection=None,
        guards=guards,
        routes=routes,
        link=s1.link(asked, settings.s1, observed, tunnel, ends, course, now),
        may_initiate=False,
        interface=Interface(ipsec.interface, ipsec.if_id) if ipsec and ipsec.interface else None,
        stale=courses.stale(course, now),
    )
    if ipsec is None or not behind:
        return found
    gateway = gateway_lists.choose(hosts, observed, tunnel, course.gateways, ipsec, now)
    if gateway is None:
        return found
    return replace(
        found,
        connection=connection(gateway, behind, ipsec),
        may_initiate=trials.until(course.gateways.trials, gateway) <= now,
        one_child=course.gateways.one_child,
        rivals=gateway_lists.rivals(course.gateways, tunnel, ipsec),
    )


def ipsec_in_force(ipsec: IpsecSettings | None, asked: Provisioned) -> IpsecSettings | None:
    """Return the tunnel as the HeMS has it, where it has a say."""
    if ipsec is None:
        return None
    return replace(ipsec, proposals=asked.proposals, esp_proposals=asked.esp_proposals)


def far_ends(asked: Provisioned, observed: Observed) -> tuple[FarEnd, ...]:
    """Return the S1 far ends in order, one address each, as far as their names are known."""
    told = {peer.address for peer in _told(observed)}
    # Of a name's addresses the one in use, else the first: name servers turn them round.
    found = [
        next((address for address in addresses if address in told), addresses[0])
        for host in asked.far_ends
        if (addresses := observed.names.get(host))
    ]
    if not all(map(observed.names.get, asked.far_ends)):
        # A name without an address may well be that of a far end that works.
        found += [peer.address for peer in _told(observed)]
    return tuple(FarEnd(address, asked.port) for address in dict.fromkeys(found))


def _told(observed: Observed) -> tuple[FarEnd, ...]:
    told = observed.stack.told if isinstance(observed.stack, Stack) else None
    return told.peers if told else ()


def _user_plane(observed: Observed) -> tuple[Address, ...]:
    return observed.stack.user_plane_peers if isinstance(observed.stack, Stack) else ()


def _behind_gateway(
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
    networks = list(settings.ipsec.networks)
    inside = settings.hems.path is HemsPath.TUNNEL
    single = list(hems) if inside else []
    if asked.s1_inside:
        single += [end.address for end in ends]
        single += _user_plane(observed)
    granted = {VERSIONS[family] for family in settings.ipsec.families}
    for address in single:
        if address.version in granted and not any(address in n for n in networks):
            networks.append(guard.host(address))
    uncertain = _waits_for_s1(asked, observed) or (inside and not hems)
    if uncertain and tunnel.up and tunnel.sa is not None:
        # Of one child: while it is replaced there are two, and their union is nobody's wish.
        kept = (c.networks for c in installed(tunnel.sa) if set(networks) <= set(c.networks))
        networks = list(max(kept, key=len, default=networks))
    return tuple(sorted(set(networks), key=lambda n: (n.version, n)))


def _protected(
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
        single += _user_plane(observed)
        found |= {guard.host(a) for a in single if not any(a in n for n in behind)}
    if _waits_for_s1(asked, observed) or (inside and not hems):
        found |= guard.networks(observed.kernel.guards)
    return found


def _waits_for_s1(asked: Provisioned, observed: Observed) -> bool:
    """Return whether S1 is to be had inside, and is not: nobody can say whom it will talk to."""
    return asked.s1_inside and bool(asked.far_ends) and not s1.up(observed.stack)


def _inner_sources(observed: Observed, tunnel: Tunnel) -> set[Address]:
    """Return the addresses that may only be used inside: those granted, and the one S1 has."""
    charon, stack = observed.charon, observed.stack
    granted = set(tunnel.inner)
    if isinstance(charon, Charon):
        granted |= {address for sa in ours(charon) for address in sa.inner}
    elif isinstance(observed.kernel, Kernel):
        # Nobody can say what is granted: what is guarded stays so.
        granted |= guard.sources(observed.kernel)
    if isinstance(stack, Stack) and isinstance(stack.told, S1Link) and stack.told.inside:
        granted.add(stack.told.local)
    return granted


def _inner_routes(kernel: Kernel, tunnel: Tunnel) -> frozenset[Route]:
    """Return the routes into the tunnel, where it is an interface that charon puts no routes to."""
    if not tunnel.up or not any(
        d.carries_tunnel and d.index == tunnel.device for d in kernel.devices
    ):
        return frozenset()
    sources = {address.version: address for address in tunnel.inner}
    return frozenset(
        Route(
            network,
            tunnel.device,
            None,
            sources[network.version],
            MAIN_TABLE,
            METRIC,
            ours=True,
            mtu=MTU,
        )
        for network in tunnel.networks
        if network.version in sources and not covered(network, tunnel.device, kernel)
    )


def _outer_routes(
    asked: Provisioned, observed: Observed, ends: Iterable[FarEnd]
) -> frozenset[Route]:
    """Return the routes past charon's, for S1 outside to what lies in the tunnel's networks.

    Not before S1 has ended inside: it could not even take its leave.
    """
    stack, kernel = observed.stack, observed.kernel
    if asked.s1_inside or not isinstance(stack, Stack) or not isinstance(kernel, Kernel):
        return frozenset()
    if not stack.acknowledged if stack.told is None else stack.told.inside:
        return frozenset()
    found = set()
    for address in (*(end.address for end in ends), *_user_plane(observed)):
        outer = best_route(address, kernel, MAIN_TABLE)
        inner = best_route(address, kernel, CHARON_TABLE)
        to = guard.host(address)
        if outer and inner and inner.destination != to:
            found.add(Route(to, outer.device, outer.gateway, None, CHARON_TABLE, METRIC, True))
    return frozenset(found)
