"""What the box does while kernel or name server fail, and when they are back."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from henbd.actions import AddGuard, AddInterface, Initiate
from henbd.control.guard import host
from henbd.model import paths
from henbd.values import Device, EspMode
from henbd.waits import waits
from tests.unit.conftest import Worlds
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.settings import hems, ipsec
from tests.unit.world import (
    ADDRESS,
    CORE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    INNER_3,
    MME,
    MME_2,
    World,
    lab_settings,
)

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


def test_interface_of_others_of_the_name_is_told_of_and_not_asked_for_without_end(
    worlds: Worlds, caplog: pytest.LogCaptureFixture
) -> None:
    own = ipsec(gateways=(str(GATEWAY),), networks=(CORE,), interface="henbd0")
    world = worlds(EspMode.POLICY, lab_settings(ipsec=own))
    world.kernel.devices[9] = Device(9, "henbd0", up=True, loopback=False, carries_tunnel=False)
    world.start()
    world.run(600)
    assert not world.done(Initiate)
    assert len(world.done(AddInterface)) < 30
    assert "interface henbd0: File exists" in caplog.text
    assert "the name henbd0: an interface of somebody else bears it" in {
        wait.what for wait in waits(world.daemon)
    }
    world.kernel.remove_device(9)
    world.run(35)
    assert world.informs


def test_what_is_guarded_is_kept_for_the_next_boot_before_anybody_relies_on_it(
    world: World,
) -> None:
    world.bring_up_s1()
    assert world.guard_file.kept == {CORE, host(MME)}
    world.provision_far_ends(MME_2)
    world.run(5)
    assert world.guard_file.kept == {CORE, host(MME_2)}
    tried = world.guard_file.tried
    world.run(3600)
    assert world.guard_file.tried == tried


def test_a_full_flash_is_not_worn_out_by_the_guards_for_the_next_boot(world: World) -> None:
    world.guard_file.full = True
    world.bring_up_s1()
    world.run(600)
    assert world.guard_file.tried <= 12
    world.guard_file.full = False
    world.run(125)
    assert world.guard_file.kept == {CORE, host(MME)}


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


def test_a_name_server_that_turns_its_answers_round_moves_nothing(world: World) -> None:
    """A name with several addresses has them in another order each time (round robin)."""
    world.settings = lab_settings(
        ipsec=ipsec(gateways=("segw.example",), networks=(CORE,)), hems=hems(address=HEMS)
    )
    world.zone.hosts = {"segw.example": (GATEWAY, GATEWAY_2), "mme.example": (MME, MME_2)}
    world.register()
    world.provision({paths.S1_SERVERS: "mme.example"})
    world.run(2)
    assert world.stack.up == [MME]
    done, sas = len(world.journal.actions), set(world.charon.sas)
    world.zone.hosts = {name: found[::-1] for name, found in world.zone.hosts.items()}
    world.listener.call()
    world.run(5)
    assert set(world.charon.sas) == sas
    assert world.stack.up == [MME]
    assert world.journal.actions[done:] == []


# Names that go on being asked for.


def named(world: World) -> None:
    """Have S1 up with a far end of a name."""
    world.zone.hosts["mme.example"] = (MME,)
    world.bring_up_s1(MME)
    world.provision({paths.S1_SERVERS: "mme.example"})
    world.run(5)
    assert world.stack.up == [MME]


def test_a_name_is_looked_up_again_every_resolve_s(world: World) -> None:
    named(world)
    asked = len(world.zone.asked)
    world.run(10 * world.settings.s1.resolve_s)
    assert 9 <= len(world.zone.asked) - asked <= 11


def test_a_name_that_moves_is_followed_new_before_old(world: World) -> None:
    named(world)
    world.zone.hosts["mme.example"] = (MME_2,)
    world.run(world.settings.s1.resolve_s + 5)
    assert world.stack.up == [MME_2]


def test_a_name_that_stops_resolving_keeps_its_last_addresses(world: World) -> None:
    named(world)
    told = len(world.journal.actions)
    world.zone.hosts.clear()
    world.run(3 * world.settings.s1.resolve_s)
    assert world.stack.up == [MME]
    assert len(world.journal.actions) == told


def test_a_name_with_several_addresses_has_all_of_them_guarded(world: World) -> None:
    world.zone.hosts["mme.example"] = (MME, MME_2)
    world.register()
    world.provision({paths.S1_SERVERS: "mme.example"})
    world.run(5)
    assert world.stack.up == [MME]
    assert world.kernel.fate(OUTER, MME_2) is Fate.BLOCKED


def test_a_box_of_addresses_alone_asks_nobody(world: World) -> None:
    world.bring_up_s1()
    world.run(3600)
    assert not world.zone.asked


# The clock.


def test_a_clock_that_was_never_set_is_told(world: World) -> None:
    world.time.wall_at_start = datetime(1970, 1, 1, tzinfo=UTC)
    world.bring_up_s1()
    assert any("the clock to be set" in wait.what for wait in waits(world.daemon))
    world.time.wall_at_start = datetime(2026, 6, 1, tzinfo=UTC)
    assert not any("the clock" in wait.what for wait in waits(world.daemon))
