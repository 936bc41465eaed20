"""What `henbd status` says is waited for: each party that does not do its part, and until when."""

from __future__ import annotations

from dataclasses import replace

from henbd.model import paths
from henbd.values import EspMode
from henbd.waits import waits
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner as GatewayManner
from tests.unit.fakes.stack import Manner
from tests.unit.settings import s1
from tests.unit.world import INNER, MME, MME_2, World, lab_settings


def waited_for(world: World) -> dict[str, float | None]:
    """Return what the daemon waits for, and the seconds until it goes on."""
    return {wait.what: wait.in_s for wait in waits(world.daemon)}


def test_in_service_nothing_is_waited_for(world: World) -> None:
    world.bring_up_s1()
    world.run(5)
    assert waited_for(world) == {}


def test_a_fresh_box_waits_for_the_hems_to_provision_s1(world: World) -> None:
    world.register()
    world.run(1)
    assert waited_for(world) == {"the HeMS to provision S1SigLinkServerList": None}


def test_a_hems_that_is_silent_is_waited_for_and_then_called_again(world: World) -> None:
    world.bring_up_s1()
    world.run(5)
    world.hems.answers_after_s = 1e9
    world.listener.call()
    world.run(10)
    (what, in_s), *others = waited_for(world).items()
    assert (what, others) == ("an answer of the HeMS", [])
    assert in_s is not None
    assert in_s < world.settings.hems.session_s
    while "an answer of the HeMS" in waited_for(world):
        world.run(1)
    ((what, in_s),) = waited_for(world).items()
    assert what.startswith("the next attempt to reach the HeMS (")
    assert in_s is not None


def test_a_lost_path_is_waited_for_until_s1_is_given_up(world: World) -> None:
    world.bring_up_s1()
    for gateway in world.gateways.values():
        gateway.manner = GatewayManner.SILENT
    world.charon.lose()
    world.run(1)
    in_s = waited_for(world)["a path for S1, which is left as it is meanwhile"]
    assert in_s is not None
    assert 0 < in_s < world.settings.s1.hold_s


def test_a_stack_that_does_not_acknowledge_is_waited_for(world: World) -> None:
    world.bring_up_s1()
    world.stack.acknowledges = False
    world.provision_far_ends(MME_2)
    world.run(5)
    assert f"fake to acknowledge S1 from {INNER} to {MME_2}" in waited_for(world)


def test_a_far_end_that_refuses_is_waited_for_with_its_reason(world: World) -> None:
    world.mmes[MME].manner, world.mmes[MME].time_to_wait_s = Manner.REFUSES, 60
    world.register()
    world.provision_far_ends(MME)
    world.run(5)
    ((what, in_s),) = waited_for(world).items()
    assert what.startswith(f"S1 with {MME}: failed (")
    assert in_s is None or in_s <= 60


def test_admin_state_is_waited_for_where_the_configuration_says_so(worlds: Worlds) -> None:
    waits_for_it = lab_settings(s1=replace(s1(), wait_for_admin_state=True))
    world = worlds(EspMode.POLICY, waits_for_it)
    world.register()
    world.provision_far_ends(MME)
    world.run(5)
    assert "the HeMS to set AdminState" in waited_for(world)
    world.provision({paths.ADMIN_STATE: "true"})
    world.run(5)
    assert waited_for(world) == {}
