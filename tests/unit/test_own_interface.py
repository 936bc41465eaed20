"""An interface of our own for the inner address: made, known by its mark, swept, removed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from henbd.actions import Action, AddInterface, Initiate, RemoveAddress, RemoveInterface
from henbd.control import course as courses
from henbd.control.course import STALE_S
from henbd.control.plan import plan
from henbd.control.routing import CHARON_TABLE
from henbd.control.tunnel import Tunnel
from henbd.system import links, rtnetlink
from henbd.values import Device, Interface, InterfaceAddress, Kernel, Unreachable
from tests.unit.plan_table import GUARDS, seen, want
from tests.unit.settings import ipsec
from tests.unit.sights import (
    ANY,
    CORE,
    GATEWAY,
    INNER,
    INNER_2,
    MME,
    NOBODY,
    NOW,
    TUN,
    WAN,
    charon,
    course,
    device,
    host,
    ike_sa,
    kernel,
    observed,
    on,
    stack,
)
from tests.unit.wishes import BOX, DOWN, UP, wanted

DUMMY, XFRM = Interface("henbd0", 0), Interface("henbd0", 42)


def made(interface: Interface, index: int = TUN, **changes: object) -> Device:
    """Return the interface as the kernel has it."""
    found = Device(
        index,
        interface.name,
        up=True,
        loopback=False,
        carries_tunnel=bool(interface.if_id),
        if_id=interface.if_id,
        ours=True,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def with_devices(*devices: Device) -> Kernel:
    return kernel(*GUARDS, devices=(*kernel().devices, *devices))


def planned(interface: Interface | None, *devices: Device, **changes: object) -> list[Action]:
    look = seen(kernel=with_devices(*devices), **changes)
    return plan(want(interface=interface), look, UP)


# Marks.


@pytest.mark.parametrize("interface", [DUMMY, XFRM])
def test_what_is_made_is_known_by_its_mark(interface: Interface) -> None:
    known = rtnetlink.device(links.new(interface))
    assert known == made(interface, index=0)


def test_an_interface_of_others_is_not_ours() -> None:
    body = links.new(XFRM).replace(
        rtnetlink.OUR_GROUP.to_bytes(4, "little"), (0).to_bytes(4, "little")
    )
    assert not rtnetlink.device(body).ours


# Made and removed.


@pytest.mark.parametrize("interface", [DUMMY, XFRM])
def test_it_is_made_before_the_tunnel_is_negotiated(interface: Interface) -> None:
    look = seen(kernel=with_devices(), charon=charon(), stack=stack())
    actions = plan(want(interface=interface, link=None), look, DOWN)
    assert AddInterface(interface) in actions
    assert not any(isinstance(action, Initiate) for action in actions)
    assert planned(interface, made(interface)) == []


@pytest.mark.parametrize(
    "there",
    [made(DUMMY), made(XFRM, if_id=7), made(XFRM, carries_tunnel=False)],
    ids=["a dummy", "another if_id", "another kind"],
)
def test_one_of_ours_of_another_kind_makes_way(there: Device) -> None:
    assert planned(XFRM, there)[:2] == [RemoveInterface(there), AddInterface(XFRM)]


def test_one_of_others_of_that_name_is_not_touched() -> None:
    theirs = made(XFRM, ours=False)
    assert RemoveInterface(theirs) not in planned(XFRM, theirs)


@pytest.mark.parametrize("wish", [None, Interface("other", 0)])
def test_one_that_is_not_wanted_any_more_is_removed(wish: Interface | None) -> None:
    assert RemoveInterface(made(DUMMY)) in planned(wish, made(DUMMY))


# Swept.

LEFT = InterfaceAddress(INNER_2, TUN, usable=True)


def looked(before: courses.Course, now: float, **changes: object) -> courses.Course:
    box = kernel(devices=(device(WAN), made(DUMMY)), addresses=(on(INNER, TUN), LEFT))
    look = replace(observed(charon=charon(ike_sa()), kernel=box), **changes)  # type: ignore[arg-type]
    return courses.noted(before, look, UP, UP, now, 0.5)


def test_an_address_that_nobody_grants_is_stale_after_a_while() -> None:
    """charon puts one there before it tells of it."""
    first = looked(course(), NOW)
    assert courses.stale(first, NOW + STALE_S - 0.1) == frozenset()
    assert courses.stale(first, NOW + STALE_S) == {LEFT}
    assert NOW + STALE_S in courses.times(first, 10, NOW)
    assert looked(first, NOW + 1).ungranted == first.ungranted


def test_while_charon_says_nothing_no_address_becomes_stale() -> None:
    assert looked(course(), NOW, charon=NOBODY).ungranted == {}


def test_an_address_on_an_interface_of_others_is_theirs() -> None:
    box = kernel(devices=(device(WAN),), addresses=(on(INNER, WAN), on(INNER_2, WAN)))
    look = observed(charon=charon(ike_sa()), kernel=box)
    assert courses.noted(course(), look, UP, UP, NOW, 0.5).ungranted == {}


@pytest.mark.parametrize(("tunnel", "known"), [(UP, True), (DOWN, False)])
def test_an_address_on_an_interface_of_others_that_is_guarded_was_granted_once(
    tunnel: Tunnel, *, known: bool
) -> None:
    """With the tunnel up another has come in its place; without, it may be granted again."""
    left = on(INNER_2, WAN)
    guards = (Unreachable(host(INNER_2), ANY), Unreachable(host(INNER), ANY))
    box = kernel(*guards, devices=(device(WAN),), addresses=(on(INNER, WAN), left))
    look = observed(charon=charon(ike_sa()), kernel=box)
    found = courses.noted(course(), look, tunnel, tunnel, NOW, 0.5).ungranted
    assert found == ({left: NOW} if known else {})
    assert guards[0] in wanted(seen=look).guards


def test_a_stale_address_is_removed() -> None:
    look = seen(kernel=with_devices(made(DUMMY)))
    assert RemoveAddress(LEFT) in plan(want(interface=DUMMY, stale=frozenset({LEFT})), look, UP)


# In use.


def test_behind_an_interface_of_xfrm_routes_and_guards_are_those_of_an_interface() -> None:
    box = replace(
        BOX,
        ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,), interface="henbd0", if_id=42),
    )
    bare = kernel(devices=(device(WAN), made(XFRM)), addresses=(on(INNER, TUN),), routes=())
    found = wanted(seen=observed(charon=charon(ike_sa()), kernel=bare), configuration=box)
    assert {guard.device for guard in found.guards if hasattr(guard, "device")} == {WAN}
    assert {(r.destination, r.device, r.source, r.table) for r in found.routes} == {
        (CORE, TUN, INNER, CHARON_TABLE),
        (host(MME), TUN, INNER, CHARON_TABLE),
    }
    assert {route.mtu for route in found.routes} == {1400}
    assert found.interface == XFRM
