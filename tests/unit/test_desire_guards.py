"""Which guards and which routes are wanted."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

from henbd.control.guard import networks
from henbd.control.routing import CHARON_TABLE
from henbd.settings import HemsPath
from henbd.values import Block, Desired, EspMode, Kernel, Observed, PeerState, Route
from tests.unit.settings import hems, ipsec
from tests.unit.sights import (
    ANY,
    CORE,
    DEFAULT_ROUTE,
    GATEWAY,
    HEMS,
    INNER,
    INNER_2,
    LO,
    MME,
    MME_2,
    NOBODY,
    OUTER,
    ROUTER,
    SGW,
    TUN,
    WAN,
    charon,
    child_sa,
    device,
    guards_of,
    host,
    ike_sa,
    kernel,
    link,
    observed,
    on,
    provisioned,
    route,
    stack,
)
from tests.unit.wishes import BOX, OUTSIDE, wanted

HEMS_OUTSIDE = ip_address("198.51.100.3")

# Guards.


def test_inside_all_that_the_child_leads_to_is_guarded_and_so_is_the_inner_address() -> None:
    assert wanted().guards == guards_of(CORE, host(MME), sources=(INNER,))


def test_outside_the_hems_alone_is_guarded_and_the_inner_address() -> None:
    assert wanted(OUTSIDE).guards == guards_of(host(HEMS), sources=(INNER,))


def test_outside_with_a_direct_hems_only_the_inner_address_is_guarded() -> None:
    direct = replace(BOX, hems=hems(address=HEMS, path=HemsPath.DIRECT))
    assert wanted(OUTSIDE, configuration=direct).guards == guards_of(sources=(INNER,))


def test_guards_stand_without_a_tunnel() -> None:
    seen = observed(charon=charon(), kernel=kernel(inner=()), stack=stack())
    assert wanted(seen=seen).guards == guards_of(CORE, host(MME))


def test_guards_stand_though_charon_says_nothing() -> None:
    seen = observed(charon=NOBODY)
    assert wanted(seen=seen).guards == guards_of(CORE, host(MME), sources=(INNER,))


def test_the_guard_of_an_inner_address_stays_while_nobody_can_say_what_is_granted() -> None:
    """The stack does not use it, charon does not answer: it is on the interface all the same."""
    seen = observed(charon=NOBODY, stack=stack())
    assert guards_of(sources=(INNER,)) <= wanted(seen=seen).guards


def test_the_address_that_the_stack_still_uses_stays_guarded() -> None:
    moved = observed(charon=charon(ike_sa(inner=(INNER_2,))), kernel=kernel(inner=(INNER_2,)))
    assert guards_of(sources=(INNER, INNER_2)) <= wanted(seen=moved).guards


def test_every_granted_address_is_guarded_not_only_that_of_the_best_sa() -> None:
    two = charon(ike_sa(), ike_sa(unique_id=2, inner=(INNER_2,), children=()))
    found = wanted(seen=observed(charon=two, kernel=kernel(inner=(INNER, INNER_2))))
    assert guards_of(sources=(INNER, INNER_2)) <= found.guards


def test_addresses_of_an_operators_own_tunnel_are_not_guarded() -> None:
    foreign = charon(ike_sa(), ike_sa(connection="operator", unique_id=2, inner=(INNER_2,)))
    assert wanted(seen=observed(charon=foreign)).guards == wanted().guards


def test_of_a_name_every_address_is_guarded_and_one_is_used() -> None:
    asked = provisioned(far_ends=("mme.example",))
    seen = observed(names={**observed().names, "mme.example": (MME, MME_2)})
    assert wanted(asked, seen).guards >= guards_of(host(MME), host(MME_2))


def test_while_s1_is_not_up_what_is_guarded_stays_so() -> None:
    """Its user plane may have been there: after a restart nobody can say with whom it was."""
    standing = kernel(*guards_of(CORE, host(MME), host(SGW), sources=(INNER,)))
    down = observed(kernel=standing, stack=stack(link(), PeerState.CONNECTING))
    assert wanted(seen=down).guards >= guards_of(host(SGW))
    assert not wanted(seen=observed(kernel=standing)).guards & guards_of(host(SGW))
    outside = provisioned(s1_inside=False)
    assert not wanted(outside, down).guards & guards_of(host(SGW))


def test_a_hems_that_is_reached_outside_for_a_while_is_not_guarded_but_a_far_end_is() -> None:
    standing = kernel(*guards_of(host(HEMS_OUTSIDE), sources=(INNER,)))
    seen = observed(kernel=standing, stack=stack())
    for asked, open_ in ((provisioned(), True), (provisioned(HEMS_OUTSIDE), False)):
        names = {**seen.names, str(HEMS_OUTSIDE): (HEMS_OUTSIDE,)}
        found = wanted(
            asked, replace(seen, names=names), addresses=(HEMS_OUTSIDE,), hems_outside=True
        )
        assert (host(HEMS_OUTSIDE) not in networks(found.guards)) is open_
        assert CORE in networks(found.guards)


def test_where_the_tunnel_is_an_interface_each_way_out_is_blocked() -> None:
    seen = observed(
        charon=charon(ike_sa(), mode=EspMode.INTERFACE),
        kernel=kernel(
            devices=(device(LO), device(WAN), device(3), device(TUN, tunnel=True)),
            addresses=(on(OUTER, WAN), on(INNER, TUN)),
        ),
    )
    blocks = {g.device for g in wanted(seen=seen).guards if isinstance(g, Block)}
    assert blocks == {WAN, 3}


def test_a_child_that_leads_everywhere_leaves_the_gateway_reachable() -> None:
    everywhere = replace(BOX, ipsec=ipsec(gateways=(str(GATEWAY),), networks=(ANY,)))
    found = wanted(configuration=everywhere)
    assert all(GATEWAY not in guard.destination or guard.source != ANY for guard in found.guards)


def test_a_box_without_ipsec_wants_no_guard_and_no_connection() -> None:
    bare = replace(BOX, ipsec=None, hems=hems(address=HEMS, path=HemsPath.DIRECT))
    asked = provisioned(s1_inside=False, gateways=())
    seen = observed(charon=charon(), kernel=kernel(inner=()), stack=stack())
    found = wanted(asked, seen, configuration=bare)
    assert (found.connection, found.guards) == (None, frozenset())


# Routes.


def test_where_charon_puts_routes_none_of_ours_are_wanted() -> None:
    assert wanted().routes == frozenset()


def interface(*routes: Route) -> Observed:
    """Return a look at a box whose tunnel is an interface, with these routes."""
    return observed(
        charon=charon(ike_sa(), mode=EspMode.INTERFACE),
        kernel=kernel(
            devices=(device(LO), device(WAN), device(TUN, tunnel=True)),
            addresses=(on(OUTER, WAN), on(INNER, TUN)),
            routes=(DEFAULT_ROUTE, *routes),
        ),
    )


def ways(found: Desired) -> set[Route]:
    """Return the wanted routes, whatever their metric."""
    return {replace(each, metric=0) for each in found.routes}


def test_an_interface_without_charons_routes_gets_ours_with_the_inner_source() -> None:
    found = ways(wanted(seen=interface(route(CORE, TUN, table=CHARON_TABLE))))
    assert found == {Route(host(MME), TUN, None, INNER, CHARON_TABLE, 0, ours=True, mtu=1400)}


def test_our_own_route_stays_wanted_while_it_stands() -> None:
    own = wanted(seen=interface(route(CORE, TUN, table=CHARON_TABLE))).routes
    assert wanted(seen=interface(route(CORE, TUN, table=CHARON_TABLE), *own)).routes == own


def test_outside_a_far_end_in_the_core_is_led_past_an_interface() -> None:
    core_mme = ip_address("10.30.0.9")
    asked = provisioned(core_mme, s1_inside=False)
    seen = replace(
        interface(route(CORE, TUN, table=CHARON_TABLE, source=INNER)),
        names={**observed().names, str(core_mme): (core_mme,)},
        stack=stack(),
    )
    past = Route(host(core_mme), WAN, ROUTER, None, CHARON_TABLE, 0, ours=True)
    found = wanted(asked, seen)
    assert past in ways(found)
    assert isinstance(seen.kernel, Kernel)
    routes = (*seen.kernel.routes, *found.routes)
    standing = replace(seen, kernel=replace(seen.kernel, routes=routes))
    assert past in ways(wanted(asked, standing))


def test_outside_charons_own_route_for_the_far_end_is_not_replaced() -> None:
    """Of the same network, table and metric there is one: charon's goes with its child."""
    inside = route(host(MME), TUN, table=CHARON_TABLE, source=INNER)
    seen = replace(interface(route(CORE, TUN), inside), stack=stack())
    found = wanted(OUTSIDE, seen)
    assert not any(
        (r.destination, r.table, r.metric) == (inside.destination, inside.table, inside.metric)
        for r in found.routes
    )


def test_outside_a_far_end_beside_the_tunnel_needs_no_route() -> None:
    seen = replace(interface(route(CORE, TUN, table=CHARON_TABLE)), stack=stack())
    sa = charon(ike_sa(child_sa(CORE)), mode=EspMode.INTERFACE)
    assert wanted(OUTSIDE, replace(seen, charon=sa)).routes == frozenset()
