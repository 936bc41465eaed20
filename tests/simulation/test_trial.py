"""A HeMS of a new URL: registered with, or left for the last good one and tried again."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from henbd.cwmp.events import FAP_GATEWAY_REQUIRED, SECURITY_GATEWAY_REQUIRED
from henbd.cwmp.ledger import with_event
from henbd.cwmp.structs import Event
from henbd.cwmp.trial import AGAIN_S
from henbd.model import paths
from henbd.operator import answer
from henbd.settings import HemsPath
from henbd.status import status
from henbd.system.local_socket import Caller
from henbd.values import Address
from tests.unit.fakes.hems import Manner, command, set_values
from tests.unit.settings import hems
from tests.unit.world import CORE, HEMS, HEMS_OUTSIDE, World, lab_settings

NEW = "https://10.30.0.3:7548/new"
ACCOUNT = {paths.URL: NEW, paths.USERNAME: "new", paths.PASSWORD: "another password"}


def sent_to(world: World, *, dead: bool) -> str:
    """Have a registered box sent to another HeMS; return the URL of the first one."""
    world.register()
    first = world.values[paths.URL]
    if dead:
        world.hems.dead.add(NEW)
    world.provision(ACCOUNT)
    world.run(2)
    return first


def urls(world: World, since: int = 0) -> list[str]:
    return [inform.url for inform in world.informs[since:]]


def waits(world: World) -> str:
    return json.dumps(status(world.daemon)["waiting_for"])


@pytest.mark.conformance("C007", "C064", "C055")
def test_new_hems_gets_a_bootstrap_after_the_session(world: World) -> None:
    first = sent_to(world, dead=False)
    assert urls(world) == [first, first, NEW]
    assert world.informs[-1].events == ("0 BOOTSTRAP",)
    assert (world.hems.endpoints[-1].username, world.hems.endpoints[-1].password) == (
        "new",
        "another password",
    )
    world.run(2 * AGAIN_S)
    assert first not in urls(world, 2)


@pytest.mark.conformance("C007", "C078")
def test_new_hems_is_not_told_what_its_predecessor_missed_but_what_came_since(
    world: World,
) -> None:
    world.register()
    world.hems.dead |= {world.values[paths.URL], NEW}
    happens(world, FAP_GATEWAY_REQUIRED)
    request = {"command": "set", "values": ACCOUNT}
    root = Caller(pid=4711, uid=0, groups=frozenset())
    world.bells.ring(lambda: answer(world.daemon, request, root))
    world.run(2)
    happens(world, SECURITY_GATEWAY_REQUIRED)
    world.run(2)
    world.power_cycle("boot-2")
    world.hems.dead.clear()
    world.run(60)
    told = [inform.events for inform in world.informs if inform.url == NEW]
    assert told[:1] == [("0 BOOTSTRAP", "1 BOOT", SECURITY_GATEWAY_REQUIRED.code)]


@pytest.mark.conformance("C007", "C073")
@pytest.mark.parametrize("dead", [False, True])
def test_what_a_hems_has_ordered_for_later_ends_with_its_reign(world: World, dead: bool) -> None:
    """A new HeMS knows nothing of it; while it has not answered, the former one may come back."""
    world.register()
    upload = {"FileType": "1 Vendor Configuration File", "URL": "http://files.lab/a"}
    secret = {"Username": "", "Password": "", "DelaySeconds": "60", "CommandKey": "key"}
    world.hems.will_ask(
        command("Upload", **upload, **secret),
        command("ScheduleInform", DelaySeconds="60", CommandKey="key"),
        set_values(ACCOUNT),
    )
    if dead:
        world.hems.dead.add(NEW)
    world.listener.call()
    world.run(3)
    state = world.daemon.memory.state
    assert bool(state.transfers) == bool(state.ledger.scheduled) == dead
    assert bool(json.loads(str(world.store.text))["transfers"]) == dead
    world.run(120)
    assert bool(world.file_server.received) == dead
    if not dead:
        told = {event for inform in world.informs for event in inform.events}
        assert not told & {"3 SCHEDULED", "7 TRANSFER COMPLETE"}


def happens(world: World, event: Event) -> None:
    memory = world.daemon.memory
    world.bells.ring(lambda: memory.record(with_event(memory.ledger, event)))
    world.run(2)


@pytest.mark.parametrize(
    "addresses", [(), (ip_address("203.0.113.9"),)], ids=["no address", "not behind the gateway"]
)
@pytest.mark.parametrize("path", list(HemsPath))
def test_new_hems_that_there_is_no_way_to_yields_to_the_last_good_one(
    path: HemsPath, addresses: tuple[Address, ...]
) -> None:
    """A mistyped name leads nowhere, so that no attempt is made which could fail."""
    first = f"https://{HEMS if path is HemsPath.TUNNEL else HEMS_OUTSIDE}:7548/acs"
    world = World(configuration=lab_settings(hems=hems(url=first, path=path)))
    world.register()
    for gateway in world.gateways.values():
        gateway.reaches = (CORE,)
    if path is HemsPath.DIRECT and addresses:
        # Of a family that has no way out.
        addresses = (ip_address("2001:db8::9"),)
    world.zone.hosts["hems.exmaple"] = addresses
    mistyped = "https://hems.exmaple:7548/acs"
    world.provision({paths.URL: mistyped})
    trial_s = world.settings.hems.trial_s
    world.run(5)
    before = len(world.informs)
    world.run(trial_s - 10)
    assert len(world.informs) == before
    assert f"{mistyped} to answer, or {first} is used again" in waits(world)
    world.run(10)
    assert urls(world, before) == [first]
    assert world.values[paths.URL] == mistyped
    world.zone.hosts["hems.exmaple"] = (HEMS if path is HemsPath.TUNNEL else HEMS_OUTSIDE,)
    world.run(AGAIN_S)
    assert (world.informs[-1].url, world.informs[-1].events) == (mistyped, ("0 BOOTSTRAP",))


def test_outage_does_not_count_while_the_name_of_the_new_hems_has_no_address() -> None:
    world = World(configuration=lab_settings(hems=hems(url="https://10.30.0.3:7548/acs")))
    world.register()
    world.provision({paths.URL: "https://hems.exmaple:7548/acs"})
    trial_s = world.settings.hems.trial_s
    world.run(trial_s / 2)
    world.charon.kill()
    world.run(trial_s)
    before = len(world.informs)
    world.zone.hosts["hems.exmaple"] = (HEMS,)
    world.charon.restart()
    world.run(15)
    assert urls(world, before) == ["https://hems.exmaple:7548/acs"]


@pytest.mark.conformance("C007")
def test_new_hems_that_does_not_answer_yields_to_the_last_good_one(world: World) -> None:
    first = sent_to(world, dead=True)
    trial_s = world.settings.hems.trial_s
    assert f"{NEW} to answer, or {first} is used again" in waits(world)
    world.run(trial_s + 10)
    assert urls(world) == [first] * 3
    assert "2 PERIODIC" in world.informs[-1].events
    assert world.hems.endpoints[-1].username == world.settings.hems.username
    assert world.values[paths.URL] == NEW
    assert f"{NEW} to answer; {first} is used until it is tried again" in waits(world)
    world.listener.call()
    world.run(1)
    assert urls(world, 3) == [first]


def test_new_hems_is_tried_again_now_and_then_and_taken_when_it_answers(world: World) -> None:
    sent_to(world, dead=True)
    trial_s = world.settings.hems.trial_s
    world.run(trial_s + AGAIN_S)
    tried = sum(endpoint.url == NEW for endpoint in world.hems.endpoints)
    world.run(trial_s + 20)
    assert sum(endpoint.url == NEW for endpoint in world.hems.endpoints) > tried
    world.hems.dead.clear()
    world.run(AGAIN_S + trial_s)
    assert world.informs[-1].url == NEW
    assert "0 BOOTSTRAP" in [code for i in world.informs if i.url == NEW for code in i.events]
    assert NEW not in waits(world)


def test_last_good_hems_may_send_the_box_elsewhere_or_take_it_back(world: World) -> None:
    first = sent_to(world, dead=True)
    world.run(world.settings.hems.trial_s + 10)
    world.provision({paths.URL: first})
    world.run(AGAIN_S)
    assert world.daemon.caller.serving.trial is None
    assert world.informs[-1].url == first
    assert all("0 BOOTSTRAP" not in inform.events for inform in world.informs[1:])


def test_outage_that_hits_both_does_not_end_the_trial_before_it_began(world: World) -> None:
    """Nothing is attempted while the path is down, and no time is counted."""
    world.register()
    world.hems.dead.add(NEW)
    world.provision(ACCOUNT)
    world.run(0.02)
    world.charon.kill()
    world.run(10 * world.settings.hems.trial_s)
    trial = world.daemon.caller.serving.trial
    assert trial is not None
    assert not trial.back
    attempts = len(world.hems.endpoints)
    world.charon.restart()
    world.run(5)
    assert world.hems.endpoints[attempts].url == NEW
    assert "2 PERIODIC" in world.informs[-1].events


def test_event_that_the_last_good_hems_is_owed_waits_for_it(world: World) -> None:
    sent_to(world, dead=True)
    first = world.informs[0].url
    world.run(world.settings.hems.trial_s + 10)
    world.hems.manner = Manner.REFUSES
    world.restart("boot-2")
    world.run(30)
    world.hems.manner = Manner.ANSWERS
    world.run(world.settings.hems.trial_s + 60)
    boots = [inform for inform in world.informs if "1 BOOT" in inform.events]
    assert [inform.url for inform in boots] == [first, first]


def test_first_hems_of_all_is_tried_for_ever(world: World) -> None:
    world.hems.manner = Manner.REFUSES
    world.start()
    world.run(3 * AGAIN_S)
    assert world.daemon.caller.serving.trial is None
    assert {endpoint.url for endpoint in world.hems.endpoints} == {world.settings.hems.url}
