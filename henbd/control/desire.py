"""What the parameters ask for + what is known → the state of the world that is wanted now.

Pure. Every part of `Desired` is computed from scratch at each look; nothing is remembered here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from henbd.control import course as courses
from henbd.control import gateway_turns, guard, s1, trials
from henbd.control import gateways as gateway_lists
from henbd.control.connection import connection
from henbd.control.course import Course
from henbd.control.routing import CHARON_TABLE, MAIN_TABLE, best_route, covered
from henbd.control.selectors import (
    apart_from_s1,
    behind_gateway,
    far_ends,
    gateways,
    management_networks,
    protected,
    user_plane,
)
from henbd.control.tunnel import Tunnel, esp_mode, ours
from henbd.settings import Settings
from henbd.values import (
    Address,
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

# What ESP and UDP encapsulation, or an IPv6 header, add has room in the 1492 bytes of PPPoE then:
# S1-U is not cut in two on the way. libipsec's own TUN has the same.
MTU = 1400


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
    ipsec = settings.ipsec and gateway_turns.in_force(course.gateways, asked, settings.ipsec)
    ends = far_ends(asked, observed)
    behind = behind_gateway(asked, settings, observed, tunnel, ends, hems)
    opened = apart_from_s1(asked, observed, hems) if course.hems_outside else frozenset()
    hosts = gateway_turns.in_use(course.gateways, asked.gateways)
    guarded = protected(asked, settings, observed, behind, hems) - opened
    # Behind a guard no gateway could be reached that would lead there.
    guarded -= set(map(guard.host, gateways((*asked.gateways, *hosts), observed)))
    if_id = ipsec.if_id if ipsec else 0
    mode = esp_mode(observed.charon, observed.kernel, if_id=if_id)
    sources = _inner_sources(observed, tunnel)
    guards = guard.guards(guarded, sources, observed.kernel, mode, if_id)
    routes = _inner_routes(observed.kernel, tunnel, guarded) | _outer_routes(asked, observed, ends)
    if any(host not in observed.names for host in (*asked.far_ends, *hosts)):
        unknown = Unknown("names are being looked up")
        return Desired(unknown, guards, routes, Hold.HOLD, may_initiate=False, opened=opened)
    found = Desired(
        connection=None,
        guards=guards,
        routes=routes,
        link=s1.link(asked, settings.s1, observed, tunnel, ends, course, now),
        may_initiate=False,
        interface=Interface(ipsec.interface, ipsec.if_id) if ipsec and ipsec.interface else None,
        stale=courses.stale(course, now),
        opened=opened,
    )
    if ipsec is None or not behind:
        return found
    gateway = gateway_lists.choose(hosts, observed, tunnel, course.gateways, ipsec, now)
    if gateway is None:
        return found
    least = management_networks(settings, hems)
    divisible = bool(least) and set(least) < set(behind)
    if divisible and gateway_lists.refuses(course.gateways, behind, ipsec, now):
        # Without the HeMS nobody could mend what the gateway has against the rest.
        divisible, behind = False, least
    return replace(
        found,
        divisible=divisible,
        connection=connection(gateway, behind, ipsec),
        may_initiate=trials.until(course.gateways.trials, gateway) <= now,
        one_child=course.gateways.one_child,
        renew=courses.flushed(course, now),
        rivals=gateway_lists.rivals(course.gateways, tunnel, ipsec),
    )


def _inner_sources(observed: Observed, tunnel: Tunnel) -> set[Address]:
    """Return the addresses that may only be used inside: those granted, and the one S1 has.

    And one that was granted before, as long as it is there: a charon that was killed has left it.
    """
    charon, kernel, stack = observed.charon, observed.kernel, observed.stack
    granted = set(tunnel.inner)
    standing = guard.sources(kernel) if isinstance(kernel, Kernel) else set()
    if isinstance(charon, Charon):
        granted |= {address for sa in ours(charon) for address in sa.inner}
        if isinstance(kernel, Kernel):
            granted |= standing & {held.address for held in kernel.addresses}
    else:
        # Nobody can say what is granted: what is guarded stays so.
        granted |= standing
    if isinstance(stack, Stack) and isinstance(stack.told, S1Link) and stack.told.inside:
        granted.add(stack.told.local)
    return granted


def _inner_routes(kernel: Kernel, tunnel: Tunnel, guarded: Iterable[Network]) -> frozenset[Route]:
    """Return the routes into the tunnel, where it is an interface that charon puts no routes to.

    Where it leads everywhere, only what is guarded goes there: a default route would lead charon's
    own packets into it.
    """
    if not tunnel.up or not any(
        d.carries_tunnel and d.index == tunnel.device for d in kernel.devices
    ):
        return frozenset()
    sources = {address.version: address for address in tunnel.inner}
    networks = set(tunnel.networks)
    everywhere = {network.version for network in networks if not network.prefixlen}
    networks |= {network for network in guarded if network.version in everywhere}
    return frozenset(
        Route(
            network,
            tunnel.device,
            None,
            sources[network.version],
            CHARON_TABLE,
            METRIC,
            ours=True,
            mtu=MTU,
        )
        for network in networks
        if network.prefixlen
        and network.version in sources
        and not covered(network, tunnel.device, kernel)
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
    for address in (*(end.address for end in ends), *user_plane(observed)):
        outer = best_route(address, kernel, MAIN_TABLE)
        inner = best_route(address, kernel, CHARON_TABLE)
        to = guard.host(address)
        if outer and inner and inner.destination != to:
            found.add(Route(to, outer.device, outer.gateway, None, CHARON_TABLE, METRIC, True))
    return frozenset(found)
