"""Rules that let nothing by: values ⇄ bytes. Pure. See ip-rule(8), <linux/fib_rules.h>.

A rule is asked before any table of routes behind it is: no route of anybody can beat it, whatever
its metric and whoever's its table. Ours come right behind charon's rule.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache

from henbd.system.netlink import attribute, attributes, number, unpacked
from henbd.system.rtnetlink import FEW, OUR_PROTOCOL, REMEMBERED, network
from henbd.values import Guard, Network, Unreachable

RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34

# charon looks its table up at 220 (its option routing_table_prio), a VRF at 1000, the main table
# at 32766.
OUR_PRIORITY = 221

# fib_rule_hdr: family, dst_len, src_len, tos, table, action; flags.
_RULE = struct.Struct("=BBBBB2xBI")
_DESTINATION, _SOURCE, _PRIORITY, _SUPPRESS, _TABLE, _PROTOCOL = 1, 2, 6, 14, 15, 21
# Whatever else a rule has makes it one for some packets only.
_OF_ALL = {_DESTINATION, _SOURCE, _PRIORITY, _SUPPRESS, _TABLE, _PROTOCOL}
_UNREACHABLE = 7
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}

RULES_ASKED = bytes(_RULE.size)


def rule(guard: Unreachable) -> bytes:
    """Return the body of RTM_NEWRULE, and of RTM_DELRULE."""
    source, destination = guard.source, guard.destination
    head = _RULE.pack(
        _FAMILIES[destination.version],
        destination.prefixlen,
        source.prefixlen,
        *(0, 0, _UNREACHABLE, 0),
    )
    return (
        head
        + attribute(_PROTOCOL, bytes([OUR_PROTOCOL]))
        + attribute(_PRIORITY, struct.pack("=I", OUR_PRIORITY))
        + _side(_DESTINATION, destination)
        + _side(_SOURCE, source)
    )


@lru_cache(FEW)
def our_rules(bodies: tuple[bytes, ...]) -> frozenset[Guard]:
    """Return the guards that dumped rules are, as far as they are ours."""
    return frozenset(rule for body in bodies if (rule := our_rule(body)) is not None)


@lru_cache(REMEMBERED)
def our_rule(body: bytes) -> Unreachable | None:
    """Return the guard that a dumped rule is, None if it is none of ours."""
    family, destination_length, source_length, service, _, action, flags = unpacked(_RULE, body)
    if family not in _FAMILIES.values() or action != _UNREACHABLE or service or flags:
        return None
    found = attributes(body, _RULE.size)
    ours = (number(found, _PRIORITY, 0), found.get(_PROTOCOL)) == (
        OUR_PRIORITY,
        bytes([OUR_PROTOCOL]),
    )
    if not ours or found.keys() - _OF_ALL:
        return None
    return Unreachable(
        source=network(family, found.get(_SOURCE), source_length),
        destination=network(family, found.get(_DESTINATION), destination_length),
    )


def _side(kind: int, side: Network) -> bytes:
    return attribute(kind, side.network_address.packed) if side.prefixlen else b""
