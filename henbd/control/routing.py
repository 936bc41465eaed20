"""The kernel's routing decision, over the routes that were read (RFC 1812 5.2.4.3)."""

from __future__ import annotations

from ipaddress import ip_network

from henbd.values import Address, Kernel, Network, Route

MAIN_TABLE = 254
# charon's own table (its option routing_table), looked up before the main one: what our guards keep
# inside has its routes there, or nowhere.
CHARON_TABLE = 220


def best_route(address: Address, kernel: Kernel, table: int) -> Route | None:
    """Return the route of others that a table has for an address: longest prefix, least metric."""
    matching = [
        route
        for route in kernel.routes
        if route.table == table and not route.ours and address in route.destination
    ]
    return min(matching, key=lambda r: (-r.destination.prefixlen, r.metric), default=None)


def held_inside(address: Address, kernel: Kernel) -> bool:
    """Return whether charon's route leads this very address into a tunnel's interface.

    No route of ours can go before it; it goes with its CHILD_SA.
    """
    tunnels = {device.index for device in kernel.devices if device.carries_tunnel}
    return any(
        route.table == CHARON_TABLE
        and not route.ours
        and route.device in tunnels
        and route.destination == ip_network(address)
        for route in kernel.routes
    )


def outer_source(address: Address, kernel: Kernel) -> Address | None:
    """Return the source address that the main table gives to an address outside the tunnel."""
    route = best_route(address, kernel, MAIN_TABLE)
    if route is None:
        return None
    if route.source is not None:
        return route.source
    return next(
        (
            a.address
            for a in kernel.addresses
            if a.device == route.device
            and a.usable
            and a.address.version == address.version
            and not a.address.is_link_local
        ),
        None,
    )


def leads_out(kernel: Kernel) -> bool:
    """Return whether a default route of others leads out of the box, in any family."""
    return any(
        route.table == MAIN_TABLE and not route.ours and not route.destination.prefixlen
        for route in kernel.routes
    )


def covered(network: Network, device: int, kernel: Kernel) -> bool:
    """Return whether a route of others in charon's table leads all of a network to a device."""
    return any(
        route.table == CHARON_TABLE
        and route.device == device
        and not route.ours
        and route.destination.version == network.version
        and network.network_address in route.destination
        and route.destination.prefixlen <= network.prefixlen
        for route in kernel.routes
    )
