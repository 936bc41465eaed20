"""What the box does when somebody fails, and when he is back."""

from __future__ import annotations

from itertools import pairwise

import pytest

from henbd.model import paths
from henbd.values import AddGuard, EspMode, Initiate, RemoveGuard, Tell, TerminateIke, Unknown
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import Manner as HemsManner
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.fakes.stack import Manner as MmeManner
from tests.unit.settings import hems, ipsec, s1
from tests.unit.world import (
    ADDRESS,
    CORE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    INNER,
    INNER_2,
    INNER_3,
    MME,
    MME_2,
    SGW,
    World,
    direct_settings,
    lab_settings,
)

# The HeMS.


def test_a_hems_that_refuses_is_tried_at_the_times_of_the_retry_table(world: World) -> None:
    world.hems.manner = HemsManner.REFUSES
    world.start()
    world.run(600)
    at = world.hems.attempts_at
    waits = [later - earlier for earlier, later in pairwise(at)]
    shortest = 5.0
    for number, wait in enumerate(waits):
        assert shortest <= wait - 0.01 * number <= 2 * shortest + 0.1
        shortest *= 2
    assert len(waits) >= 4


def test_retry_count_is_that_of_the_session(world: World) -> None:
    world.hems.manner = HemsManner.REFUSES
    world.start()
    world.run(20)
    attempts = len(world.hems.attempts_at)
    world.hems.manner = HemsManner.ANSWERS
    world.run(60)
    assert world.informs[0].retry_count == attempts
    assert world.daemon.memory.ledger.failures == 0


def test_the_path_coming_up_cuts_the_wait_for_the_hems_short(world: World) -> None:
    world.hems.manner = HemsManner.BUSY
    world.start()
    world.run(100)
    world.hems.manner = HemsManner.ANSWERS
    world.charon.reauthenticate()
    world.run(0.1)
    assert world.informs


def test_without_a_path_nothing_is_tried_and_nothing_counted(world: World) -> None:
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(600)
    assert not world.hems.attempts_at
    assert world.daemon.memory.ledger.failures == 0


def test_what_passes_for_news_to_the_path_alone_does_not_hurry_the_hems(world: World) -> None:
    """Peers of the user plane come and go; each needs guards, and is no news for the HeMS."""
    world.bring_up_s1()
    world.hems.manner = HemsManner.REFUSES
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(1)
    start = len(world.hems.attempts_at)
    for _ in range(30):
        world.stack.user_plane_peers = () if world.stack.user_plane_peers else (SGW,)
        world.stack.rung()
        world.run(2)
    # After 5 to 10 s, 15 to 30, 35 to 70.
    assert len(world.hems.attempts_at) - start <= 3


@pytest.mark.parametrize("manner", [HemsManner.SILENT, HemsManner.REFUSES, HemsManner.BUSY])
def test_s1_does_not_care_for_the_hems(world: World, manner: HemsManner) -> None:
    world.bring_up_s1()
    world.hems.manner = manner
    world.listener.call()
    world.run(300)
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1


# Charon.


def test_a_stopped_charon_changes_nothing(world: World) -> None:
    world.bring_up_s1()
    done, told = len(world.journal.actions), len(world.informs)
    world.charon.stop()
    world.run(600)
    assert isinstance(world.daemon.observed.charon, Unknown)
    world.charon.go_on()
    world.run(60)
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1
    assert world.journal.actions[done:] == []
    assert len(world.informs) == told


def test_a_stopped_charon_changes_no_guard_of_a_box_without_s1(world: World) -> None:
    world.register()
    guards = set(world.kernel.guards)
    world.charon.stop()
    world.run(60)
    assert world.kernel.guards == guards


