"""The leak guards: which of them stand for a destination, in each world of ESP."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from henbd.control.guard import HALVES, far, guards, host, near, networks
from henbd.values import (
    Address,
    Block,
    Direction,
    EspMode,
    Guard,
    Kernel,
    Network,
    Unreachable,
)
from tests.unit.sights import (
    ANY,
    ANY6,
    CORE,
    INNER,
    INNER6,
    LO,
    MME6,
    TUN,
    WAN,
    WAN_2,
    device,
    kernel,
)

DEVICES = (device(LO), device(WAN), device(WAN_2, up=False), device(TUN, tunnel=True))
TWO_WANS = kernel(devices=DEVICES)
NET6 = ip_network("2001:db8:40::/48")


@pytest.mark.parametrize(
    ("mode", "destinations", "sources", "wanted"),
    [
        (EspMode.POLICY, (), (), set()),
        (
            EspMode.POLICY,
            (CORE,),
            (),
            {
                Unreachable(ANY, CORE),
                Block(ANY, CORE, 0),
                Block(CORE, ANY, 0, Direction.IN),
                Block(CORE, ANY, 0, Direction.FORWARD),
            },
        ),
        (
            EspMode.INTERFACE,
            (CORE,),
            (),
            {Unreachable(ANY, CORE), Block(ANY, CORE, WAN), Block(ANY, CORE, WAN_2)},
        ),
        (
            EspMode.POLICY,
            (NET6,),
            (),
            {
                Unreachable(ANY6, NET6),
                Block(ANY6, NET6, 0),
                Block(NET6, ANY6, 0, Direction.IN),
                Block(NET6, ANY6, 0, Direction.FORWARD),
            },
        ),
        (
            EspMode.POLICY,
            (),
            (INNER,),
            {
                Unreachable(host(INNER), ANY),
                Unreachable(ANY, host(INNER)),
                *(Block(host(INNER), half, 0) for half in HALVES[4]),
            },
        ),
        (
            EspMode.INTERFACE,
            (),
            (INNER, INNER6),
            {
                Unreachable(host(INNER), ANY),
                Unreachable(ANY, host(INNER)),
                Unreachable(host(INNER6), ANY6),
                Unreachable(ANY6, host(INNER6)),
                *(Block(host(INNER), half, d) for half in HALVES[4] for d in (WAN, WAN_2)),
                *(Block(host(INNER6), half, d) for half in HALVES[6] for d in (WAN, WAN_2)),
            },
        ),
    ],
)
def test_a_destination_and_a_source_have_their_rule_and_their_blocks(
    mode: EspMode,
    destinations: tuple[Network, ...],
    sources: tuple[Address, ...],
    wanted: set[Guard],
) -> None:
    assert guards(destinations, sources, TWO_WANS, mode) == wanted


@pytest.mark.parametrize("mode", EspMode)
@pytest.mark.parametrize("default", [ANY, ANY6])
def test_a_default_route_is_not_guarded_for_it_is_the_way_to_the_gateway(
    mode: EspMode, default: Network
) -> None:
    assert guards((default,), (), TWO_WANS, mode) == set()


def test_the_source_guard_stands_though_the_child_leads_everywhere() -> None:
    alone = guards((), (INNER,), TWO_WANS, EspMode.POLICY)
    assert guards((ANY,), (INNER,), TWO_WANS, EspMode.POLICY) == alone != set()


def test_a_guard_tells_our_side_from_the_far_side_whichever_way_the_packets_go() -> None:
    sides = {(near(g), far(g)) for g in guards((CORE,), (INNER,), TWO_WANS, EspMode.POLICY)}
    from_inner = {(host(INNER), side) for side in (ANY, *HALVES[4])}
    assert sides == {(None, CORE), (None, host(INNER)), *from_inner}


@pytest.mark.parametrize("mode", EspMode)
def test_no_block_has_the_selector_of_a_policy_of_charons(mode: EspMode) -> None:
    """There is one policy for a selector: the later one would stand in the place of the other."""
    found = guards((ANY, CORE), (INNER,), TWO_WANS, mode)
    assert not {Block(host(INNER), to, 0) for to in (ANY, CORE)} & found


def test_what_is_kept_for_the_next_boot_are_the_networks_and_no_inner_address() -> None:
    for mode in EspMode:
        assert networks(guards((CORE, NET6), (INNER,), TWO_WANS, mode)) == {CORE, NET6}


@pytest.mark.parametrize(("if_id", "open_"), [(0, {LO, TUN}), (42, {LO, 8}), (7, {LO})])
def test_an_interface_of_another_tunnel_is_blocked(if_id: int, open_: set[int]) -> None:
    xfrm = replace(device(8, tunnel=True), if_id=42)
    box = kernel(devices=(*DEVICES, xfrm))
    found = guards((CORE,), (), box, EspMode.INTERFACE, if_id)
    blocked = {guard.device for guard in found if isinstance(guard, Block)}
    assert {d.index for d in box.devices} - blocked == open_


@pytest.mark.parametrize("index", [LO, TUN])
def test_neither_loopback_nor_the_tunnel_itself_is_blocked(index: int) -> None:
    found = guards((CORE,), (INNER,), TWO_WANS, EspMode.INTERFACE)
    assert index not in {guard.device for guard in found if isinstance(guard, Block)}


def test_a_new_way_out_of_the_box_is_blocked_too() -> None:
    grown: Kernel = kernel(devices=(*TWO_WANS.devices, device(7)))
    before = guards((CORE,), (), TWO_WANS, EspMode.INTERFACE)
    assert guards((CORE,), (), grown, EspMode.INTERFACE) - before == {Block(ANY, CORE, 7)}


def test_a_network_that_is_named_twice_is_guarded_once() -> None:
    once = guards((CORE,), (INNER,), TWO_WANS, EspMode.POLICY)
    assert guards((CORE, CORE), (INNER, INNER), TWO_WANS, EspMode.POLICY) == once


def test_each_family_is_guarded_in_itself() -> None:
    found = guards((host(MME6), CORE), (), TWO_WANS, EspMode.POLICY)
    assert all(
        guard.source.version == guard.destination.version
        for guard in found
        if isinstance(guard, Block)
    )
