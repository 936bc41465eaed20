"""Links, addresses and routes in the bodies of netlink messages → values.

The bodies in hexadecimal digits are what a kernel 6.18 dumped, on a little-endian machine.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import KernelError
from henbd.system import rtnetlink
from henbd.system.netlink import attribute
from henbd.values import Device, InterfaceAddress, Route

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="bytes of another machine")

IFF_UP, IFF_LOOPBACK = 0x1, 0x8
ETHERNET, LOOPBACK, NO_ADDRESS = 1, 772, 0xFFFE


def link(
    hardware: int = ETHERNET, flags: int = IFF_UP, kind: str | None = None, name: str = "wan0"
) -> bytes:
    """Return the body of a dumped link, number 7."""
    body = struct.pack("=BxHiII", 0, hardware, 7, flags, 0) + attribute(3, name.encode() + b"\0")
    body += attribute(30, b"\0" * 5)
    return body if kind is None else body + attribute(18, attribute(1, kind.encode() + b"\0"))


def address(family: int, flags: int, *attributes: bytes) -> bytes:
    """Return the body of a dumped address."""
    return struct.pack("=BBBBI", family, 24, flags, 0, 7) + b"".join(attributes)


# Devices.


@pytest.mark.parametrize(
    ("body", "up", "loopback", "carries_tunnel"),
    [
        (link(), True, False, False),
        (link(flags=0), False, False, False),
        (link(LOOPBACK, IFF_UP | IFF_LOOPBACK), True, True, False),
        (link(kind="veth"), True, False, False),
        (link(NO_ADDRESS, kind="xfrm"), True, False, True),
        # Somebody else's.
        (link(NO_ADDRESS, kind="tun"), True, False, False),
        (link(768, kind="vti"), True, False, False),
        (link(769, kind="vti6"), True, False, False),
        # TAP: an Ethernet that leads out of the box.
        (link(ETHERNET, kind="tun"), True, False, False),
        (link(NO_ADDRESS, kind="wireguard"), True, False, False),
        # A modem may have no hardware address either.
        (link(NO_ADDRESS), True, False, False),
    ],
)
def test_device_is_read(body: bytes, up: bool, loopback: bool, carries_tunnel: bool) -> None:
    assert rtnetlink.device(body) == Device(7, "wan0", up, loopback, carries_tunnel)


@pytest.mark.parametrize(
    ("name", "hardware", "carries_tunnel"),
    [
        ("ipsec0", NO_ADDRESS, True),
        ("ipsec12", NO_ADDRESS, True),
        ("ipsec0", ETHERNET, False),
        ("ipsec", NO_ADDRESS, False),
        ("clat", NO_ADDRESS, False),
        ("tun0", NO_ADDRESS, False),
    ],
)
def test_of_all_tuns_that_of_libipsec_carries_the_tunnel(
    name: str, hardware: int, carries_tunnel: bool
) -> None:
    found = rtnetlink.device(link(hardware, kind="tun", name=name))
    assert found.carries_tunnel is carries_tunnel


# Addresses.


@little_endian
@pytest.mark.parametrize(
    ("dumped", "text", "device"),
    [
        (
            (
                "0218800003000000080001000a010001080002000a010001070003007630000008000800800000001400"
                "0600fffffffffffffffff8c80700f8c80700"
            ),
            "10.1.0.1",
            3,
        ),
        # To a peer, 10.1.0.2.
        (
            (
                "0220800003000000080001000a010002080002000a010001070003007630000008000800800000001400"
                "0600fffffffffffffffff8c80700f8c80700"
            ),
            "10.1.0.1",
            3,
        ),
        (
            (
                "0a4080000200000014000100fd02000000000000000000000000000114000600fffffffffffffffff8c8"
                "0700f8c807000800080080000000"
            ),
            "fd02::1",
            2,
        ),
    ],
)
def test_dumped_address_is_read(dumped: str, text: str, device: int) -> None:
    found = rtnetlink.interface_address(bytes.fromhex(dumped))
    assert found == InterfaceAddress(ip_address(text), device, usable=True)


@pytest.mark.parametrize(
    ("flags", "usable"),
    [
        (0x80, True),  # permanent
        (0x82, True),  # and without detection of duplicates
        (0x20, True),  # deprecated
        (0x40, False),  # tentative
        (0x48, False),  # a duplicate
        (0x08, False),
    ],
)
def test_address_is_usable_unless_it_may_be_a_duplicate(flags: int, usable: bool) -> None:
    inner = attribute(1, ip_address("fd00::1").packed)
    for body in (
        address(10, flags, inner),
        address(10, 0xFF, inner, attribute(8, struct.pack("=I", flags))),
    ):
        found = rtnetlink.interface_address(body)
        assert found == InterfaceAddress(ip_address("fd00::1"), 7, usable=usable)


def test_address_of_another_family_is_none() -> None:
    assert rtnetlink.interface_address(address(35, 0, attribute(1, b"\1"))) is None
    assert rtnetlink.interface_address(address(2, 0)) is None


# Routes.


def route(
    destination: str,
    device: int,
    *,
    gateway: str | None = None,
    source: str | None = None,
    table: int = 254,
    metric: int = 0,
    ours: bool = False,
) -> Route:
    """Return a route, written in a short way."""
    return Route(
        destination=ip_network(destination),
        device=device,
        gateway=ip_address(gateway) if gateway else None,
        source=ip_address(source) if source else None,
        table=table,
        metric=metric,
        ours=ours,
    )


CACHE = "24000c00" + "00" * 32 + "0500140000000000"


@little_endian
@pytest.mark.parametrize(
    ("dumped", "expected"),
    [
        (
            "02000000fc0300010000000008000f00e8030000080005000a0100090800040003000000",
            route("0.0.0.0/0", 3, gateway="10.1.0.9", table=1000),
        ),
        (
            (
                "02180000fe02fd010000000008000f00fe000000080001000a010000080007000a010001"
                "0800040003000000"
            ),
            route("10.1.0.0/24", 3, source="10.1.0.1"),
        ),
        # Of two next hops the first.
        (
            (
                "02100000fe0300010000000008000f00fe000000080001000a33000024000900100000000300000008"
                "0005000a0100081000000003000000080005000a010009"
            ),
            route("10.51.0.0/16", 3, gateway="10.1.0.8"),
        ),
        # By way of a gateway of IPv6.
        (
            (
                "02100000fe0300010000000008000f00fe000000080001000a340000160012000a00fd010000000000"
                "00000000000000000900000800040003000000"
            ),
            route("10.52.0.0/16", 3, gateway="fd01::9"),
        ),
        (
            "0a400000fe0200010000000008000f00fe00000014000100fd01000000000000000000000000000008"
            "000600000100000800040003000000" + CACHE,
            route("fd01::/64", 3, metric=256),
        ),
        # Ours of IPv6: what was asked for without a metric has 1024.
        (
            "0a200000fece00010000000008000f00fe00000014000100fd09000000000000000000000000000014"
            "000700fd01000000000000000000000000000108000600000400000800040003000000" + CACHE,
            route("fd09::/32", 3, source="fd01::1", ours=True),
        ),
    ],
)
def test_dumped_route_is_read(dumped: str, expected: Route) -> None:
    assert rtnetlink.route(bytes.fromhex(dumped)) == expected


def foreign(kind: int) -> bytes:
    """Return the body of a dumped route to 10.7.0.0/16 of another kind than unicast."""
    head = struct.pack("=BBBBBBBBI", 2, 16, 0, 0, 254, 206, 0, kind, 0)
    return head + attribute(1, bytes([10, 7, 0, 0]))


@pytest.mark.parametrize(
    "kind", [2, 3, 6, 7], ids=["local", "broadcast", "blackhole", "unreachable"]
)
def test_what_leads_nowhere_is_no_route(kind: int) -> None:
    assert rtnetlink.route(foreign(kind)) is None
    assert rtnetlink.route(foreign(1)) is not None


def test_copied_route_of_a_cache_is_none() -> None:
    body = struct.pack("=BBBBBBBBI", 10, 0, 0, 0, 254, 2, 0, 1, 0x200)
    assert rtnetlink.route(body) is None


READERS = (rtnetlink.device, rtnetlink.interface_address, rtnetlink.route)
BODIES = (link(NO_ADDRESS, kind="tun"), address(2, 0, attribute(2, b"\12\0\0\1")), foreign(1))


@pytest.mark.parametrize(("read", "body"), list(zip(READERS, BODIES, strict=True)))
def test_body_that_is_cut_is_an_error_or_says_less(
    read: Callable[[bytes], object], body: bytes
) -> None:
    for end in range(len(body)):
        try:
            read(body[:end])
        except KernelError:
            continue


@pytest.mark.parametrize("read", READERS)
@given(
    st.binary(max_size=16),
    st.lists(st.tuples(st.integers(0, 30), st.binary(max_size=20)), max_size=6),
)
def test_no_bytes_can_harm(
    read: Callable[[bytes], object], head: bytes, values: list[tuple[int, bytes]]
) -> None:
    for body in (head, head + b"".join(attribute(kind, value) for kind, value in values)):
        try:
            read(body)
        except KernelError:
            continue
