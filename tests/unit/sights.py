"""What a look may find, and what may be wanted: builders of the values that control/ judges.

Each gives a box whose tunnel is up and whose S1 is up through it, except for what is named.
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from henbd.control.course import Course
from henbd.control.routing import CHARON_TABLE, MAIN_TABLE
from henbd.values import (
    Address,
    Block,
    Cell,
    Charon,
    ChildSa,
    Desired,
    Device,
    Direction,
    EspMode,
    FarEnd,
    Guard,
    IkeSa,
    InterfaceAddress,
    Kernel,
    Loaded,
    Management,
    Network,
    Observed,
    Peer,
    PeerState,
    Provisioned,
    Route,
    S1Link,
    S1Mode,
    Stack,
    Unknown,
    Unreachable,
)
from tests.unit.settings import ipsec

GATEWAY, GATEWAY_2 = ip_address("192.0.2.101"), ip_address("192.0.2.102")
OUTER, ROUTER = ip_address("192.0.2.10"), ip_address("192.0.2.1")
INNER, INNER_2 = ip_address("10.99.0.1"), ip_address("10.99.0.7")
INNER6 = ip_address("2001:db8:99::1")
MME, MME_2, MME6 = ip_address("10.40.0.1"), ip_address("10.40.0.2"), ip_address("2001:db8:40::1")
SGW = ip_address("10.50.0.1")
HEMS = ip_address("10.30.0.3")
CORE = ip_network("10.30.0.0/24")
ANY, ANY6 = ip_network("0.0.0.0/0"), ip_network("::/0")

LO, WAN, WAN_2, TUN = 1, 2, 3, 10
CELL = Cell(identity=1, tac=1, plmns=("00101",), name=None, csg_id=None)
NOW = 1000.0
NOBODY = Unknown("nobody answers")


def host(address: Address) -> Network:
    """Return the network of one address."""
    return ip_network(address)


def child_sa(
    *networks: Network, name: str = "net-a", unique_id: int = 11, installed: bool = True
) -> ChildSa:
    """Return a CHILD_SA; without networks, to the core and to MME."""
    return ChildSa(name, unique_id, installed, networks or (CORE, host(MME)))


def ike_sa(*children: ChildSa, **changes: Any) -> IkeSa:
    """Return an established IKE_SA with an inner address and, unless given others, one child."""
    sa = IkeSa(
        connection="henbd-a",
        unique_id=1,
        established=True,
        connecting=False,
        age_s=100,
        gateway=str(GATEWAY),
        inner=(INNER,),
        children=children or (child_sa(),),
    )
    return replace(sa, **changes)


def loaded(**connections: str) -> Loaded:
    """Return what is loaded: connections by the end of their name, with one child each."""
    return Loaded(
        {f"henbd-{name}": frozenset({child}) for name, child in connections.items()},
        frozenset(),
        frozenset(),
    )


def charon(*sas: IkeSa, mode: EspMode = EspMode.POLICY, **changes: Any) -> Charon:
    """Return a look at charon, which was not asked what is loaded."""
    found = Charon(sas, Unknown("not asked"), mode, initiating=frozenset())
    return replace(found, **changes)


def device(index: int, *, up: bool = True, tunnel: bool = False) -> Device:
    """Return a device."""
    return Device(index, f"dev{index}", up, loopback=index == LO, carries_tunnel=tunnel)


def on(address: Address, index: int, *, usable: bool = True) -> InterfaceAddress:
    """Return an address on a device."""
    return InterfaceAddress(address, index, usable)


def route(destination: Network, index: int, **changes: Any) -> Route:
    """Return a route of somebody else in the main table."""
    return replace(
        Route(destination, index, None, None, MAIN_TABLE, metric=0, ours=False), **changes
    )


DEFAULT_ROUTE = route(ANY, WAN, gateway=ROUTER)


def kernel(*guards: Guard, inner: tuple[Address, ...] = (INNER,), **changes: Any) -> Kernel:
    """Return a look at a kernel that does ESP by policy; `inner` addresses are on the WAN."""
    found = Kernel(
        devices=(device(LO), device(WAN)),
        addresses=(on(OUTER, WAN), *(on(address, WAN) for address in inner)),
        routes=(
            DEFAULT_ROUTE,
            *(
                route(network, WAN, gateway=ROUTER, source=address, table=CHARON_TABLE)
                for address in inner
                for network in (CORE, host(MME))
                if address.version == network.version
            ),
        ),
        guards=frozenset(guards),
    )
    return replace(found, **changes)


def guards_of(
    *destinations: Network, sources: tuple[Address, ...] = (), device: int = 0
) -> frozenset[Guard]:
    """Return the guards that keep these off the outside."""
    any_of = {4: ANY, 6: ANY6}
    kept_in = [(any_of[n.version], n) for n in destinations]
    kept_in += [(host(a), any_of[a.version]) for a in sources]
    found: set[Guard] = {Unreachable(*sides) for sides in kept_in}
    found |= {Unreachable(any_of[a.version], host(a)) for a in sources}
    found |= {
        Block(source, part, device)
        for source, to in kept_in
        for part in ([to] if to.prefixlen else to.subnets())
    }
    if not device:
        found |= {
            Block(n, any_of[n.version], 0, direction)
            for n in destinations
            for direction in (Direction.IN, Direction.FORWARD)
        }
    return frozenset(found)


def link(*far_ends: Address, local: Address = INNER, inside: bool = True) -> S1Link:
    """Return a link to far ends, by default to MME, from the inner address."""
    peers = tuple(FarEnd(address, 36412) for address in far_ends or (MME,))
    return S1Link(local, peers, inside, may_transmit=False, cell=CELL)


def stack(told: S1Link | None = None, state: PeerState = PeerState.UP, **changes: Any) -> Stack:
    """Return a stack that works by a link, each of its peers in this state."""
    peers = tuple(Peer(peer, state, told.local) for peer in told.peers) if told else ()
    found = Stack("test", told, 1, True, peers, transmitting=False, user_plane_peers=())
    return replace(found, **changes)


def observed(**changes: Any) -> Observed:
    """Return a whole look."""
    found = Observed(
        charon=charon(ike_sa()),
        kernel=kernel(*guards_of(CORE, host(MME), sources=(INNER,))),
        stack=stack(link()),
        names={str(a): (a,) for a in (GATEWAY, GATEWAY_2, MME, MME_2, MME6)},
    )
    return replace(found, **changes)


def provisioned(*far_ends: Address | str, **changes: Any) -> Provisioned:
    """Return what the parameters ask for: S1 inside, to these far ends, by default to MME."""
    asked = Provisioned(
        s1_inside=True,
        far_ends=tuple(str(end) for end in far_ends or (MME,)),
        port=36412,
        mode=S1Mode.ONE,
        gateways=(str(GATEWAY), str(GATEWAY_2)),
        admin_state=False,
        cell=CELL,
        proposals=ipsec().proposals,
        esp_proposals=ipsec().esp_proposals,
    )
    return replace(asked, **changes)


def course(**changes: Any) -> Course:
    """Return the course of a box that has had its path and its stack for long."""
    found = Course(tunnel_since=0.0, pathless_since=None, stack_lost_since=None)
    return replace(found, **changes)


def desired(**changes: Any) -> Desired:
    """Return what is wanted of a box with nothing but its guards and its link."""
    found = Desired(
        connection=None,
        guards=guards_of(CORE, host(MME), sources=(INNER,)),
        routes=frozenset(),
        link=link(),
        may_initiate=True,
    )
    return replace(found, **changes)


def management(url: str = "https://hems.example:7548/acs") -> Management:
    """Return what the parameters say about a HeMS."""
    return Management(
        url=url,
        username="henb",
        password="",
        connection_requests=True,
        connection_request_username="",
        connection_request_password="",
        enabled=True,
        interval_s=None,
        reference_time="",
        retry_minimum_s=5,
        retry_multiplier=2000,
        throttle_s=0,
    )
