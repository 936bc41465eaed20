"""The IPsec usage indicator, on and off while S1 is up: never is S1 in the clear meanwhile."""

from __future__ import annotations

import pytest

from henbd.actions import RemoveGuard, Tell
from henbd.model import paths
from henbd.settings import S1Policy
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.settings import ipsec
from tests.unit.world import CORE, GATEWAY, HEMS, INNER, MME, SGW, World, lab_settings

# A far end in the operator's core, which the tunnel leads to whether S1 goes inside or not.
CORE_MME = next(host for host in CORE.hosts() if host != HEMS)


def switch(world: World, *, inside: bool) -> None:
    """Have the HeMS set the indicator."""
    world.provision({paths.IPSEC_ENABLE: "true" if inside else "false"})
    world.run(3)


def outside(world: World) -> bool:
    """Tell whether S1 is up outside of the tunnel."""
    return bool(world.stack.up) and all(
        association.link.local == OUTER and not association.link.inside
        for association in world.stack.associations
    )


def test_switched_off_s1_ends_inside_and_starts_outside(world: World) -> None:
    world.bring_up_s1()
    told = len(world.done(Tell))
    switch(world, inside=False)
    assert outside(world)
    first, second = world.done(Tell)[told:]
    assert first.link is None
    assert second.link is not None
    assert second.link.local == OUTER


def test_switched_off_the_guards_go_after_the_silence_and_before_the_new_start(
    world: World,
) -> None:
    world.bring_up_s1()
    start = len(world.journal.actions)
    switch(world, inside=False)
    steps = [type(a) for a in world.journal.actions[start:] if isinstance(a, Tell | RemoveGuard)]
    assert steps[0] is Tell
    assert steps[-1] is Tell
    assert set(steps[1:-1]) == {RemoveGuard}


def test_switched_off_the_tunnel_stays_for_the_hems(world: World) -> None:
    world.bring_up_s1()
    switch(world, inside=False)
    assert world.kernel.fate(INNER, HEMS) is Fate.INSIDE
    assert world.kernel.fate(OUTER, HEMS) is Fate.BLOCKED
    assert len(world.charon.sas) == 1
    told = len(world.informs)
    world.listener.call()
    world.run(1)
    assert len(world.informs) == told + 1


def test_switched_on_again_s1_goes_inside(world: World) -> None:
    world.bring_up_s1()
    switch(world, inside=False)
    switch(world, inside=True)
    assert world.stack.up == [MME]
    assert world.stack.associations[0].link.local == INNER
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_far_end_in_the_core_goes_out_and_in_as_well(world: World, times: int) -> None:
    world.mmes[CORE_MME] = world.mmes[MME]
    world.bring_up_s1(CORE_MME)
    for _ in range(times):
        switch(world, inside=False)
        assert outside(world)
        switch(world, inside=True)
        assert world.stack.up == [CORE_MME]
        assert world.stack.associations[0].link.inside
    assert not [route for route in +world.kernel.routes if route.ours]


def test_outside_the_user_plane_goes_past_the_tunnel_too(world: World) -> None:
    """Its peers are to be reached by the path of S1 (PROTOCOL.md), wherever they are."""
    peer = next(host for host in CORE.hosts() if host not in (HEMS, CORE_MME))
    world.bring_up_s1()
    switch(world, inside=False)
    world.stack.user_plane_peers = (peer, SGW)
    world.stack.rung()
    world.run(2)
    assert world.kernel.fate(OUTER, SGW) is Fate.CLEAR
    assert world.kernel.fate(OUTER, peer) is Fate.CLEAR


def test_switched_off_while_the_stack_is_away_nothing_is_opened(world: World) -> None:
    world.bring_up_s1()
    world.stack.vanish()
    switch(world, inside=False)
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED
    world.stack.come_back()
    world.run(3)
    assert outside(world)


def test_switched_off_and_on_in_one_session_is_nothing(world: World) -> None:
    world.bring_up_s1()
    done = len(world.journal.actions)
    world.provision({paths.IPSEC_ENABLE: "false"})
    world.hems.requests[-1] *= 2
    world.hems.requests[-1][1] = world.hems.requests[-1][1].replace("false", "true")
    world.run(3)
    assert world.hems.responses[-2:] == ["SetParameterValuesResponse"] * 2
    assert len(world.journal.actions) == done


def test_where_inside_is_required_it_cannot_be_switched_off(worlds: Worlds) -> None:
    world = worlds(
        EspMode.POLICY,
        lab_settings(ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,), s1=S1Policy.REQUIRED)),
    )
    world.bring_up_s1()
    done = len(world.journal.actions)
    switch(world, inside=False)
    assert world.hems.responses[-1] == "Fault"
    assert world.values[paths.IPSEC_ENABLE] == "true"
    assert len(world.journal.actions) == done
