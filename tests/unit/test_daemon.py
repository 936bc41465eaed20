"""The loop itself: how often it turns, what it asks the world, how it starts and ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from henbd.errors import KernelError
from henbd.model import paths
from henbd.values import AddGuard, EspMode, HemsPath, KernelAction
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.kernel import OUTER
from tests.unit.fakes.stack import Manner as MmeManner
from tests.unit.settings import hems, settings
from tests.unit.world import HEMS_OUTSIDE, INNER, MME, MME_2, SGW, World, direct_settings

HOUR_S = 3600


def test_an_idle_hour_costs_two_turns_an_audit(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    before, done = world.bells.turns, len(world.journal.actions)
    world.run(HOUR_S)
    assert world.settings.ipsec is not None
    audits = HOUR_S / world.settings.ipsec.audit_s
    assert world.bells.turns - before <= 2 * audits + 2
    assert len(world.journal.actions) == done


def test_half_an_idle_day_writes_nothing_to_flash(world: World) -> None:
    world.bring_up_s1()
    world.run(60)
    writes = world.store.writes
    world.run(12 * HOUR_S)
    assert world.store.writes == writes


def test_a_periodic_inform_writes_nothing_to_flash(world: World) -> None:
    world.register()
    world.provision({paths.PERIODIC_INTERVAL: "600"})
    world.run(60)
    told, writes = len(world.informs), world.store.writes
    world.run(HOUR_S)
    assert [i.events for i in world.informs[told:]] == [("2 PERIODIC",)] * 6
    assert world.store.writes == writes


def nobody_answers_ike(world: World) -> None:
    """Every gateway is dead."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()


def every_gateway_refuses(world: World) -> None:
    """Every gateway answers, with a refusal."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.REFUSES
    world.charon.lose()


def every_gateway_is_fickle(world: World) -> None:
    """Every gateway takes back at once what it grants."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.FICKLE
    world.charon.lose()


def charon_hangs(world: World) -> None:
    """charon accepts connections, and never answers."""
    world.charon.stop()


def charon_is_dead(world: World) -> None:
    """Nobody listens on charon's socket."""
    world.charon.kill()


def the_hems_refuses(world: World) -> None:
    """Nobody listens at the HeMS's port, and there is something to tell."""
    world.hems.manner = HemsManner.REFUSES
    world.stack.restart()


def the_hems_is_silent(world: World) -> None:
    """The HeMS takes everything and says nothing, and there is something to tell."""
    world.hems.manner = HemsManner.SILENT
    world.stack.restart()


def the_mme_refuses(world: World) -> None:
    """The only MME refuses S1 Setup for ten seconds each."""
    world.mmes[MME].manner = MmeManner.REFUSES
    world.mmes[MME].time_to_wait_s = 10
    world.stack.restart()


def both_mmes_are_dead(world: World) -> None:
    """There are two MMEs, and neither answers."""
    world.mmes.clear()
    world.provision_far_ends(MME, MME_2)


def the_stack_is_away(world: World) -> None:
    """The stack is not connected."""
    world.stack.vanish()


def the_stack_never_acknowledges(world: World) -> None:
    """The stack takes another far end, and never says that it works by it."""
    world.stack.acknowledges = False
    world.provision_far_ends(MME_2)


def the_kernel_cannot_be_read(world: World) -> None:
    """Each dump fails."""
    world.kernel.readable = False
    world.charon.reauthenticate()


def guards_are_refused(world: World) -> None:
    """The kernel takes no guard, and some are gone."""
    world.kernel.guards_allowed = False
    world.stack.user_plane_peers = (SGW,)
    world.stack.rung()


def the_flash_is_full(world: World) -> None:
    """Nothing can be stored, and there is something to tell."""
    world.store.full = True
    world.stack.restart()


FAILURES = (
    nobody_answers_ike,
    every_gateway_refuses,
    every_gateway_is_fickle,
    charon_hangs,
    charon_is_dead,
    the_hems_refuses,
    the_hems_is_silent,
    the_mme_refuses,
    both_mmes_are_dead,
    the_stack_is_away,
    the_stack_never_acknowledges,
    the_kernel_cannot_be_read,
    guards_are_refused,
    the_flash_is_full,
)


