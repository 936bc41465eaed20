"""The routes, addresses and guards that a gateway of the lab needs beside its charon."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Network

from tests.lab.namespaces import Address, Namespace
from tests.lab.topology import CORE, Network

# Weaker than all policies of charon, which end at 587711.
_BLOCK_PRIORITY = 1_000_000
_ANY, _ANY_6 = "0.0.0.0/0", "::/0"

_CORE_LINK_6 = IPv6Network("fd00:30::/64")
_CORE_TABLE = 30
_CORE_RULE, _LOCAL_RULE = 50, 100
# By their place in the network: the gateways' own, and those of hosts that are or may be there.
_GATEWAY_HOSTS = (1, 254)
_OWNED_HOSTS = range(2, 254)


def lead_to_the_tunnel(namespace: Namespace, inner_networks: Iterable[Network]) -> None:
    """Route inner addresses towards the HeNB where the kernel does ESP, but nothing in the clear.

    Charon adds no route for a selector in which the gateway has no address: policies decide on the
    way. Where charon has none, a weaker one blocks: a capture would take what the core still sends
    for a leak of the HeNB.
    """
    for network in inner_networks:
        router, everyone = ("10.20.0.1", _ANY) if network.version == 4 else ("fd00:20::1", _ANY_6)
        namespace.ip(
            f"route replace {network} via {router} dev wan0",
            f"xfrm policy update src {everyone} dst {network} dir out"
            f" action block priority {_BLOCK_PRIORITY}",
        )


def own_the_core(namespace: Namespace) -> None:
    """Let the gateway own the addresses of the core's hosts, yet pass on what is sent to them.

    Charon's userspace ESP accepts narrowed selectors only if the gateway has an address in them. So
    it has them, on lo, but routing looks at the core's networks (in a table of their own) before it
    looks at the local addresses; those that a gateway really has are excepted.
    """
    if namespace.ip(f"rule list pref {_CORE_RULE}"):
        return  # another gateway was here before
    for network in (CORE, _CORE_LINK_6):
        namespace.ip(
            f"route replace {network} dev core0 table {_CORE_TABLE}",
            *(
                f"route replace throw {network[host]} table {_CORE_TABLE}"
                for host in _GATEWAY_HOSTS
            ),
            f"rule add to {network} lookup {_CORE_TABLE} pref {_CORE_RULE}",
            f"rule add lookup local pref {_LOCAL_RULE}",
            "rule delete lookup local pref 0",
            version=network.version,
        )
        own(namespace, (network[host] for host in _OWNED_HOSTS))


def own(namespace: Namespace, addresses: Iterable[Address]) -> None:
    """Give the gateway addresses of the core; see `own_the_core`, which comes first."""
    namespace.ip(*(f"address replace {address} dev lo" for address in addresses))
