"""Interfaces of ours, made and removed, and addresses taken away: values → bytes. Pure.

See rtnetlink(7), <linux/if_link.h> and <linux/if_addr.h>.
"""

from __future__ import annotations

import socket
import struct

from henbd.system.netlink import attribute
from henbd.system.rtnetlink import (
    ADDRESS,
    ADDRESS_LOCAL,
    LINK,
    LINK_DATA,
    LINK_GROUP,
    LINK_INFO,
    LINK_KIND,
    LINK_NAME,
    LINK_UP,
    OUR_GROUP,
    XFRM_IF_ID,
)
from henbd.values import Address, Interface

RTM_NEWLINK, RTM_DELLINK, RTM_DELADDR = 16, 17, 21


def new(interface: Interface) -> bytes:
    """Return the body of RTM_NEWLINK: an interface that is up, and bears our mark."""
    kind = "xfrm" if interface.if_id else "dummy"
    info = attribute(LINK_KIND, kind.encode())
    if interface.if_id:
        info += attribute(LINK_DATA, attribute(XFRM_IF_ID, struct.pack("=I", interface.if_id)))
    return (
        LINK.pack(0, 0, 0, LINK_UP, LINK_UP)
        + attribute(LINK_NAME, interface.name.encode() + b"\0")
        + attribute(LINK_GROUP, struct.pack("=I", OUR_GROUP))
        + attribute(LINK_INFO, info)
    )


def gone(index: int) -> bytes:
    """Return the body of RTM_DELLINK."""
    return LINK.pack(0, 0, index, 0, 0)


def without(address: Address, index: int) -> bytes:
    """Return the body of RTM_DELADDR for an address that stands alone, as charon puts it there."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    head = ADDRESS.pack(family, address.max_prefixlen, 0, 0, index)
    return head + attribute(ADDRESS_LOCAL, address.packed)