@pytest.mark.parametrize("fail", FAILURES)
def test_a_failure_that_lasts_keeps_the_loop_asleep(
    world: World, fail: Callable[[World], None]
) -> None:
    world.bring_up_s1()
    fail(world)
    world.run(30)
    turns, actions = world.bells.turns, len(world.journal.actions)
    world.run(300)
    # Three a second at most, with all that is tried again meanwhile.
    assert world.bells.turns - turns <= 3 * 300
    assert len(world.journal.actions) - actions <= 100


@pytest.mark.parametrize(("fail", "hours"), [(guards_are_refused, 10), (every_gateway_refuses, 20)])
def test_what_is_tried_a_thousand_times_does_not_end_the_daemon(
    worlds: Worlds, fail: Callable[[World], None], hours: int
) -> None:
    world = worlds()
    world.bring_up_s1()
    fail(world)
    world.run(hours * HOUR_S)
    assert world.supervisor.said == ["ready"]


def test_a_storm_of_bells_is_answered_by_looks_one_at_a_time(world: World) -> None:
    world.bring_up_s1()
    turns = world.bells.turns
    for _ in range(1000):
        world.bells.ring(world.daemon.rung)
    world.run(1)
    assert world.bells.turns - turns < 20


def test_a_lasting_storm_of_bells_does_not_keep_the_work_from_being_done(world: World) -> None:
    world.register()

    def ring() -> None:
        if world.time.now < end:
            world.bells.ring(world.daemon.rung)
            world.time.after(0.02, ring)

    end = world.time.now + 3
    ring()
    world.provision_far_ends(MME)
    world.run(2)
    assert world.stack.up == [MME]


def test_the_daemon_is_ready_only_when_it_has_looked(world: World) -> None:
    world.start()
    assert world.supervisor.said == []
    world.run(0.001)
    assert world.supervisor.said == ["ready"]
    assert world.kernel.guards


def test_a_kernel_that_refuses_one_action_does_not_stop_the_others(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds()
    perform = world.kernel.perform
    refused: list[KernelAction] = []

    def refuse_the_first(action: KernelAction) -> None:
        if not refused:
            refused.append(action)
            raise KernelError("xfrm policy add: Cannot allocate memory")
        perform(action)

    monkeypatch.setattr(world.kernel, "perform", refuse_the_first)
    world.register()
    assert isinstance(refused[0], AddGuard)
    assert refused[0].guard in world.kernel.guards


def test_a_box_without_ipsec_registers_and_brings_s1_up_outside(worlds: Worlds) -> None:
    world = worlds(
        EspMode.POLICY,
        settings(ipsec=None, hems=hems(address=HEMS_OUTSIDE, path=HemsPath.DIRECT)),
    )
    world.start()
    world.run(1)
    assert world.informs[0].source == OUTER
    world.provision_far_ends(MME)
    world.run(2)
    assert world.stack.up == [MME]
    assert not world.kernel.guards
    assert not world.charon.connections


def test_connection_requests_are_refused_while_cwmp_is_disabled(world: World) -> None:
    world.register()
    world.provision({paths.ENABLE_CWMP: "false"})
    world.run(1)
    told = len(world.informs)
    world.listener.call()
    world.run(600)
    assert world.listener.answers == [True, False]
    assert len(world.informs) == told


def test_a_new_hems_is_told_of_a_bootstrap(world: World) -> None:
    world.register()
    world.provision({paths.URL: "https://other.example:7548/acs"})
    world.run(1)
    assert world.informs[-1].url == "https://other.example:7548/acs"
    assert world.informs[-1].events == ("0 BOOTSTRAP",)
    assert world.informs[-1].values[paths.INNER_IPV4 + "IPAddress"] == str(INNER)


def test_the_listener_is_at_the_outer_address_where_the_hems_is_outside(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    assert world.listener.address == OUTER