def test_a_stopped_charon_does_not_hold_up_the_direct_way(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    world.charon.stop()
    world.run(60)
    told = len(world.informs)
    for _ in range(20):
        world.listener.call()
        world.run(5.1)
    assert len(world.informs) == told + 20


def test_guards_stand_at_start_though_charon_is_stopped(worlds: Worlds) -> None:
    for configuration in (lab_settings(), direct_settings()):
        world = worlds(EspMode.POLICY, configuration)
        world.charon.stop()
        world.start()
        world.run(0.01)
        assert world.kernel.fate(OUTER, HEMS) is Fate.BLOCKED, configuration.hems.path


def test_a_periodic_inform_says_periodic_though_charon_was_slow(worlds: Worlds) -> None:
    """The hour strikes while the box waits for charon's answer."""
    world = worlds(EspMode.POLICY, direct_settings())
    world.register()
    world.provision({paths.PERIODIC_INTERVAL: "600"})
    world.run(10)
    told = len(world.informs)
    at = world.daemon.memory.ledger.periodic_at
    assert at is not None
    world.run(at - world.time.now - 1.0)
    world.charon.stop()
    world.kernel.changed()
    world.run(5)
    assert [inform.events for inform in world.informs[told:]] == [("2 PERIODIC",)]


def test_a_charon_that_was_killed_gets_everything_back(world: World) -> None:
    world.bring_up_s1()
    world.charon.kill()
    world.run(1)
    world.charon.restart()
    world.run(8)
    assert world.stack.up == [MME]
    assert world.informs[-1].values.get(paths.OP_STATE) in (None, "true")
    assert world.values[paths.OP_STATE] == "true"


def test_a_charon_that_was_killed_and_gets_another_address(world: World) -> None:
    world.bring_up_s1()
    world.charon.kill()
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.run(1)
    world.charon.restart()
    world.run(10)
    assert world.stack.up == [MME]
    assert world.stack.associations[0].link.local == INNER_3
    assert world.hems.informs[-1].source == INNER_3


def test_a_dead_charon_leaves_guards_that_hold(world: World) -> None:
    world.bring_up_s1()
    world.charon.kill()
    world.run(600)
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED
    assert world.kernel.fate(OUTER, HEMS) is Fate.BLOCKED
    assert world.kernel.fate(INNER, MME) is not Fate.CLEAR


def test_what_somebody_unloaded_is_loaded_again_by_the_audit(world: World) -> None:
    world.register()
    world.charon.forget()
    assert world.settings.ipsec is not None
    world.run(world.settings.ipsec.audit_s + 1)
    assert world.charon.connections
    assert world.charon.secrets
    assert len(world.charon.sas) == 1


# Gateways.


def test_the_next_gateway_has_its_turn_when_one_is_dead(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.start()
    world.run(15)
    assert world.informs[0].source == INNER_2


def test_a_slow_gateway_is_given_its_time_though_the_first_may_be_tried_again(
    world: World,
) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.gateways[GATEWAY_2].takes_s = 4.0
    world.start()
    world.run(11 + 4 + 3)
    assert len(world.gateways[GATEWAY_2].asked_at) == 1
    assert world.informs
    assert world.informs[0].source == INNER_2


def test_a_gateway_that_works_is_kept_though_a_better_one_is_back(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.start()
    world.run(15)
    world.gateways[GATEWAY].manner = Manner.GRANTS
    world.run(600)
    assert len(world.informs) == 1


@pytest.mark.parametrize("manner", [Manner.REFUSES, Manner.ADDRESSLESS, Manner.CHILDLESS])
def test_a_gateway_that_gives_nothing_is_left_alone_for_longer_and_longer(
    worlds: Worlds, manner: Manner
) -> None:
    world = worlds(
        EspMode.POLICY, lab_settings(ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,)))
    )
    world.gateways[GATEWAY].manner = manner
    world.start()
    world.run(600)
    assert 8 <= len(world.done(Initiate)) <= 25
    world.gateways[GATEWAY].manner = Manner.GRANTS
    world.run(95)
    assert world.informs


def test_a_gateway_that_takes_back_what_it_grants_is_not_hammered(worlds: Worlds) -> None:
    world = worlds(
        EspMode.POLICY, lab_settings(ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,)))
    )
    world.gateways[GATEWAY].manner = Manner.FICKLE
    world.start()
    world.run(60)
    assert len(world.gateways[GATEWAY].asked_at) <= 60


def test_all_gateways_dead_and_one_back(world: World) -> None:
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(3600)
    world.gateways[GATEWAY_2].manner = Manner.GRANTS
    world.run(95)
    assert world.informs


def test_an_address_that_somebody_took_away_is_fetched_again(world: World) -> None:
    world.bring_up_s1()
    world.kernel.seize_address(INNER)
    world.run(5)
    assert world.done(TerminateIke)
    assert world.kernel.has(INNER)
    assert world.stack.up == [MME]


