"""What is wanted now: what goes through the tunnel, what is guarded, which routes, with whom."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from henbd.control import trials
from henbd.control.desire import desired
from henbd.control.routing import CHARON_TABLE, MAIN_TABLE
from henbd.control.trials import Trials
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.values import (
    Address,
    Block,
    Connection,
    Desired,
    EspMode,
    Guard,
    HemsPath,
    Hold,
    Kernel,
    Network,
    Observed,
    PeerState,
    Provisioned,
    Route,
    S1Link,
    Settings,
    Unknown,
    Unreachable,
)
from tests.unit.settings import hems, ipsec, settings
from tests.unit.sights import (
    ANY,
    CORE,
    DEFAULT_ROUTE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    INNER,
    INNER_2,
    LO,
    MME,
    MME_2,
    NOBODY,
    NOW,
    OUTER,
    ROUTER,
    SGW,
    TUN,
    WAN,
    charon,
    child_sa,
    course,
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

SETTINGS = settings(
    hems=hems(address=HEMS),
    ipsec=ipsec(gateways=(str(GATEWAY), str(GATEWAY_2)), networks=(CORE,)),
)
UP = judge(charon(ike_sa()), kernel())
DOWN = Tunnel(Condition.DOWN)
OUTSIDE = provisioned(s1_inside=False)


def wanted(
    asked: Provisioned | None = None,
    seen: Observed | None = None,
    *,
    tunnel: Tunnel | None = None,
    configuration: Settings = SETTINGS,
    address: Address | None = HEMS,
    gateways: Trials | None = None,
) -> Desired:
    """Return what is wanted of a box that sees this."""
    seen = seen or observed()
    return desired(
        asked or provisioned(),
        configuration,
        seen,
        judge(seen.charon, seen.kernel) if tunnel is None else tunnel,
        address,
        course(gateways=gateways or Trials()),
        NOW,
    )


def networks(found: Desired) -> set[Network]:
    """Return what the wanted child leads to."""
    assert isinstance(found.connection, Connection)
    return set(found.connection.child.networks)


def protected(found: Desired) -> set[Network]:
    """Return the destinations that are guarded by both a route and a block."""
    routes = {g.destination for g in found.guards if isinstance(g, Unreachable)}
    blocks = {g.destination for g in found.guards if isinstance(g, Block) and g.destination != ANY}
    assert routes == blocks
    return routes


# What goes through the tunnel.


@pytest.mark.parametrize(
    ("asked", "user_plane", "through"),
    [
        (provisioned(), (), {CORE, host(MME)}),
        (provisioned(MME, MME_2), (), {CORE, host(MME), host(MME_2)}),
        (provisioned(far_ends=()), (), {CORE}),
        (provisioned(), (SGW,), {CORE, host(MME), host(SGW)}),
        (provisioned(HEMS), (), {CORE}),
        (provisioned(), (HEMS,), {CORE, host(MME)}),
        (OUTSIDE, (), {CORE}),
        (OUTSIDE, (SGW,), {CORE}),
    ],
)
def test_the_child_leads_to_the_core_and_to_what_s1_talks_to_inside(
    asked: Provisioned, user_plane: tuple[Address, ...], through: set[Network]
) -> None:
    inside = asked.s1_inside
    local = INNER if inside else OUTER
    told = replace(stack(link(local=local, inside=inside)), user_plane_peers=user_plane)
    seen = observed(stack=told, names={**observed().names, str(HEMS): (HEMS,)})
    assert networks(wanted(asked, seen)) == through


def test_a_hems_beside_the_core_is_led_to_by_itself() -> None:
    elsewhere = replace(SETTINGS, ipsec=ipsec(gateways=(str(GATEWAY),), networks=()))
    assert networks(wanted(configuration=elsewhere)) == {host(HEMS), host(MME)}


def test_a_hems_outside_of_the_tunnel_is_not_led_to() -> None:
    direct = replace(
        SETTINGS,
        hems=hems(address=HEMS, path=HemsPath.DIRECT),
        ipsec=ipsec(gateways=(str(GATEWAY),), networks=()),
    )
    assert networks(wanted(configuration=direct)) == {host(MME)}


def test_while_the_stack_cannot_say_whom_the_user_plane_talks_to_what_is_reached_stays() -> None:
    more = charon(ike_sa(child_sa(CORE, host(MME), host(SGW))))
    found = wanted(seen=observed(stack=NOBODY, charon=more))
    assert networks(found) == {CORE, host(MME), host(SGW)}
    assert host(SGW) in protected(found)


def test_what_a_silent_stack_talks_to_gives_way_to_what_is_newly_wanted() -> None:
    found = wanted(provisioned(MME_2), observed(stack=NOBODY))
    assert {CORE, host(MME_2)} <= networks(found)


def test_outside_nothing_of_s1_is_kept_in_the_tunnel_though_s1_is_not_up() -> None:
    """It would lead S1 into the tunnel for as long as S1 is not up outside: for ever."""
    found = wanted(OUTSIDE, observed(stack=stack()))
    assert networks(found) == {CORE}


def test_what_is_kept_is_what_there_is_and_not_a_third_thing() -> None:
    """Two children stand while one replaces the other; that is no reason to want their union."""
    swapping = charon(
        ike_sa(child_sa(CORE, host(MME)), child_sa(CORE, host(MME_2), unique_id=12, name="net-b"))
    )
    told = stack(link(MME_2), PeerState.CONNECTING)
    found = wanted(provisioned(MME_2), observed(charon=swapping, stack=told))
    assert networks(found) in ({CORE, host(MME)}, {CORE, host(MME_2)})


def test_the_order_of_far_ends_makes_no_other_child() -> None:
    one, other = wanted(provisioned(MME, MME_2)), wanted(provisioned(MME_2, MME))
    assert one.connection == other.connection


# Guards.


def test_inside_all_that_the_child_leads_to_is_guarded_and_so_is_the_inner_address() -> None:
    assert wanted().guards == guards_of(CORE, host(MME), sources=(INNER,))


def test_outside_the_hems_alone_is_guarded_and_the_inner_address() -> None:
    assert wanted(OUTSIDE).guards == guards_of(host(HEMS), sources=(INNER,))


def test_outside_with_a_direct_hems_only_the_inner_address_is_guarded() -> None:
    direct = replace(SETTINGS, hems=hems(address=HEMS, path=HemsPath.DIRECT))
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
    everywhere = replace(SETTINGS, ipsec=ipsec(gateways=(str(GATEWAY),), networks=(ANY,)))
    found = wanted(configuration=everywhere)
    assert all(
        GATEWAY not in guard.destination or (isinstance(guard, Block) and guard.source != ANY)
        for guard in found.guards
    )


def test_a_box_without_ipsec_wants_no_guard_and_no_connection() -> None:
    bare = replace(SETTINGS, ipsec=None, hems=hems(address=HEMS, path=HemsPath.DIRECT))
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


def test_an_interface_without_charons_routes_gets_ours_with_the_inner_source() -> None:
    found = wanted(seen=interface(route(CORE, TUN))).routes
    assert found == {Route(host(MME), TUN, None, INNER, MAIN_TABLE, 0, ours=True)}


def test_our_own_route_stays_wanted_while_it_stands() -> None:
    own = Route(host(MME), TUN, None, INNER, MAIN_TABLE, 0, ours=True)
    assert wanted(seen=interface(route(CORE, TUN), own)).routes == {own}


def test_outside_a_far_end_in_the_core_is_led_past_an_interface() -> None:
    core_mme = ip_address("10.30.0.9")
    asked = provisioned(core_mme, s1_inside=False)
    seen = replace(
        interface(route(CORE, TUN, table=CHARON_TABLE, source=INNER)),
        names={**observed().names, str(core_mme): (core_mme,)},
        stack=stack(),
    )
    past = Route(host(core_mme), WAN, ROUTER, None, CHARON_TABLE, 0, ours=True)
    assert past in wanted(asked, seen).routes
    assert isinstance(seen.kernel, Kernel)
    standing = replace(seen, kernel=replace(seen.kernel, routes=(*seen.kernel.routes, past)))
    assert past in wanted(asked, standing).routes


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


# With whom.


def test_the_connection_is_with_the_gateway_that_works() -> None:
    second = observed(charon=charon(ike_sa(gateway=str(GATEWAY_2))))
    found = wanted(seen=second).connection
    assert isinstance(found, Connection)
    assert found.gateway == GATEWAY_2


def test_a_gateway_that_is_to_be_left_alone_is_not_initiated() -> None:
    tried = trials.failed(trials.failed(Trials(), GATEWAY, NOW, 0.5), GATEWAY_2, NOW, 0.9)
    down = observed(charon=charon(), stack=stack())
    assert not wanted(seen=down, gateways=tried).may_initiate
    assert wanted(seen=down).may_initiate


def test_without_a_gateway_no_tunnel_is_wanted() -> None:
    assert wanted(provisioned(gateways=()), observed(charon=charon())).connection is None


def test_a_tunnel_that_leads_nowhere_is_not_wanted() -> None:
    nowhere = replace(
        SETTINGS,
        hems=hems(address=HEMS, path=HemsPath.DIRECT),
        ipsec=ipsec(gateways=(str(GATEWAY),), networks=()),
    )
    found = wanted(
        provisioned(far_ends=()), observed(charon=charon(), stack=stack()), configuration=nowhere
    )
    assert found.connection is None


@pytest.mark.parametrize("missing", [str(GATEWAY), str(GATEWAY_2), str(MME)])
def test_while_names_are_being_looked_up_nothing_is_changed(missing: str) -> None:
    known = {name: found for name, found in observed().names.items() if name != missing}
    found = wanted(seen=observed(names=known))
    assert isinstance(found.connection, Unknown)
    assert found.link is Hold.HOLD
    assert not found.may_initiate


def test_a_far_end_without_an_address_is_passed_over() -> None:
    asked = provisioned("gone.example", MME_2)
    seen = observed(names={**observed().names, "gone.example": ()}, stack=stack())
    found = wanted(asked, seen)
    assert networks(found) == {CORE, host(MME_2)}


def test_a_far_end_whose_name_has_no_address_any_more_is_not_taken_from_a_working_s1() -> None:
    """A failed look-up reads like no address; S1 is up with the one it had."""
    asked = provisioned("mme.example")
    seen = observed(names={**observed().names, "mme.example": ()})
    found = wanted(asked, seen)
    assert {CORE, host(MME)} <= networks(found)
    assert host(MME) in protected(found)
    assert found.link in (Hold.HOLD, link())


def test_a_gateway_whose_name_has_no_address_any_more_is_not_left_while_it_works() -> None:
    asked = provisioned(gateways=("segw.example",))
    seen = observed(names={**observed().names, "segw.example": ()})
    found = wanted(asked, seen)
    assert found.connection is not None
    if isinstance(found.connection, Connection):
        assert found.connection.gateway == GATEWAY


def test_one_far_end_under_two_names_is_one() -> None:
    asked = provisioned("mme.example", MME)
    seen = observed(names={**observed().names, "mme.example": (MME,)})
    found = wanted(asked, seen).link
    assert isinstance(found, S1Link)
    assert [peer.address for peer in found.peers] == [MME]


def test_what_is_wanted_does_not_depend_on_guards_that_stand() -> None:
    bare: Guard = Unreachable(ip_network("198.51.100.0/24"))
    seen = observed(kernel=kernel(bare))
    assert wanted(seen=seen) == wanted(seen=observed(kernel=kernel()))
