"""XFRM policies that block, and whom others protect: values ⇄ bytes. See <linux/xfrm.h>.

Under everything that charon installs, a policy of ours lets nothing by that no policy of charon's
takes. Ours is what blocks and has our priority; the priority is no part of a policy's identity, so
there is one policy for a selector and a direction.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

from henbd.errors import KernelError
from henbd.system.netlink import attributes, unpacked
from henbd.system.rtnetlink import FEW, REMEMBERED
from henbd.values import Address, Block, Direction, Guard, Network

# A larger number is weaker; charon's own end at 587711.
OUR_PRIORITY = 1_000_000

XFRM_MSG_DELPOLICY, XFRM_MSG_GETPOLICY, XFRM_MSG_UPDPOLICY = 0x14, 0x15, 0x19

_ALLOW, _BLOCK = 0, 1
# XFRMA_POLICY_TYPE: the main policies are what the kernel dumps.
_TYPE = 16
_DIRECTIONS = {Direction.IN: 0, Direction.OUT: 1, Direction.FORWARD: 2}
_DIRECTION_OF = {number: direction for direction, number in _DIRECTIONS.items()}

# xfrm_selector: daddr, saddr, dport, mask, sport, mask, family, prefixlen_d, prefixlen_s, proto,
# ifindex, user.
_SELECTOR = struct.Struct("=16s16sHHHHHBBB3xiI")
# xfrm_lifetime_cfg, of four limits to bytes and packets and four times; xfrm_lifetime_cur.
_LIFETIMES = struct.Struct("=4Q4Q4Q")
_NO_LIMIT = 0xFFFF_FFFF_FFFF_FFFF
_UNLIMITED = _LIFETIMES.pack(*[_NO_LIMIT] * 4, *[0] * 8)
# The rest of xfrm_userpolicy_info: priority, index, dir, action, flags, share.
_POLICY = struct.Struct("=IIBBBB4x")
# The rest of xfrm_userpolicy_id: index, dir.
_IDENTITY = struct.Struct("=IB3x")

POLICIES_ASKED = bytes(_SELECTOR.size + _IDENTITY.size)


def policy(block: Block) -> bytes:
    """Return the body of XFRM_MSG_UPDPOLICY: adds a block, or replaces what is in its place."""
    direction = _DIRECTIONS[block.direction]
    return _selector(block) + _UNLIMITED + _POLICY.pack(OUR_PRIORITY, 0, direction, _BLOCK, 0, 0)


def identity(block: Block) -> bytes:
    """Return the body of XFRM_MSG_DELPOLICY."""
    return _selector(block) + _IDENTITY.pack(0, _DIRECTIONS[block.direction])


@lru_cache(FEW)
def our_blocks(bodies: tuple[bytes, ...]) -> frozenset[Guard]:
    """Return the blocks that dumped policies are, as far as they are ours."""
    return frozenset(block for body in bodies if (block := our_block(body)) is not None)


@lru_cache(REMEMBERED)
def our_block(body: bytes) -> Block | None:
    """Return the block that a dumped policy is, None if it is none of ours."""
    destination, source, *_, family, destination_length, source_length, _, device, _ = unpacked(
        _SELECTOR, body
    )
    rest = body[_SELECTOR.size + _LIFETIMES.size :]
    priority, _, direction, action, _, _ = unpacked(_POLICY, rest)
    if (priority, action) != (OUR_PRIORITY, _BLOCK) or direction not in _DIRECTION_OF:
        return None
    block = Block(
        source=_network(family, source, source_length),
        destination=_network(family, destination, destination_length),
        device=device,
        direction=_DIRECTION_OF[direction],
    )
    return block if _of_all(block, body) else None


@lru_cache(FEW)
def protected(bodies: tuple[bytes, ...]) -> frozenset[Address]:
    """Return the hosts from which dumped policies let packets out, as charon's do by ESP."""
    return frozenset(host for body in bodies if (host := _let_out(body)) is not None)


@lru_cache(REMEMBERED)
def _let_out(body: bytes) -> Address | None:
    """Return the host that a policy lets packets out from, None if it is not about one alone."""
    _, source, *_, family, _, length, _, _, _ = unpacked(_SELECTOR, body)
    rest = body[_SELECTOR.size + _LIFETIMES.size :]
    _, _, direction, action, _, _ = unpacked(_POLICY, rest)
    if (direction, action) != (_DIRECTIONS[Direction.OUT], _ALLOW):
        return None
    network = _network(family, source, length)
    return network.network_address if network.prefixlen == network.max_prefixlen else None


def _of_all(block: Block, body: bytes) -> bool:
    """Return whether a policy is about every packet of a block: any protocol, mark and interface.

    What else makes it one for some only is in its selector, or an attribute.
    """
    attributes_there = attributes(body, _SELECTOR.size + _LIFETIMES.size + _POLICY.size)
    return body.startswith(_selector(block)) and attributes_there.keys() <= {_TYPE}


def _selector(block: Block) -> bytes:
    """Return the selector of every packet from the source to the destination."""
    source, destination = block.source, block.destination
    family = socket.AF_INET if destination.version == 4 else socket.AF_INET6
    return _SELECTOR.pack(
        destination.network_address.packed,
        source.network_address.packed,
        *(0, 0, 0, 0),
        family,
        destination.prefixlen,
        source.prefixlen,
        0,
        block.device,
        0,
    )


def _network(family: int, address: bytes, length: int) -> Network:
    try:
        if family == socket.AF_INET:
            return IPv4Network((address[:4], length))
        return IPv6Network((address, length))
    except ValueError as error:
        raise KernelError(f"xfrm: not a network: {error}") from error
