"""The largest packet of the user plane that the tunnel takes: it goes through in one piece.

The way out is that of PPPoE. What the kernel tells the stack of the way to the S-GW is what the
stack, and before it the core, makes its packets of.
"""

from __future__ import annotations

import errno
import os
import socket
from ipaddress import IPv4Address

import pytest

from tests.functional.henb.planes import PLANES
from tests.lab.events import PATIENCE
from tests.lab.faults import right
from tests.lab.gtpu import udp_socket
from tests.lab.lab import Lab, Options
from tests.lab.pcap import ESP, UDP, Packet
from tests.lab.probe import eventually
from tests.lab.topology import GATEWAY, SGW

pytestmark = pytest.mark.kernel

# linux/in.h
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_MTU = 10, 2, 14

# The S-GW of the lab is at 2152.
PORT = 2153

WAN = IPv4Address("10.10.1.2")
PPPOE_MTU = 1492
# Less would be too little for what a UE may send (TS 29.281 annex: 1358, and the headers).
LEAST_MTU = 1400
HEADERS = 28


@pytest.fixture(params=PLANES)
def options(request: pytest.FixtureRequest) -> Options:
    """Every way to do ESP that this kernel has."""
    ours, charon = PLANES[request.param]
    return Options(configuration={"ipsec": ours}, henb_charon=charon)


def test_a_packet_of_full_size_goes_through_in_one_piece(lab: Lab) -> None:
    lab.net.henb.ip(f"link set wan0 mtu {PPPOE_MTU}")
    lab.net.net.ip(f"link set henb0 mtu {PPPOE_MTU}")
    lab.register()
    assert eventually(lambda: right(lab) is None, 30), right(lab)
    with lab.net.core.inside():
        far = whole(udp_socket(SGW, PORT))
    with lab.net.henb.inside():
        near = whole(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        near.connect((str(SGW), PORT))
    with near, far:
        mtu = near.getsockopt(socket.IPPROTO_IP, IP_MTU)
        assert LEAST_MTU <= mtu < PPPOE_MTU
        before = len(outer(lab))
        near.send(bytes(mtu - HEADERS))
        sent, source = far.recvfrom(PPPOE_MTU)
        far.sendto(bytes(LEAST_MTU - HEADERS), source)
        answer = near.recv(PPPOE_MTU)
        with pytest.raises(OSError, match=os.strerror(errno.EMSGSIZE)):
            near.send(bytes(mtu - HEADERS + 1))
    assert (len(sent), len(answer)) == (mtu - HEADERS, LEAST_MTU - HEADERS)
    crossed = outer(lab)[before:]
    assert [packet for packet in crossed if packet.fragment] == []
    assert {packet.destination for packet in crossed if packet.size > LEAST_MTU} == {GATEWAY, WAN}


def whole(made: socket.socket) -> socket.socket:
    """Have a socket send in one piece, or not at all."""
    made.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    made.settimeout(2 * PATIENCE)
    return made


def outer(lab: Lab) -> list[Packet]:
    """Return what has crossed the HeNB's first link, protected."""
    capture = lab.captures[0]
    capture.clear()
    return [packet for packet in capture.packets() if packet.protocol in (ESP, UDP)]
