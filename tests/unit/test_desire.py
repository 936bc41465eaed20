"""What is wanted now: what goes through the tunnel, and with whom it is made."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from henbd.control import guard, trials
from henbd.control.gateways import Gateways
from henbd.control.trials import Trials
from henbd.settings import HemsPath
from henbd.values import (
    Address,
    AddressFamily,
    Connection,
    Guard,
    Hold,
    Network,
    PeerState,
    Provisioned,
    S1Link,
    Unknown,
    Unreachable,
)
from tests.unit.settings import hems, ipsec
from tests.unit.sights import (
    ANY,
    CORE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    INNER,
    INNER_2,
    MME,
    MME6,
    MME_2,
    NOBODY,
    NOW,
    OUTER,
    SGW,
    charon,
    child_sa,
    guards_of,
    host,
    ike_sa,
    kernel,
    link,
    observed,
    provisioned,
    stack,
)
from tests.unit.wishes import BOX, OUTSIDE, networks, protected, wanted

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
    elsewhere = replace(BOX, ipsec=ipsec(gateways=(str(GATEWAY),), networks=()))
    assert networks(wanted(configuration=elsewhere)) == {host(HEMS), host(MME)}


def test_all_addresses_of_a_hems_are_led_to_and_guarded() -> None:
    elsewhere = replace(BOX, ipsec=ipsec(gateways=(str(GATEWAY),), networks=()))
    for asked in (provisioned(), OUTSIDE):
        found = wanted(asked, configuration=elsewhere, addresses=(HEMS, INNER_2, MME6))
        # There is no inner address of the other family: it must not be reached at all.
        assert networks(found) - {host(MME)} == {host(HEMS), host(INNER_2)}
        assert guard.networks(found.guards) >= {host(HEMS), host(INNER_2), host(MME6)}
    families = ipsec(gateways=(str(GATEWAY),), networks=(), families=tuple(AddressFamily))
    both = replace(BOX, ipsec=families)
    assert host(MME6) in networks(wanted(configuration=both, addresses=(HEMS, MME6)))


def test_while_the_name_of_the_hems_is_not_known_what_is_reached_and_guarded_stays() -> None:
    """After a restart: S1 is up, and would lose the child that the HeMS is reached through."""
    elsewhere = replace(BOX, ipsec=ipsec(gateways=(str(GATEWAY),), networks=()))
    both = host(HEMS), host(MME)
    seen = observed(
        charon=charon(ike_sa(child_sa(*both))),
        kernel=kernel(*guards_of(*both, sources=(INNER,))),
        stack=stack(link()),
    )
    found = wanted(seen=seen, configuration=elsewhere, addresses=())
    assert networks(found) == set(both)
    assert protected(found) == set(both)


def test_a_hems_outside_of_the_tunnel_is_not_led_to() -> None:
    direct = replace(
        BOX,
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


# With whom.


def test_the_connection_is_with_the_gateway_that_works() -> None:
    second = observed(charon=charon(ike_sa(gateway=str(GATEWAY_2))))
    found = wanted(seen=second).connection
    assert isinstance(found, Connection)
    assert found.gateway == GATEWAY_2


def test_a_gateway_that_is_to_be_left_alone_is_not_initiated() -> None:
    tried = trials.failed(trials.failed(Trials(), GATEWAY, NOW, 0.5), GATEWAY_2, NOW, 0.9)
    down = observed(charon=charon(), stack=stack())
    assert not wanted(seen=down, gateways=Gateways(tried)).may_initiate
    assert wanted(seen=down).may_initiate


def test_without_a_gateway_no_tunnel_is_wanted() -> None:
    assert wanted(provisioned(gateways=()), observed(charon=charon())).connection is None


def test_a_tunnel_that_leads_nowhere_is_not_wanted() -> None:
    nowhere = replace(
        BOX,
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
    bare: Guard = Unreachable(ANY, ip_network("198.51.100.0/24"))
    seen = observed(kernel=kernel(bare))
    assert wanted(seen=seen) == wanted(seen=observed(kernel=kernel()))