def test_a_child_that_the_gateway_deletes_is_negotiated_again(world: World) -> None:
    world.bring_up_s1()
    told = len(world.informs)
    world.charon.lose_children()
    world.run(2)
    assert world.stack.up == [MME]
    assert len(world.charon.sas) == 1
    assert len(world.informs) == told


# S1.


def test_time_to_wait_is_obeyed_and_the_next_far_end_has_its_turn(world: World) -> None:
    world.mmes[MME].manner = MmeManner.REFUSES
    world.mmes[MME].time_to_wait_s = 60
    world.register()
    world.provision_far_ends(MME, MME_2)
    world.run(5)
    assert world.stack.up == [MME_2]
    world.run(300)
    assert len(world.mmes[MME].setups_at) == 1


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


# The kernel.


def test_without_guards_no_tunnel_is_negotiated(world: World) -> None:
    world.kernel.guards_allowed = False
    world.start()
    world.run(600)
    assert not world.done(Initiate)
    assert len(world.done(AddGuard)) < 600
    world.kernel.guards_allowed = True
    world.run(35)
    assert world.informs


def test_a_kernel_that_could_not_be_read_once_is_read_again_soon(world: World) -> None:
    """5.2.4 wants the new address told as soon as possible; no other bell rings after this one."""
    world.register()
    world.gateways[GATEWAY].lease = (INNER_3,)
    world.charon.reauthenticate()
    world.run(0.009)
    world.kernel.readable = False
    world.run(0.02)
    world.kernel.readable = True
    world.run(5)
    assert world.informs[-1].values[ADDRESS] == str(INNER_3)


def test_a_kernel_that_cannot_be_read_gets_no_action_and_no_report(world: World) -> None:
    world.bring_up_s1()
    done, address_row = len(world.journal.actions), paths.INNER_IPV4
    world.kernel.readable = False
    world.charon.lose()
    world.run(120)
    assert len(world.journal.actions) == done
    assert world.values[address_row + "Status"] == "Enabled"
    assert world.values[paths.INTERFACE + "Status"] == "Up"
    world.kernel.readable = True
    world.run(120)
    assert world.stack.up == [MME]


def test_guards_that_somebody_removed_are_put_back_by_the_audit(world: World) -> None:
    world.register()
    guards = set(world.kernel.guards)
    world.kernel.guards.clear()
    assert world.settings.ipsec is not None
    world.run(world.settings.ipsec.audit_s + 1)
    assert world.kernel.guards == guards


# The name server.


def test_names_that_could_not_be_looked_up_at_boot_are_asked_again(world: World) -> None:
    world.settings = lab_settings(
        ipsec=ipsec(gateways=("segw.example",), networks=(CORE,)),
        hems=hems(address=HEMS),
    )
    world.zone.hosts = {"segw.example": (GATEWAY,)}
    world.zone.fails = True
    world.start()
    world.run(60)
    world.zone.fails = False
    world.run(120)
    assert world.informs


def test_a_name_server_that_fails_at_a_restart_ends_no_working_tunnel(world: World) -> None:
    world.settings = lab_settings(
        ipsec=ipsec(gateways=("segw.example",), networks=(CORE,)), hems=hems(address=HEMS)
    )
    world.zone.hosts = {"segw.example": (GATEWAY,)}
    world.bring_up_s1()
    sas = set(world.charon.sas)
    world.zone.fails = True
    world.restart()
    world.run(120)
    assert set(world.charon.sas) == sas
    assert world.stack.up == [MME]


def test_a_name_server_that_fails_at_a_restart_ends_no_working_s1(world: World) -> None:
    world.zone.hosts = {"mme.example": (MME,)}
    world.register()
    world.provision({paths.S1_SERVERS: "mme.example"})
    world.run(2)
    assert world.stack.up == [MME]
    world.zone.fails = True
    world.restart()
    world.run(120)
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1


def test_names_are_waited_for_without_touching_anything(world: World) -> None:
    world.zone.hosts = {"mme.example": (MME,)}
    world.register()
    world.provision({paths.S1_SERVERS: "mme.example"})
    world.run(2)
    done = len(world.journal.actions)
    world.zone.answers = False
    world.restart()
    world.run(60)
    assert world.journal.actions[done:] == []
    assert world.stack.up == [MME]
    world.zone.answers = True
    world.run(5)
    assert world.stack.up == [MME]
