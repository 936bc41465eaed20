"""The kernel's routing decision, over the routes that were read."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from henbd.control.routing import CHARON_TABLE, MAIN_TABLE, best_route, covered, outer_source
from henbd.values import Address, Kernel, Network, Route
from tests.unit.sights import (
    ANY,
    ANY6,
    CORE,
    DEFAULT_ROUTE,
    HEMS,
    INNER,
    MME,
    MME6,
    OUTER,
    ROUTER,
    TUN,
    WAN,
    WAN_2,
    host,
    kernel,
    on,
    route,
)

WAN_2_ADDRESS = ip_address("198.51.100.2")
LINK_LOCAL, GLOBAL = ip_address("fe80::1"), ip_address("2001:db8::2")


def routed(*routes: Route) -> Kernel:
    """Return a kernel with these routes alone."""
    return kernel(
        routes=routes,
        addresses=(
            on(OUTER, WAN),
            on(WAN_2_ADDRESS, WAN_2),
            on(LINK_LOCAL, WAN),
            on(GLOBAL, WAN),
        ),
    )


@pytest.mark.parametrize(
    ("routes", "best"),
    [
        ((), None),
        ((DEFAULT_ROUTE,), 0),
        ((DEFAULT_ROUTE, route(CORE, WAN_2)), 1),
        ((route(CORE, WAN_2), DEFAULT_ROUTE), 0),
        ((route(CORE, WAN, metric=10), route(CORE, WAN_2, metric=5)), 1),
        ((route(CORE, WAN, metric=1), route(host(HEMS), WAN_2, metric=9000)), 1),
        ((route(host(HEMS), WAN, table=CHARON_TABLE), DEFAULT_ROUTE), 1),
        ((route(host(HEMS), WAN, ours=True), DEFAULT_ROUTE), 1),
        ((route(ANY6, WAN),), None),
    ],
)
def test_the_longest_prefix_wins_then_the_least_metric(
    routes: tuple[Route, ...], best: int | None
) -> None:
    expected = None if best is None else routes[best]
    assert best_route(HEMS, routed(*routes), MAIN_TABLE) == expected


@pytest.mark.parametrize(
    ("routes", "address", "source"),
    [
        ((), HEMS, None),
        ((DEFAULT_ROUTE,), HEMS, OUTER),
        ((route(ANY, WAN, source=INNER),), HEMS, INNER),
        ((DEFAULT_ROUTE, route(CORE, WAN_2)), HEMS, WAN_2_ADDRESS),
        ((DEFAULT_ROUTE, route(CORE, WAN_2)), MME, OUTER),
        ((route(CORE, TUN),), HEMS, None),
        ((route(ANY6, WAN),), MME6, GLOBAL),
    ],
)
def test_the_source_is_that_of_the_route_or_of_its_device(
    routes: tuple[Route, ...], address: Address, source: Address | None
) -> None:
    assert outer_source(address, routed(*routes)) == source


def test_an_address_that_cannot_be_used_yet_is_no_source() -> None:
    seen = kernel(routes=(DEFAULT_ROUTE,), addresses=(on(OUTER, WAN, usable=False),))
    assert outer_source(HEMS, seen) is None


def inside(network: Network, index: int, **changes: Any) -> Route:
    return route(network, index, table=CHARON_TABLE, **changes)


def test_charons_own_route_is_no_way_outside() -> None:
    charons = inside(CORE, WAN, gateway=ROUTER, source=INNER)
    assert outer_source(HEMS, routed(charons, DEFAULT_ROUTE)) == OUTER


@pytest.mark.parametrize(
    ("routes", "network", "is_covered"),
    [
        ((), CORE, False),
        ((inside(CORE, TUN),), CORE, True),
        ((inside(ip_network("10.0.0.0/8"), TUN),), CORE, True),
        ((inside(ANY, TUN),), CORE, True),
        ((inside(host(HEMS), TUN),), CORE, False),
        ((inside(ip_network("10.31.0.0/24"), TUN),), CORE, False),
        ((inside(CORE, WAN),), CORE, False),
        ((inside(CORE, TUN, ours=True),), CORE, False),
        # The guard goes before the main table.
        ((route(CORE, TUN),), CORE, False),
        ((inside(ANY6, TUN),), CORE, False),
    ],
)
def test_a_network_is_covered_by_a_route_for_all_of_it(
    routes: tuple[Route, ...], network: Network, is_covered: bool
) -> None:
    assert covered(network, TUN, routed(*routes)) is is_covered
