"""What the parameters ask for + what is known → the state of the world that is wanted now.

Pure. Every part of `Desired` is computed from scratch at each look; nothing is remembered here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from henbd.control import guard, trials
from henbd.control.refusal import literal
from henbd.control.routing import CHARON_TABLE, MAIN_TABLE, best_route, covered, outer_source
from henbd.control.trials import Trials
from henbd.control.tunnel import PREFIX, Tunnel, esp_mode, ours
from henbd.values import (
    Address,
    Certificate,
    Charon,
    Child,
    Connection,
    Desired,
    FarEnd,
    HemsPath,
    Hold,
    IpsecSettings,
    Kernel,
    Network,
    Observed,
    PeerState,
    Provisioned,
    Route,
    S1Link,
    S1Mode,
    Settings,
    Stack,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class Course:
    """What the loop knows beside one look: who failed, and since when S1 has no path.

    `hems` is the address of the HeMS if it is known; times are monotonic.
    """

    hems: Address | None
    gateways: Trials
    far_ends: Trials
    pathless_since: float | None
    now: float


def desired(
    asked: Provisioned, settings: Settings, observed: Observed, tunnel: Tunnel, course: Course
) -> Desired:
    """Return what is wanted now; the kernel must have been read."""
    assert isinstance(observed.kernel, Kernel)
    ends = _far_ends(asked, observed)
    behind = _behind_gateway(asked, settings, observed, tunnel, ends, course.hems)
    connection: Connection | Unknown | None
    link: S1Link | Hold | None
    if any(host not in observed.names for host in (*asked.far_ends, *asked.gateways)):
        connection, link = Unknown("names are being looked up"), Hold.HOLD
    else:
        connection = _connection(asked, settings.ipsec, observed, tunnel, behind, course)
        link = _link(asked, settings, observed, tunnel, ends, course)
    return Desired(
        connection=connection,
        guards=guard.guards(
            _protected(asked, settings, behind, course.hems),
            _inner_sources(observed, tunnel),
            observed.kernel,
            esp_mode(observed.charon, observed.kernel),
        ),
        routes=_routes(asked, observed.kernel, tunnel, behind, ends),
        link=link,
        may_initiate=isinstance(connection, Connection)
        and trials.until(course.gateways, connection.gateway) <= course.now,
    )


def _far_ends(asked: Provisioned, observed: Observed) -> tuple[FarEnd, ...]:
    """Return the S1 far ends in order, as far as their names are known, one address each."""
    found = [addresses[0] for h in asked.far_ends if (addresses := observed.names.get(h))]
    return tuple(FarEnd(address, asked.port) for address in dict.fromkeys(found))


def _user_plane(observed: Observed) -> tuple[Address, ...]:
    return observed.stack.user_plane_peers if isinstance(observed.stack, Stack) else ()


def _behind_gateway(
    asked: Provisioned,
    settings: Settings,
    observed: Observed,
    tunnel: Tunnel,
    ends: Iterable[FarEnd],
    hems: Address | None,
) -> tuple[Network, ...]:
    """Return what has to be reached through the tunnel: its traffic selectors.

    Far ends and peers inside `[ipsec] networks` add none. While the stack cannot say whom its user
    plane talks to, what there is now stays.
    """
    if settings.ipsec is None:
        return ()
    networks = list(settings.ipsec.networks)
    single = [hems] if hems and settings.hems.path is HemsPath.TUNNEL else []
    if asked.s1_inside:
        single += [end.address for end in ends]
        single += _user_plane(observed)
    for address in single:
        if not any(address in network for network in networks):
            networks.append(guard.host(address))
    if isinstance(observed.stack, Unknown) and set(networks) <= set(tunnel.networks):
        networks = list(tunnel.networks)
    return tuple(sorted(set(networks), key=lambda n: (n.version, n)))


def _protected(
    asked: Provisioned, settings: Settings, behind: Iterable[Network], hems: Address | None
) -> list[Network]:
    """Return what must never be reached in the clear.

    With S1 outside that is the HeMS alone: the user plane goes to networks of the core then.
    """
    if asked.s1_inside:
        return list(behind)
    if hems and settings.hems.path is HemsPath.TUNNEL:
        return [guard.host(hems)]
    return []


def _inner_sources(observed: Observed, tunnel: Tunnel) -> set[Address]:
    """Return the addresses that may only be used inside: those granted, and the one S1 has."""
    charon, stack = observed.charon, observed.stack
    granted = set(tunnel.inner)
    if isinstance(charon, Charon):
        granted |= {address for sa in ours(charon) for address in sa.inner}
    if isinstance(stack, Stack) and isinstance(stack.told, S1Link) and stack.told.inside:
        granted.add(stack.told.local)
    return granted


def _connection(
    asked: Provisioned,
    ipsec: IpsecSettings | None,
    observed: Observed,
    tunnel: Tunnel,
    behind: tuple[Network, ...],
    course: Course,
) -> Connection | None:
    """Return the connection that charon shall keep up; None where nothing is behind a gateway.

    A gateway that works is kept; else the first that may be tried.
    """
    candidates = [a for host in asked.gateways for a in observed.names.get(host, ())]
    working = literal(tunnel.sa.gateway) if tunnel.up and tunnel.sa else None
    if working in candidates:
        gateway: Address | None = working
    else:
        gateway = trials.choose(candidates, course.gateways, course.now)
    if ipsec is None or gateway is None or not behind:
        return None
    child = Child(
        f"net-{_digest(behind, ipsec.esp_proposals, ipsec.rekey_s)}", behind, ipsec.esp_proposals
    )
    fingerprint = _fingerprint(ipsec)
    ike = _digest(
        gateway,
        ipsec.local_id,
        ipsec.remote_id,
        fingerprint,
        ipsec.proposals,
        ipsec.families,
        (ipsec.dpd_s, ipsec.rekey_s, ipsec.reauth_s),
    )
    return Connection(
        name=PREFIX + ike,
        gateway=gateway,
        local_id=ipsec.local_id,
        remote_id=ipsec.remote_id,
        credentials=ipsec.credentials,
        secret_id=PREFIX + fingerprint,
        proposals=ipsec.proposals,
        families=ipsec.families,
        dpd_s=ipsec.dpd_s,
        rekey_s=ipsec.rekey_s,
        reauth_s=ipsec.reauth_s,
        child=child,
    )


def _fingerprint(ipsec: IpsecSettings) -> str:
    credentials = ipsec.credentials
    if isinstance(credentials, Certificate):
        return _digest(credentials.certificate, credentials.key, credentials.authorities)
    return _digest(credentials.secret, ipsec.local_id, ipsec.remote_id)


def _digest(*parts: object) -> str:
    """Return a name for a value: the same for equal values, in every process and version."""
    return hashlib.sha256(repr([str(part) for part in parts]).encode()).hexdigest()[:12]


def _routes(
    asked: Provisioned,
    kernel: Kernel,
    tunnel: Tunnel,
    behind: Iterable[Network],
    ends: Iterable[FarEnd],
) -> frozenset[Route]:
    """Return the routes that are missing in what charon and the operator have set up.

    Inside: where the tunnel is an interface that charon puts no routes to. Outside: past charon's
    routes, for a far end that lies in the tunnel's networks.
    """
    found = set()
    interface = {d.index for d in kernel.devices if d.carries_tunnel}
    if tunnel.up and tunnel.device in interface:
        for network in behind:
            source = next((a for a in tunnel.inner if a.version == network.version), None)
            if source and not covered(network, tunnel.device, kernel):
                found.add(
                    Route(network, tunnel.device, None, source, MAIN_TABLE, metric=0, ours=True)
                )
    if not asked.s1_inside:
        for end in ends:
            outer = best_route(end.address, kernel, MAIN_TABLE)
            if outer and best_route(end.address, kernel, CHARON_TABLE):
                found.add(
                    Route(
                        guard.host(end.address),
                        outer.device,
                        outer.gateway,
                        None,
                        CHARON_TABLE,
                        metric=0,
                        ours=True,
                    )
                )
    return frozenset(found)


def _link(
    asked: Provisioned,
    settings: Settings,
    observed: Observed,
    tunnel: Tunnel,
    ends: tuple[FarEnd, ...],
    course: Course,
) -> S1Link | Hold | None:
    """Return where S1 is to be, None to keep it down, HOLD while its path may well come back."""
    if not asked.far_ends or (settings.s1.wait_for_admin_state and not asked.admin_state):
        return None
    link = available_link(asked, observed, tunnel, ends, course)
    if link is not None:
        return link
    return Hold.HOLD if _may_come_back(settings, observed, course) else None


def available_link(
    asked: Provisioned,
    observed: Observed,
    tunnel: Tunnel,
    ends: tuple[FarEnd, ...],
    course: Course,
) -> S1Link | None:
    """Return the link that there is a path for now, None where there is none."""
    assert isinstance(observed.kernel, Kernel)
    sources = {
        end.address: (
            tunnel.source_for(end.address)
            if asked.s1_inside
            else outer_source(end.address, observed.kernel)
        )
        for end in ends
    }
    reached = [end for end in ends if sources[end.address]]
    if asked.mode is S1Mode.ONE and reached:
        first = _one(reached, observed, course)
        reached = [end for end in reached if end.address == first]
    if not reached:
        return None
    local = sources[reached[0].address]
    assert local is not None
    return S1Link(
        local=local,
        peers=tuple(end for end in reached if end.address.version == local.version),
        inside=asked.s1_inside,
        may_transmit=asked.admin_state,
        cell=asked.cell,
    )


def _one(reached: list[FarEnd], observed: Observed, course: Course) -> Address | None:
    """Return the one far end to be connected (S1ConnectionMode One): in order, past failures.

    One that works is kept.
    """
    candidates = [end.address for end in reached]
    peers = observed.stack.peers if isinstance(observed.stack, Stack) else ()
    for peer in peers:
        if peer.state is PeerState.UP and peer.far_end.address in candidates:
            return peer.far_end.address
    return trials.choose(candidates, course.far_ends, course.now)


def _may_come_back(settings: Settings, observed: Observed, course: Course) -> bool:
    """Return whether S1 is to be left as it is although there is no path that we know of.

    A charon that does not answer is no reason to end S1 while the address is there.
    """
    stack = observed.stack
    if not isinstance(stack, Stack) or not isinstance(stack.told, S1Link):
        return False
    assert isinstance(observed.kernel, Kernel)
    present = any(a.address == stack.told.local for a in observed.kernel.addresses)
    if isinstance(observed.charon, Unknown) and present:
        return True
    since = course.now if course.pathless_since is None else course.pathless_since
    return course.now - since < settings.s1.hold_s
