"""What the box does while gateways fail, refuse, or take back what they grant."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from henbd.actions import Initiate, Tell, TerminateChild, TerminateIke
from henbd.control.course import LOST_S
from henbd.control.gateways import HEAD_START_S
from henbd.control.guard import host
from henbd.cwmp.events import SECURITY_GATEWAY_REQUIRED
from henbd.model import paths
from henbd.settings import FailurePath, Settings
from henbd.status import status
from henbd.values import Address, EspMode
from henbd.waits import waits
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.fakes.hems import set_values
from tests.unit.fakes.kernel import OUTER, Fate
from tests.unit.settings import hems, ipsec
from tests.unit.world import (
    ADDRESS,
    CORE,
    GATEWAY,
    GATEWAY_2,
    HEMS,
    HEMS_OUTSIDE,
    INNER,
    INNER_2,
    MME,
    MME_2,
    World,
    lab_settings,
)

# An address at which nobody answers.
NOBODY_S = ip_address("192.0.2.200")


def test_the_next_gateway_has_its_turn_when_one_is_dead(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.start()
    world.run(15)
    assert world.informs[0].source == INNER_2


def test_the_next_gateway_is_started_while_the_first_is_still_being_tried(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.SILENT
    world.start()
    world.run(6)
    assert world.informs[0].source == INNER_2
    assert world.informs[0].at - world.gateways[GATEWAY].asked_at[0] < HEAD_START_S + 0.5
    world.run(60)
    assert {sa.gateway.address for sa in world.charon.sas.values()} == {GATEWAY_2}


def test_a_first_gateway_that_is_only_slow_is_used_all_the_same(world: World) -> None:
    world.gateways[GATEWAY].takes_s = HEAD_START_S + 1
    world.gateways[GATEWAY_2].manner = Manner.SILENT
    world.start()
    world.run(HEAD_START_S + 2)
    assert world.informs[0].source == INNER
    world.run(60)
    assert {sa.gateway.address for sa in world.charon.sas.values()} == {GATEWAY}


def test_a_way_out_that_comes_up_late_is_used_at_once(world: World) -> None:
    """What failed without it says nothing of the gateways, and is no event for the HeMS."""
    (route,) = +world.kernel.routes
    del world.kernel.routes[route]
    world.start()
    world.run(600)
    world.kernel.routes[route] = 1
    world.kernel.changed()
    world.run(12)
    assert world.informs
    assert SECURITY_GATEWAY_REQUIRED.code not in world.informs[0].events


# A list of the HeMS that does not work.


def provision_gateway(world: World, gateway: Address) -> None:
    """Have the HeMS set one gateway, in place of all that there were."""
    first, *others = paths.SECURITY_GATEWAYS
    world.provision({first: str(gateway), **dict.fromkeys(others, "")})


@pytest.mark.conformance("C078")
def test_a_list_that_does_not_work_disturbs_nothing_and_is_told_and_retried(
    world: World,
) -> None:
    world.bring_up_s1()
    provision_gateway(world, NOBODY_S)
    world.run(1)
    told = len(world.informs)
    trial_s, retry_s = 180, 3600
    world.run(trial_s - 10)
    assert world.stack.up == [MME]
    assert not events_since(world, told)
    world.run(20)
    assert events_since(world, told) == {SECURITY_GATEWAY_REQUIRED.code}
    assert world.values[paths.SECURITY_GATEWAYS[0]] == str(NOBODY_S)
    (told_of,) = [wait for wait in waits(world.daemon) if str(NOBODY_S) in wait.what]
    assert str(GATEWAY) in told_of.what
    assert told_of.in_s is not None
    assert retry_s - 60 < told_of.in_s <= retry_s
    since = len(world.journal.actions)
    world.run(retry_s - 60)
    assert not world.done(Initiate, since)
    world.run(120)
    assert world.done(Initiate, since)
    assert world.stack.up == [MME]
    assert not world.done(Tell, since)


def test_after_a_reboot_the_last_good_list_is_still_known(world: World) -> None:
    world.bring_up_s1()
    provision_gateway(world, NOBODY_S)
    world.run(2)
    world.power_cycle("boot-2")
    told = len(world.informs)
    world.run(180 - 2)
    assert len(world.informs) == told
    world.run(10)
    assert {"1 BOOT", SECURITY_GATEWAY_REQUIRED.code} <= events_since(world, told)


@pytest.mark.conformance("C168")
def test_a_list_that_works_replaces_the_old_one_new_before_old(world: World) -> None:
    world.bring_up_s1()
    provision_gateway(world, GATEWAY_2)
    world.run(3)
    assert {sa.gateway.address for sa in world.charon.sas.values()} == {GATEWAY_2}
    assert world.values[ADDRESS] == str(INNER_2)
    assert world.daemon.memory.state.gateways == (str(GATEWAY_2),)


# Algorithms that the HeMS allows and the gateway does not.

IKE, OTHER_IKE = "aes128gcm16-prfsha256-ecp256", "aes256gcm16-prfsha384-ecp384"
ESP, OTHER_ESP = "aes128gcm16-ecp256", "aes128-sha256-ecp256"
CHOICES = pytest.mark.parametrize(
    "choice", [{paths.IKE_GROUPS: "ECP-384"}, {paths.ESP_ENCRYPTION: "AES-CBC"}], ids=["IKE", "ESP"]
)


def choosy(worlds: Worlds) -> World:
    """Return a box with two sets of algorithms, and gateways that know one of them."""
    own = ipsec(
        gateways=(str(GATEWAY), str(GATEWAY_2)),
        networks=(CORE,),
        proposals=(IKE, OTHER_IKE),
        esp_proposals=(ESP, OTHER_ESP),
    )
    world = worlds(EspMode.POLICY, lab_settings(ipsec=own))
    for gateway in world.gateways.values():
        gateway.accepts = frozenset({IKE, ESP})
    return world


@CHOICES
def test_algorithms_that_no_gateway_accepts_disturb_nothing_and_are_told_and_retried(
    worlds: Worlds, choice: dict[str, str]
) -> None:
    world = choosy(worlds)
    world.bring_up_s1()
    world.provision(choice)
    world.run(1)
    told, since = len(world.informs), len(world.journal.actions)
    world.run(200)
    assert world.stack.up == [MME]
    assert not world.done(Tell, since)
    assert world.done(Initiate, since)
    assert SECURITY_GATEWAY_REQUIRED.code in events_since(world, told)
    text = "the HeMS's choice of algorithms to work; the former one is used until then"
    assert text in {wait.what for wait in waits(world.daemon)}
    since = len(world.journal.actions)
    world.run(3600 - 300)
    assert not world.done(Initiate, since)
    for gateway in world.gateways.values():
        gateway.accepts = frozenset({OTHER_IKE, OTHER_ESP, IKE, ESP})
    world.run(400)
    assert world.done(Initiate, since)
    assert world.stack.up == [MME]
    assert text not in {wait.what for wait in waits(world.daemon)}


@CHOICES
def test_algorithms_that_no_gateway_accepts_do_not_cost_the_box(
    worlds: Worlds, choice: dict[str, str]
) -> None:
    """The next IKE_SA, or the next boot, would not come up any more."""
    world = choosy(worlds)
    world.bring_up_s1()
    world.provision(choice)
    world.run(1)
    world.charon.lose()
    world.run(180 + 90)
    assert world.stack.up == [MME]
    world.power_cycle("boot-2")
    told = len(world.informs)
    world.run(180 + 90)
    assert "1 BOOT" in events_since(world, told)


@CHOICES
def test_algorithms_that_work_outlive_gateways_that_do_not(
    worlds: Worlds, choice: dict[str, str]
) -> None:
    world = choosy(worlds)
    world.gateways[GATEWAY].accepts = world.gateways[GATEWAY_2].accepts = None
    world.bring_up_s1()
    world.provision(choice)
    world.run(5)
    ((name, _),) = [(sa.connection, sa) for sa in world.charon.sas.values()]
    provision_gateway(world, NOBODY_S)
    world.run(400)
    assert {sa.connection for sa in world.charon.sas.values()} == {name}
    assert world.stack.up == [MME]


# None can be had.


@pytest.mark.conformance("C078")
def test_that_none_can_be_had_is_kept_until_it_is_told(world: World) -> None:
    world.register()
    told = len(world.informs)
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(60)
    assert [SECURITY_GATEWAY_REQUIRED.code, ""] in world.store.document["events"]
    world.power_cycle("boot-2")
    world.run(60)
    for gateway in world.gateways.values():
        gateway.manner = Manner.GRANTS
    world.run(130)
    assert SECURITY_GATEWAY_REQUIRED.code in events_since(world, told)
    told = len(world.informs)
    world.run(600)
    assert not events_since(world, told)
    assert not world.store.document["events"]


@pytest.mark.conformance("C078")
def test_that_none_could_be_had_is_told_with_the_bootstrap(world: World) -> None:
    """The HeMS gave the box none yet, but its first ones are as good as set by it."""
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(60)
    assert [SECURITY_GATEWAY_REQUIRED.code, ""] in world.store.document["events"]
    for gateway in world.gateways.values():
        gateway.manner = Manner.GRANTS
    world.run(130)
    told = ("0 BOOTSTRAP", "1 BOOT", SECURITY_GATEWAY_REQUIRED.code)
    assert [inform.events for inform in world.informs][:1] == [told]
    world.run(600)
    assert not events_since(world, 1) & set(told)


def events_since(world: World, number: int) -> set[str]:
    """Return the codes of the events that the HeMS has been told since so many Informs."""
    return {code for informed in world.informs[number:] for code in informed.events}


def outside(**changes: object) -> Settings:
    """Return the configuration of a box that may call the HeMS outside the tunnel in need."""
    return lab_settings(
        hems=hems(address=HEMS_OUTSIDE, path_on_gateway_failure=FailurePath.DIRECT, **changes)
    )


def test_in_need_the_hems_is_told_outside_and_inside_again_when_a_gateway_is_back(
    worlds: Worlds,
) -> None:
    world = worlds(EspMode.POLICY, outside())
    world.bring_up_s1()
    told = len(world.informs)
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(60)
    assert world.informs[-1].source == OUTER
    assert SECURITY_GATEWAY_REQUIRED.code in events_since(world, told)
    for gateway in world.gateways.values():
        gateway.manner = Manner.GRANTS
    world.run(130)
    assert world.informs[-1].source in (INNER, INNER_2)
    assert world.kernel.fate(OUTER, HEMS_OUTSIDE) is Fate.BLOCKED


@pytest.mark.conformance("C007", "C078")
def test_a_new_hems_is_told_that_none_can_be_had_still(worlds: Worlds) -> None:
    """The former knows; what it was not told is discarded, what is the case is not."""
    world = worlds(EspMode.POLICY, outside())
    world.bring_up_s1()
    new = world.values[paths.URL] + "new"
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.charon.lose()
    world.run(60)
    world.provision({paths.URL: new})
    world.run(5)
    number, first = next(it for it in enumerate(world.informs) if it[1].url == new)
    assert first.events == ("0 BOOTSTRAP", SECURITY_GATEWAY_REQUIRED.code)
    world.run(3600)
    assert SECURITY_GATEWAY_REQUIRED.code not in events_since(world, number + 1)


@pytest.mark.conformance("C169")
def test_while_no_gateway_is_set_the_hems_is_reached_outside_and_sets_one(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, without_gateways("https://hems.example:7548/acs"))
    world.start()
    world.run(5)
    assert [inform.source for inform in world.informs] == [OUTER]
    provision_gateway(world, GATEWAY)
    world.run(10)
    assert world.daemon.witness.tunnel.up
    assert world.kernel.fate(OUTER, HEMS_OUTSIDE) is Fate.BLOCKED
    told = len(world.informs)
    world.listener.call()
    world.run(2)
    assert [inform.source for inform in world.informs[told:]] == [INNER]


@pytest.mark.conformance("C169")
def test_while_no_gateway_is_set_nothing_is_said_in_the_clear(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, without_gateways("http://hems.example/acs"))
    world.start()
    world.run(60)
    assert not world.informs


def without_gateways(url: str) -> Settings:
    return lab_settings(
        hems=hems(address=HEMS_OUTSIDE, url=url), ipsec=ipsec(gateways=(), networks=(CORE,))
    )


@pytest.mark.parametrize("mode", list(EspMode))
@pytest.mark.parametrize("charon", [True, False], ids=["gateways are dead", "charon is dead"])
@pytest.mark.parametrize("stack", ["works", "is not there", "hangs"])
def test_in_need_the_hems_is_told_whatever_else_is_broken(
    worlds: Worlds, mode: EspMode, stack: str, charon: bool
) -> None:
    world = worlds(mode, outside())
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    if not charon:
        world.charon.kill()
    world.stack.connected = stack != "is not there"
    world.stack.acknowledges = stack != "hangs"
    world.start()
    world.run(60)
    assert {informed.source for informed in world.informs} == {OUTER}
    told = SECURITY_GATEWAY_REQUIRED.code in events_since(world, 0)
    assert told is charon, "that charon is dead is no reason to ask for other gateways"
    assert world.kernel.fate(OUTER, MME) is not Fate.INSIDE
    for gateway in world.gateways.values():
        gateway.manner = Manner.GRANTS
    if not charon:
        world.charon.restart()
    world.run(130)
    assert world.kernel.fate(OUTER, HEMS_OUTSIDE) is Fate.BLOCKED
    assert world.daemon.witness.tunnel.up


@pytest.mark.parametrize("charon", [True, False], ids=["gateways are dead", "charon is dead"])
@pytest.mark.parametrize("stack", ["is lost", "hangs"])
def test_in_need_the_hems_is_told_though_the_stack_does_not_give_its_word(
    worlds: Worlds, stack: str, charon: bool
) -> None:
    """The guards of S1 stay, for nobody knows what it does; those of the HeMS alone go."""
    world = worlds(EspMode.POLICY, outside())
    world.bring_up_s1()
    told = len(world.informs)
    if stack == "hangs":
        world.stack.acknowledges = False
    else:
        world.stack.vanish()
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    if charon:
        world.charon.lose()
    else:
        world.charon.kill()
    world.run(120)
    world.listener.call()
    world.run(120)
    assert OUTER in {informed.source for informed in world.informs[told:]}
    assert world.kernel.fate(OUTER, MME) is Fate.BLOCKED
    assert world.kernel.fate(OUTER, HEMS_OUTSIDE) is Fate.CLEAR


@pytest.mark.parametrize(
    "configuration",
    [
        lab_settings(hems=hems(address=HEMS_OUTSIDE)),
        outside(url="http://hems.example/acs"),
        # It lies in the networks of the core, which stay guarded.
        lab_settings(hems=hems(address=HEMS, path_on_gateway_failure=FailurePath.DIRECT)),
    ],
    ids=["not configured", "no https", "in the core"],
)
def test_in_need_too_the_hems_is_not_called_in_the_clear(
    worlds: Worlds, configuration: Settings
) -> None:
    world = worlds(EspMode.POLICY, configuration)
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(120)
    assert not world.informs
    assert not world.hems.attempts_at


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


@pytest.mark.parametrize("takes_s", [0.02, 0.7, 3.0])
@pytest.mark.parametrize("fickle", [True, False], ids=["deletes it", "its address goes nowhere"])
def test_a_gateway_that_takes_back_what_it_grants_is_not_hammered(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch, takes_s: float, *, fickle: bool
) -> None:
    world = worlds(
        EspMode.POLICY, lab_settings(ipsec=ipsec(gateways=(str(GATEWAY),), networks=(CORE,)))
    )
    world.gateways[GATEWAY].takes_s = takes_s
    if fickle:
        world.gateways[GATEWAY].manner = Manner.FICKLE
    else:
        monkeypatch.setattr(world.charon.esp, "grant", lambda _inner: None)
    world.start()
    world.run(300)
    before = len(world.gateways[GATEWAY].asked_at)
    assert before <= 20
    world.run(300)
    assert len(world.gateways[GATEWAY].asked_at) - before <= 11


def test_all_gateways_dead_and_one_back(world: World) -> None:
    for gateway in world.gateways.values():
        gateway.manner = Manner.SILENT
    world.start()
    world.run(3600)
    world.gateways[GATEWAY_2].manner = Manner.GRANTS
    # A minute and a half at most it is left alone, and the other one may be being tried then.
    world.run(120)
    assert world.informs


def test_an_address_that_somebody_took_away_is_fetched_again(world: World) -> None:
    world.bring_up_s1()
    world.kernel.seize_address(INNER)
    world.run(5)
    assert world.done(TerminateIke)
    assert world.kernel.has(INNER)
    assert world.stack.up == [MME]


def test_an_address_that_goes_while_a_child_is_negotiated_is_no_fault_of_the_gateway(
    world: World,
) -> None:
    """charon cannot install the child without it; S1 is held until the address is back."""
    world.bring_up_s1()
    quiesced = world.done(Tell).count(Tell(None))
    world.provision_far_ends(MME, MME_2)
    while len(world.done(Initiate)) < 3:
        world.run(0.0001)
    world.kernel.seize_address(INNER)
    world.run(5)
    assert world.stack.up == [MME]
    assert world.done(Tell).count(Tell(None)) == quiesced
    assert not world.daemon.witness.course.gateways.trials.failures
    assert SECURITY_GATEWAY_REQUIRED.code not in events_since(world, 0)


def test_of_two_ike_sas_the_younger_is_kept_for_the_gateway_knows_no_other(world: World) -> None:
    world.bring_up_s1()
    world.provision_far_ends(MME, MME_2)
    while len(world.done(Initiate)) < 3:
        world.run(0.0001)
    world.charon.collide()
    older, younger = world.charon.sas
    world.run(1)
    assert list(world.charon.sas) == [younger]
    assert world.done(TerminateIke) == [TerminateIke(older)]
    world.run(60)
    assert world.stack.up == [MME]


def test_a_child_whose_policies_somebody_flushed_is_replaced_and_s1_held(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY)
    world.bring_up_s1()
    since, told = len(world.journal.actions), len(world.informs)
    world.kernel.policies.clear()
    world.kernel.changed()
    world.run(LOST_S / 2)
    assert not world.done(TerminateChild, since)
    world.run(LOST_S)
    assert world.kernel.fate(INNER, MME) is Fate.INSIDE
    assert len(world.done(Initiate, since)) == 1
    assert not world.done(TerminateIke, since)
    world.run(60)
    assert world.stack.up == [MME]
    assert len(world.mmes[MME].setups_at) == 1
    assert len(world.informs) == told


@pytest.mark.parametrize("seen_before", [False, True])
def test_policies_that_cannot_be_seen_are_believed_to_be_there(
    worlds: Worlds, *, seen_before: bool
) -> None:
    """Once they were there to be seen the child is replaced a few times, and then in peace."""
    world = worlds(EspMode.POLICY)
    world.kernel.hides_policies = not seen_before
    world.bring_up_s1()
    world.kernel.hides_policies = True
    since = len(world.journal.actions)
    world.kernel.changed()
    world.run(600)
    replaced = len(world.done(TerminateChild, since))
    assert (1 <= replaced <= 6) if seen_before else not replaced
    assert world.stack.up == [MME]
    assert f"a policy of charon's for {INNER}" in str(list(waits(world.daemon)))


def test_a_child_that_the_gateway_deletes_is_negotiated_again(world: World) -> None:
    world.bring_up_s1()
    told = len(world.informs)
    world.charon.lose_children()
    world.run(2)
    assert world.stack.up == [MME]
    assert len(world.charon.sas) == 1
    assert len(world.informs) == told


# Gateways that do not grant a child as it was asked for.


@pytest.mark.parametrize("manner", [Manner.ONE_CHILD, Manner.NARROWS])
def test_a_gateway_that_grants_no_second_child_as_asked_has_the_first_replaced(
    world: World, manner: Manner
) -> None:
    """Under the guards: the world watches that nothing of S1 can leave meanwhile."""
    world.bring_up_s1()
    world.gateways[GATEWAY].manner = manner
    told = len(world.informs)
    world.provision_far_ends(MME_2)
    world.run(5)
    assert world.stack.up == [MME_2]
    assert status(world.daemon)["tunnel"]["one_child"] is (manner is Manner.ONE_CHILD)
    ((child,),) = [list(sa.children.values()) for sa in world.charon.sas.values()]
    assert set(child.networks) == {CORE, host(MME_2)}
    assert {sa.gateway.address for sa in world.charon.sas.values()} == {GATEWAY}
    assert all(informed.source == INNER for informed in world.informs[told:])


def test_a_child_that_takes_the_place_of_another_is_asked_for_at_once(world: World) -> None:
    """The box is without any for a round trip, not for the pause of what was refused beside it."""
    world.bring_up_s1()
    world.gateways[GATEWAY].manner = Manner.ONE_CHILD
    world.provision_far_ends(MME_2)
    while not world.done(TerminateChild):
        world.run(0.001)
    world.run(0.1)
    assert [len(sa.children) for sa in world.charon.sas.values()] == [1]


def test_a_gateway_that_refuses_the_new_child_alone_leaves_the_hems_its_way(world: World) -> None:
    world.bring_up_s1()
    world.gateways[GATEWAY].manner = Manner.STRICT
    world.gateways[GATEWAY].reaches = (CORE, host(MME))
    world.provision_far_ends(MME_2)
    world.run(5)
    assert f"grant a child to {CORE}, {host(MME_2)}" in str(list(waits(world.daemon)))
    ((child,),) = [list(sa.children.values()) for sa in world.charon.sas.values()]
    assert child.networks == (CORE,)
    world.run(3600)
    assert world.stack.up == []
    # It is asked for again, ever later: beside the other, alone, and the other is had back.
    assert 3 * 7 <= len(world.done(Initiate)) <= 3 * 11
    world.provision_far_ends(MME)
    world.run(30)
    assert world.stack.up == [MME]


def test_a_child_that_is_refused_for_a_while_is_had_soon_after(world: World) -> None:
    world.gateways[GATEWAY].manner = Manner.STRICT
    world.gateways[GATEWAY].reaches = (CORE,)
    world.hems.will_ask(set_values({paths.S1_SERVERS: str(MME)}))
    world.start()
    world.run(40)
    assert world.stack.up == []
    world.gateways[GATEWAY].manner = Manner.GRANTS
    world.gateways[GATEWAY].reaches = None
    world.run(60)
    assert world.stack.up == [MME]
    assert not world.daemon.witness.course.gateways.refused


def test_a_gateway_that_leads_to_less_than_was_asked_is_told_of_and_left_in_peace(
    world: World,
) -> None:
    world.bring_up_s1()
    world.gateways[GATEWAY].reaches = (CORE, host(MME))
    world.provision_far_ends(MME_2)
    world.run(5)
    assert f"let us reach {host(MME_2)}" in str(list(waits(world.daemon)))
    since = len(world.journal.actions)
    world.run(300)
    assert not world.done(Initiate, since)
    assert world.stack.up == []
    world.provision_far_ends(MME)
    world.run(5)
    assert world.stack.up == [MME]
