"""Devices, addresses and routes as the kernel dumps them: bytes → values. Pure.

See rtnetlink(7), <linux/rtnetlink.h>, <linux/if_link.h> and <linux/if_addr.h>.
"""

from __future__ import annotations

import re
import socket
import struct
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from henbd.errors import KernelError
from henbd.system.netlink import attribute, attributes, number, unpacked
from henbd.values import Address, Device, InterfaceAddress, Network, Route

# The mark of our routes and rules. The kernel passes protocols from 4 on through as they are; this
# one is named neither in <linux/rtnetlink.h> nor in iproute2's rt_protos, and lies above FRR's.
OUR_PROTOCOL = 206

# The mark of our interfaces: a group that bears no other meaning.
OUR_GROUP = 206

# The kernel makes this of the metric 0 of an IPv6 route (IP6_RT_PRIO_USER).
DEFAULT_METRIC_6 = 1024

RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE = 18, 22, 26

LINK = struct.Struct("=BxHiII")
LINK_NAME, LINK_INFO, LINK_GROUP, LINK_KIND, LINK_DATA = 3, 18, 27, 1, 2
XFRM_IF_ID = 2
LINK_UP, _LINK_LOOPBACK = 0x1, 0x8
_LINK_EXTENSIONS, _SKIP_STATISTICS = 29, 8
_NO_HARDWARE_ADDRESS = 0xFFFE
_LIBIPSEC = re.compile("ipsec[0-9]+")

ADDRESS = struct.Struct("=BBBBI")
_ADDRESS_ADDRESS, ADDRESS_LOCAL, _ADDRESS_FLAGS = 1, 2, 8
_UNUSABLE = 0x40 | 0x08  # IFA_F_TENTATIVE, IFA_F_DADFAILED

_ROUTE = struct.Struct("=BBBBBBBBI")
_ROUTE_DESTINATION, _ROUTE_DEVICE, _ROUTE_GATEWAY, _ROUTE_METRIC = 1, 4, 5, 6
_ROUTE_SOURCE, _ROUTE_METRICS, _ROUTE_HOPS, _ROUTE_TABLE, _ROUTE_VIA = 7, 8, 9, 15, 18
_METRIC_MTU = 2
_UNICAST = 1
_CLONED = 0x200
_HOP = struct.Struct("=HBBi")

# The kernel mostly says what it said at the last look, and to take it apart again would be the
# dearest part of a look: so many messages are known by their bytes.
REMEMBERED = 256

# To make a set of guards has each of them hashed, which takes as long: so many dumps are known.
FEW = 4

# What is asked, without the header: for every family.
LINKS_ASKED = LINK.pack(0, 0, 0, 0, 0) + attribute(
    _LINK_EXTENSIONS, struct.pack("=I", _SKIP_STATISTICS)
)
ADDRESSES_ASKED = ADDRESS.pack(0, 0, 0, 0, 0)
ROUTES_ASKED = _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0)


@lru_cache(REMEMBERED)
def device(body: bytes) -> Device:
    """Return a network device."""
    _, hardware, index, flags, _ = unpacked(LINK, body)
    found = attributes(body, LINK.size)
    info = attributes(found.get(LINK_INFO, b""))
    kind = _name(info.get(LINK_KIND, b""))
    name = _name(found.get(LINK_NAME, b""))
    data = attributes(info.get(LINK_DATA, b"")) if kind == "xfrm" else {}
    return Device(
        index=index,
        name=name,
        up=bool(flags & LINK_UP),
        loopback=bool(flags & _LINK_LOOPBACK),
        carries_tunnel=_carries_tunnel(kind, hardware, name),
        if_id=number(data, XFRM_IF_ID, 0),
        ours=number(found, LINK_GROUP, 0) == OUR_GROUP,
    )


def _carries_tunnel(kind: str, hardware: int, name: str) -> bool:
    """Return whether a device may be charon's: libipsec calls its TUN ipsec0, or higher.

    Any other TUN is somebody else's way out of the box, such as a VPN, or what translates IPv4 for
    an uplink of IPv6 alone.
    """
    if kind == "tun":
        # A TAP is of this kind, too, but has an address as an Ethernet has.
        return hardware == _NO_HARDWARE_ADDRESS and bool(_LIBIPSEC.fullmatch(name))
    return kind == "xfrm"


@lru_cache(REMEMBERED)
def interface_address(body: bytes) -> InterfaceAddress | None:
    """Return an address of an interface; None if it is not one of IP."""
    family, _, short_flags, _, index = unpacked(ADDRESS, body)
    found = attributes(body, ADDRESS.size)
    # On a point-to-point link the other one is the peer's.
    data = found.get(ADDRESS_LOCAL) or found.get(_ADDRESS_ADDRESS)
    if family not in (socket.AF_INET, socket.AF_INET6) or data is None:
        return None
    flags = number(found, _ADDRESS_FLAGS, short_flags)
    return InterfaceAddress(_address(data), index, usable=not flags & _UNUSABLE)


@lru_cache(REMEMBERED)
def route(body: bytes) -> Route | None:
    """Return a unicast route; None: it is none.

    Of a route with several next hops the first stands for all.
    """
    family, length, _, _, small_table, protocol, _, kind, flags = unpacked(_ROUTE, body)
    ip = family in (socket.AF_INET, socket.AF_INET6)
    if not ip or kind != _UNICAST or flags & _CLONED:
        return None
    found = attributes(body, _ROUTE.size)
    metric = number(found, _ROUTE_METRIC, 0)
    ours = protocol == OUR_PROTOCOL
    if ours and family == socket.AF_INET6 and metric == DEFAULT_METRIC_6:
        metric = 0
    source = found.get(_ROUTE_SOURCE)
    return Route(
        destination=network(family, found.get(_ROUTE_DESTINATION), length),
        device=_device(found),
        gateway=_gateway(found),
        source=_address(source) if source else None,
        table=number(found, _ROUTE_TABLE, small_table),
        metric=metric,
        ours=ours,
        mtu=number(attributes(found.get(_ROUTE_METRICS, b"")), _METRIC_MTU, 0),
    )


def _device(found: dict[int, bytes]) -> int:
    hops = found.get(_ROUTE_HOPS)
    if hops is None:
        return number(found, _ROUTE_DEVICE, 0)
    index: int = unpacked(_HOP, hops)[3]
    return index


def _gateway(found: dict[int, bytes]) -> Address | None:
    hops = found.get(_ROUTE_HOPS)
    if hops is not None:
        length, _, _, _ = unpacked(_HOP, hops)
        found = attributes(hops[:length], _HOP.size)
    # A gateway of the other family comes with its family in front.
    via = found.get(_ROUTE_GATEWAY) or found.get(_ROUTE_VIA, b"")[2:]
    return _address(via) if via else None


def network(family: int, data: bytes | None, length: int) -> Network:
    """Return a network; no data: the one that has everybody."""
    try:
        if family == socket.AF_INET:
            return IPv4Network((data or bytes(4), length))
        return IPv6Network((data or bytes(16), length))
    except ValueError as error:
        raise KernelError(f"netlink: not a network: {error}") from error


def _address(data: bytes) -> Address:
    if len(data) == 4:
        return IPv4Address(data)
    if len(data) == 16:
        return IPv6Address(data)
    raise KernelError(f"netlink: an address of {len(data)} bytes")


def _name(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="replace")
