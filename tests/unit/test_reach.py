"""The way to the HeMS: from which address, to which, or what it waits for."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from henbd.control.reach import (
    Misplaced,
    Reach,
    hems_addresses,
    hems_host,
    management_source,
    reach,
)
from henbd.control.routing import CHARON_TABLE
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.settings import HemsPath
from henbd.values import Address, EspMode, Kernel, Observed, Unknown
from tests.unit.settings import hems
from tests.unit.sights import (
    CORE,
    DEFAULT_ROUTE,
    HEMS,
    INNER,
    INNER_2,
    NOBODY,
    OUTER,
    ROUTER,
    TUN,
    charon,
    child_sa,
    device,
    guards_of,
    host,
    ike_sa,
    kernel,
    management,
    observed,
    on,
    route,
)

IN_TUNNEL = hems(address=HEMS)
DIRECT = hems(address=HEMS, path=HemsPath.DIRECT)
GUARDS = guards_of(CORE, sources=(INNER,))
UP = judge(charon(ike_sa()), kernel())


def way(seen: Observed | None = None, tunnel: Tunnel = UP) -> Reach | Unknown:
    """Return the way to a HeMS in the tunnel."""
    found = seen or observed(kernel=kernel(*GUARDS))
    return reach(management(), IN_TUNNEL, found, tunnel, GUARDS)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://hems.example:7548/acs", "hems.example"),
        ("http://10.30.0.3/acs", "10.30.0.3"),
        ("http://[2001:db8::3]:7547/acs", "2001:db8::3"),
        ("http://user@hems.example/acs", "hems.example"),
        ("", ""),
        ("http://[2001:db8::3/acs", ""),
    ],
)
def test_the_host_is_that_of_the_url(url: str, name: str) -> None:
    assert hems_host(management(url)) == name


def test_a_configured_address_goes_before_the_name() -> None:
    seen = observed(names={"hems.example": (INNER_2,)})
    assert hems_addresses(management(), IN_TUNNEL, seen) == (HEMS,)


def test_an_address_in_the_url_needs_no_looking_up() -> None:
    found = hems_addresses(management("http://10.30.0.3/acs"), hems(), observed())
    assert found == (HEMS,)


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({}, Unknown("hems.example is being looked up")),
        ({"hems.example": ()}, Misplaced("hems.example has no address")),
        ({"hems.example": (HEMS, INNER_2)}, (HEMS, INNER_2)),
    ],
)
def test_a_name_is_what_was_looked_up(
    names: dict[str, tuple[Address, ...]], found: tuple[Address, ...] | Unknown
) -> None:
    assert hems_addresses(management(), hems(), observed(names=names)) == found


def test_in_the_tunnel_the_way_starts_at_the_inner_address() -> None:
    assert way() == Reach(HEMS, INNER)


@pytest.mark.parametrize("condition", [c for c in Condition if c is not Condition.UP])
def test_the_way_waits_for_the_tunnel(condition: Condition) -> None:
    found = way(tunnel=Tunnel(condition))
    assert isinstance(found, Unknown)
    assert condition.value in found.reason


def test_the_way_waits_for_a_child_that_leads_there() -> None:
    elsewhere = judge(charon(ike_sa(child_sa(host(INNER_2)))), kernel())
    assert isinstance(way(tunnel=elsewhere), Unknown)


def test_the_way_waits_for_a_route() -> None:
    seen = observed(kernel=kernel(*GUARDS, routes=(DEFAULT_ROUTE,)))
    assert isinstance(way(seen), Unknown)


def test_a_route_of_the_tunnels_own_device_will_do() -> None:
    seen: Kernel = kernel(
        *GUARDS,
        devices=(device(2), device(TUN, tunnel=True)),
        addresses=(on(INNER, TUN),),
        routes=(DEFAULT_ROUTE, route(CORE, TUN, table=CHARON_TABLE)),
    )
    tunnel = judge(charon(ike_sa(), mode=EspMode.INTERFACE), seen)
    assert way(observed(kernel=seen), tunnel) == Reach(HEMS, INNER)


@pytest.mark.parametrize("missing", sorted(GUARDS, key=repr))
def test_the_way_waits_for_each_guard(missing: object) -> None:
    seen = observed(kernel=kernel(*(GUARDS - {missing})))
    assert isinstance(way(seen), Unknown)


def test_the_way_waits_for_a_word_of_the_kernel() -> None:
    assert way(observed(kernel=NOBODY)) == NOBODY


def test_the_direct_way_starts_at_the_outer_address_and_needs_no_tunnel() -> None:
    seen = observed(charon=NOBODY, kernel=kernel(inner=(), routes=(DEFAULT_ROUTE,)))
    found = reach(management(), DIRECT, seen, Tunnel(Condition.UNKNOWN), GUARDS)
    assert found == Reach(HEMS, OUTER)


def test_the_direct_way_waits_for_a_route() -> None:
    seen = observed(kernel=kernel(routes=()))
    assert isinstance(reach(management(), DIRECT, seen, UP, frozenset()), Unknown)


def test_the_way_waits_for_the_name() -> None:
    found = reach(management(), hems(), observed(names={}), UP, frozenset())
    assert found == Unknown("hems.example is being looked up")


@pytest.mark.parametrize(
    ("settings", "tunnel", "source"),
    [
        (IN_TUNNEL, UP, INNER),
        (IN_TUNNEL, Tunnel(Condition.DOWN), None),
        (DIRECT, UP, OUTER),
        (DIRECT, Tunnel(Condition.DOWN), OUTER),
        (hems(), UP, None),
    ],
)
def test_the_hems_calls_us_where_we_call_it_from(
    settings: object, tunnel: Tunnel, source: Address | None
) -> None:
    found = management_source(management(), settings, observed(), tunnel)  # type: ignore[arg-type]
    assert found == source


def test_where_the_kernel_cannot_be_read_nobody_is_called_elsewhere() -> None:
    assert management_source(management(), DIRECT, observed(kernel=NOBODY), UP) is None


@pytest.mark.conformance("C006")
def test_further_addresses_are_those_on_the_same_way() -> None:
    nearby = type(HEMS)(int(HEMS) + 1)
    names = {"hems.example": (HEMS, nearby, ROUTER)}
    inside = reach(management(), hems(), observed(kernel=kernel(*GUARDS), names=names), UP, GUARDS)
    assert inside == Reach(HEMS, INNER, (nearby,))
    direct = hems(path=HemsPath.DIRECT)
    seen = observed(kernel=kernel(), names=names)
    assert reach(management(), direct, seen, judge(NOBODY, NOBODY), frozenset()) == Reach(
        HEMS, OUTER, (nearby, ROUTER)
    )


@pytest.mark.conformance("C006")
def test_an_address_that_is_not_reached_is_passed_over() -> None:
    names = {"hems.example": (IPv6Address("2001:db8::3"), HEMS)}
    seen = observed(kernel=kernel(*GUARDS), names=names)
    assert reach(management(), hems(), seen, UP, GUARDS) == Reach(HEMS, INNER)
    assert management_source(management(), hems(), seen, UP) == INNER
    nowhere = observed(kernel=kernel(*GUARDS), names={"hems.example": (ROUTER,)})
    assert reach(management(), hems(), nowhere, UP, GUARDS) == Misplaced(
        f"{ROUTER} is not behind the security gateway"
    )
