"""What the box does while MMEs, the path of S1 or the stack fail, and when they are back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from henbd.actions import RemoveGuard, Tell
from henbd.control.course import FIRST_RETURN_S
from henbd.cwmp.events import FAP_GATEWAY_REQUIRED
from henbd.model import paths
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.fakes.stack import Manner as MmeManner
from tests.unit.settings import s1
from tests.unit.world import (
    INNER,
    MME,
    MME_2,
    SGW,
    World,
    lab_settings,
)


def test_time_to_wait_is_obeyed_and_the_next_far_end_has_its_turn(world: World) -> None:
    world.mmes[MME].manner = MmeManner.REFUSES
    world.mmes[MME].time_to_wait_s = 60
    world.register()
    world.provision_far_ends(MME, MME_2)
    world.run(5)
    assert world.stack.up == [MME_2]
    world.run(300)
    assert len(world.mmes[MME].setups_at) == 1


@pytest.mark.conformance("C007", "C079")
def test_a_new_hems_is_told_that_s1_cannot_be_had_still(world: World) -> None:
    world.mmes[MME].manner = MmeManner.REFUSES
    world.register()
    world.provision_far_ends(MME)
    world.run(60)
    assert FAP_GATEWAY_REQUIRED.code in {e for inform in world.informs for e in inform.events}
    new = world.values[paths.URL] + "new"
    world.provision({paths.URL: new})
    world.run(5)
    first = next(inform for inform in world.informs if inform.url == new)
    assert first.events == ("0 BOOTSTRAP", FAP_GATEWAY_REQUIRED.code)


def test_a_single_far_end_that_refuses_is_not_asked_before_time_to_wait(world: World) -> None:
    world.mmes[MME].manner = MmeManner.REFUSES
    world.mmes[MME].time_to_wait_s = 20
    world.register()
    world.provision_far_ends(MME)
    world.run(65)
    at = world.mmes[MME].setups_at
    assert len(at) == 4
    assert min(b - a for a, b in pairwise(at)) >= 20
    assert len(world.done(Tell)) == 1
    world.mmes[MME].manner = MmeManner.ACCEPTS
    world.run(25)
    assert world.stack.up == [MME]


def test_a_slow_mme_is_given_its_time_though_the_first_may_be_tried_again(world: World) -> None:
    world.mmes[MME].manner = MmeManner.REFUSES
    world.mmes[MME_2].takes_s = 4.0
    world.register()
    world.provision_far_ends(MME, MME_2)
    world.run(7)
    assert world.stack.up == [MME_2]
    assert len(world.mmes[MME_2].setups_at) == 1


def test_a_far_end_that_dies_leads_to_the_next_and_stays_there(world: World) -> None:
    world.bring_up_s1(MME, MME_2)
    del world.mmes[MME]
    world.run(30)
    assert world.stack.up == [MME_2]
    told = len(world.done(Tell))
    world.run(600)
    assert len(world.done(Tell)) == told


def test_s1_is_held_for_a_while_when_the_tunnel_goes(world: World) -> None:
    world.bring_up_s1()
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    told = len(world.done(Tell))
    world.run(world.settings.s1.hold_s - 0.5)
    assert len(world.done(Tell)) == told
    world.run(1)
    assert world.done(Tell)[told:] == [Tell(None)]
    world.run(1)
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED


def test_without_hold_s1_is_dropped_as_the_tunnel_goes(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, lab_settings(s1=s1(hold_s=0)))
    world.bring_up_s1()
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(0.1)
    assert world.done(Tell)[-1] == Tell(None)


def test_s1_comes_back_with_the_tunnel(world: World) -> None:
    world.bring_up_s1()
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(60)
    for gateway in world.gateways.values():
        gateway.manner = Manner.GRANTS
    world.run(95)
    assert world.stack.up == [MME]
    assert world.values[paths.OP_STATE] == "true"


def test_s1_is_silenced_though_a_guard_cannot_be_put(world: World) -> None:
    """A new peer of the user plane gets no guard, and the tunnel goes for good."""
    world.bring_up_s1()
    world.kernel.guards_allowed = False
    world.stack.user_plane_peers = (SGW,)
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(20)
    assert world.done(Tell)[-1] == Tell(None)


def test_a_silent_stack_is_reported_down_after_a_while_and_keeps_its_guards(
    world: World,
) -> None:
    world.bring_up_s1()
    removed = len(world.done(RemoveGuard))
    world.stack.vanish()
    world.run(world.settings.s1.hold_s - 1)
    assert world.values[paths.OP_STATE] == "true"
    world.run(2)
    assert world.values[paths.OP_STATE] == "false"
    assert world.informs[-1].values[paths.OP_STATE] == "false"
    world.run(600)
    assert len(world.done(RemoveGuard)) == removed
    world.stack.come_back()
    world.run(2)
    assert world.values[paths.OP_STATE] == "true"
    assert len(world.mmes[MME].setups_at) == 1


def test_a_stack_that_never_acknowledges_keeps_what_it_uses(world: World) -> None:
    world.bring_up_s1()
    world.stack.acknowledges = False
    removed = len(world.done(RemoveGuard))
    world.provision_far_ends(MME_2)
    world.run(600)
    assert len(world.done(RemoveGuard)) == removed
    assert world.kernel.fate(INNER, MME) is Fate.INSIDE
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED


def test_a_stack_is_let_go_and_goes_on_when_the_daemon_ends(world: World) -> None:
    world.bring_up_s1()
    world.stop()
    assert world.stack.let_go
    assert world.stack.up == [MME]


def test_a_stack_that_restarts_is_told_again(world: World) -> None:
    world.bring_up_s1()
    world.stack.restart()
    world.run(1)
    assert world.stack.up == [MME]


def test_far_ends_that_the_user_plane_talks_to_go_inside_too(world: World) -> None:
    world.bring_up_s1()
    world.stack.user_plane_peers = (SGW,)
    world.stack.rung()
    world.run(1)
    assert world.kernel.fate(INNER, SGW) is Fate.INSIDE
    assert world.kernel.fate(OUTER, SGW) is Fate.BLOCKED
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1


@pytest.fixture
def esp(worlds: Worlds) -> World:
    """A world where it does not matter how the kernel does ESP."""
    return worlds(EspMode.POLICY, lab_settings())


REPROVISION = "X 00256D 3GPP Reprovision Required: FAPGW"


def reprovisions(world: World) -> int:
    """Return how often the HeMS was told that S1 cannot be had."""
    return [event for inform in world.informs for event in inform.events].count(REPROVISION)


@pytest.mark.conformance("C079")
def test_the_hems_is_told_once_that_no_far_end_can_be_had(esp: World) -> None:
    esp.bring_up_s1(MME, MME_2)
    gone = dict(esp.mmes)
    esp.mmes.clear()
    esp.run(30)
    assert reprovisions(esp) == 1
    esp.run(600)
    assert reprovisions(esp) == 1
    esp.mmes.update(gone)
    esp.run(100)
    assert esp.stack.up
    esp.mmes.clear()
    esp.run(60)
    assert reprovisions(esp) == 2


def test_one_far_end_that_fails_of_two_is_no_matter_for_the_hems(esp: World) -> None:
    esp.bring_up_s1(MME, MME_2)
    del esp.mmes[MME]
    esp.run(600)
    assert reprovisions(esp) == 0


@pytest.mark.conformance("C079")
def test_that_no_far_end_can_be_had_is_kept_until_it_is_delivered(esp: World) -> None:
    esp.bring_up_s1()
    esp.hems.manner = HemsManner.REFUSES
    esp.mmes.clear()
    esp.run(300)
    assert reprovisions(esp) == 0
    esp.hems.manner = HemsManner.ANSWERS
    esp.run(1000)
    assert reprovisions(esp) == 1


@pytest.mark.conformance("C079")
def test_that_no_far_end_can_be_had_outlives_the_power(esp: World) -> None:
    esp.bring_up_s1()
    esp.hems.manner = HemsManner.REFUSES
    gone = dict(esp.mmes)
    esp.mmes.clear()
    esp.run(60)
    esp.mmes.update(gone)
    esp.hems.manner = HemsManner.ANSWERS
    told = len(esp.informs)
    esp.power_cycle("boot-2")
    esp.run(5)
    assert {"1 BOOT", REPROVISION} <= set(esp.informs[told].events)


def test_far_ends_that_fail_for_want_of_a_path_are_not_to_blame(esp: World) -> None:
    esp.bring_up_s1()
    for gateway in esp.gateways.values():
        gateway.manner = Manner.SILENT
    esp.charon.lose()
    esp.run(60)
    for gateway in esp.gateways.values():
        gateway.manner = Manner.GRANTS
    esp.run(95)
    assert esp.stack.up == [MME]
    assert reprovisions(esp) == 0


def test_s1_goes_back_to_the_first_far_end_when_it_is_due(esp: World) -> None:
    esp.bring_up_s1(MME, MME_2)
    back = esp.mmes.pop(MME)
    esp.run(30)
    assert esp.stack.up == [MME_2]
    esp.mmes[MME] = back
    esp.run(2 * FIRST_RETURN_S)
    assert esp.stack.up == [MME]
    told = len(esp.done(Tell))
    esp.run(4 * FIRST_RETURN_S)
    assert len(esp.done(Tell)) == told


def test_a_first_far_end_that_stays_away_is_tried_less_and_less(esp: World) -> None:
    esp.bring_up_s1(MME, MME_2)
    del esp.mmes[MME]
    esp.run(30)
    told = []
    for _ in range(3):
        before = len(esp.done(Tell))
        esp.run(2 * FIRST_RETURN_S)
        told.append(len(esp.done(Tell)) - before)
        assert esp.stack.up == [MME_2]
    assert told[0] == 2
    assert sum(told) <= 4


def test_s1_does_not_go_back_while_somebody_uses_the_user_plane(esp: World) -> None:
    esp.bring_up_s1(MME, MME_2)
    back = esp.mmes.pop(MME)
    esp.run(30)
    esp.mmes[MME] = back
    esp.stack.user_plane_peers = (SGW,)
    esp.stack.rung()
    esp.run(4 * FIRST_RETURN_S)
    assert esp.stack.up == [MME_2]
    esp.stack.user_plane_peers = ()
    esp.stack.rung()
    esp.run(5)
    assert esp.stack.up == [MME]
