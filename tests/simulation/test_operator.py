"""What an operator asks of the daemon: answers, refusals, and what then happens to the world."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from henbd.actions import TerminateIke
from henbd.control import report_faults
from henbd.cwmp.state import restored
from henbd.model import paths
from henbd.operator import answer
from henbd.screen import screen
from henbd.status import status
from henbd.system.local_socket import Caller
from henbd.values import EspMode
from tests.unit.conftest import Worlds
from tests.unit.fakes.gateway import Manner
from tests.unit.settings import SECRET, factory, hems, settings
from tests.unit.world import HEMS_OUTSIDE, MME, World, direct_settings, lab_settings

INDICATOR = "Device.Services.FAPService.Ipsec.IPSEC_ENABLE"

ROOT = Caller(pid=4711, uid=0, groups=frozenset())


def ask(world: World, command: str, **rest: Any) -> dict[str, Any]:
    """Ask the daemon, as the console does: in its loop."""
    answers: list[dict[str, Any]] = []
    request = {"command": command, **rest}
    world.bells.ring(lambda: answers.append(answer(world.daemon, request, ROOT)))
    world.run(0.001)
    return answers[0]


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ({}, "unknown command None"),
        ({"command": "shutdown"}, "unknown command 'shutdown'"),
        ({"command": ["get"]}, "unknown command"),
        ({"command": "get"}, "paths has to be"),
        ({"command": "get", "paths": "Device."}, "paths has to be"),
        ({"command": "get", "paths": [1]}, "paths has to be"),
        ({"command": "get", "paths": ["Device.Nothing"]}, "9005"),
        ({"command": "tree"}, "path has to be"),
        ({"command": "tree", "path": "Device.Nothing."}, "no parameter or object"),
        ({"command": "set"}, "values has to be"),
        ({"command": "set", "values": {}}, "values has to be"),
        ({"command": "set", "values": {paths.URL: 1}}, "has to be a text"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    world: World, request_: dict[str, Any], error: str
) -> None:
    world.register()
    assert error in answer(world.daemon, request_, ROOT)["error"]


def test_parameters_are_read_by_name_and_by_the_beginning_of_names(world: World) -> None:
    world.register()
    values = ask(world, "get", paths=[paths.OUI, paths.GATEWAY])["values"]
    assert values[paths.OUI] == "00256D"
    assert set(paths.SECURITY_GATEWAYS) <= values.keys()


def test_a_secret_reads_as_empty(world: World) -> None:
    world.register()
    assert world.values[paths.PASSWORD]
    assert ask(world, "get", paths=[paths.PASSWORD])["values"] == {paths.PASSWORD: ""}
    nodes = ask(world, "tree", path=paths.PASSWORD)["nodes"]
    assert [node["value"] for node in nodes] == [""]


def test_the_tree_tells_all_about_a_node(world: World) -> None:
    world.register()
    nodes = {node["path"]: node for node in ask(world, "tree", path="")["nodes"]}
    assert nodes[paths.GATEWAY] == {"path": paths.GATEWAY, "writable": False}
    assert nodes[paths.OP_STATE] == {
        "path": paths.OP_STATE,
        "writable": False,
        "type": "boolean",
        "value": "false",
        "notification": "active",
        "set_locally": False,
    }
    assert nodes[paths.S1_SERVERS]["writable"]
    assert list(nodes) == list(world.daemon.memory.tree.nodes)


def test_what_is_set_locally_takes_effect_and_is_told(world: World) -> None:
    world.register()
    told = len(world.informs)
    done = ask(world, "set", values={paths.S1_SERVERS: str(MME)})
    assert done == {"values": {paths.S1_SERVERS: str(MME)}, "takes_effect": "now"}
    world.run(5)
    assert world.stack.up == [MME]
    assert all("4 VALUE CHANGE" in inform.events for inform in world.informs[told:])
    (node,) = ask(world, "tree", path=paths.S1_SERVERS)["nodes"]
    assert node["set_locally"]


def test_a_local_change_under_notification_goes_to_the_hems_as_it_is(world: World) -> None:
    world.register()
    told = len(world.informs)
    ask(world, "set", values={paths.ADMIN_STATE: "1"})
    world.hems.will_ask()
    world.run(5)
    notified = paths.ADMIN_STATE in world.daemon.memory.tree.notified
    values = [inform.values.get(paths.ADMIN_STATE) for inform in world.informs[told:]]
    assert values == (["true"] if notified else [])
    assert paths.ADMIN_STATE in world.daemon.memory.state.local


def test_a_local_change_is_one_until_the_hems_sets_the_parameter(world: World) -> None:
    world.register()
    ask(world, "set", values={paths.PERIODIC_INTERVAL: "900", paths.RETRY_MINIMUM: "7"})
    kept = world.store.document
    tree = factory()
    state, _ = restored(replace(tree), kept, world.boot_id)
    assert state.local == {paths.PERIODIC_INTERVAL, paths.RETRY_MINIMUM}
    world.provision({paths.PERIODIC_INTERVAL: "600"})
    world.run(5)
    assert world.daemon.memory.state.local == {paths.RETRY_MINIMUM}


@pytest.mark.parametrize("ours", [INDICATOR, paths.IPSEC_ENABLE])
@pytest.mark.parametrize("theirs", [INDICATOR, paths.IPSEC_ENABLE])
def test_a_local_change_is_one_by_either_name(worlds: Worlds, ours: str, theirs: str) -> None:
    world = worlds(EspMode.POLICY, lab_settings(aliases=((INDICATOR, paths.IPSEC_ENABLE),)))
    world.register()
    ask(world, "set", values={ours: "true"})
    for name in (INDICATOR, paths.IPSEC_ENABLE):
        (node,) = ask(world, "tree", path=name)["nodes"]
        assert node["set_locally"]
    world.provision({theirs: "true"})
    world.run(5)
    assert world.daemon.memory.state.local == frozenset()


def test_a_set_with_one_mistake_sets_nothing_and_names_it(world: World) -> None:
    world.register()
    before, kept = world.values, world.store.text
    refused = ask(
        world,
        "set",
        values={paths.PERIODIC_INTERVAL: "900", paths.S1_PORT: "70000", paths.OUI: "1"},
    )
    assert {c["path"]: c["code"] for c in refused["culprits"]} == {
        paths.S1_PORT: 9007,
        paths.OUI: 9008,
    }
    refused = ask(world, "set", values={paths.S1_SERVERS: "no host!"})
    assert [c["path"] for c in refused["culprits"]] == [paths.S1_SERVERS]
    # As it comes from a terminal that speaks Latin-1.
    refused = ask(world, "set", values={paths.PASSWORD: os.fsdecode(b"caf\xe9")})
    assert [c["path"] for c in refused["culprits"]] == [paths.PASSWORD]
    assert (world.values, world.store.text) == (before, kept)


def test_a_set_that_the_flash_does_not_take_sets_nothing(world: World) -> None:
    world.register()
    before = world.values
    world.store.full = True
    refused = ask(world, "set", values={paths.PERIODIC_INTERVAL: "900"})
    assert "not stored: No space left" in refused["error"]
    assert world.values == before
    refused = ask(world, "factory-reset")
    assert "not stored" in refused["error"]


def test_a_set_during_a_session_waits_for_its_end(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 1.0
    world.listener.call()
    world.run(0.5)
    done = ask(world, "set", values={paths.S1_SERVERS: str(MME)})
    assert done["takes_effect"] == "after the session"
    assert not world.stack.up
    world.run(10)
    assert world.stack.up == [MME]


def test_inform_calls_the_hems_at_once(world: World) -> None:
    world.register()
    world.run(5)
    told = len(world.informs)
    assert ask(world, "inform") == {"waits_for": None}
    world.run(1)
    assert [inform.events for inform in world.informs[told:]] == [("2 PERIODIC",)]


def test_inform_cuts_the_wait_for_a_retry_short(world: World) -> None:
    world.register()
    world.run(5)
    world.hems.answers_after_s = 1e9
    world.provision({})
    world.run(700)
    assert world.daemon.memory.ledger.retry_at is not None
    world.hems.answers_after_s = 0.001
    told = len(world.informs)
    ask(world, "inform")
    world.run(0.5)
    assert len(world.informs) == told + 1


def test_inform_without_a_way_says_what_is_missing(world: World) -> None:
    world.start()
    world.charon.kill()
    world.run(1)
    waits_for = ask(world, "inform")["waits_for"]
    assert waits_for


def test_inform_while_cwmp_is_disabled_is_refused(world: World) -> None:
    world.register()
    world.provision({paths.ENABLE_CWMP: "false"})
    world.run(1)
    assert "EnableCWMP" in ask(world, "inform")["error"]


def test_reconnect_negotiates_the_tunnel_anew_and_s1_is_back(world: World) -> None:
    world.bring_up_s1()
    since = len(world.journal.actions)
    before = world.daemon.witness.tunnel.sa
    assert before is not None
    assert ask(world, "reconnect") == {"ended": 1}
    world.run(30)
    assert world.done(TerminateIke, since) == [TerminateIke(before.unique_id)]
    assert world.daemon.witness.tunnel.up
    assert world.daemon.witness.tunnel.sa is not None
    assert world.daemon.witness.tunnel.sa.unique_id != before.unique_id
    assert world.stack.up == [MME]


def test_reconnect_without_a_tunnel_is_refused(worlds: Worlds) -> None:
    world = worlds(EspMode.POLICY, settings(ipsec=None, hems=direct_settings().hems))
    world.register()
    assert "no [ipsec]" in ask(world, "reconnect")["error"]


def test_a_factory_reset_forgets_what_the_hems_has_set(world: World) -> None:
    world.bring_up_s1()
    assert ask(world, "factory-reset") == {}
    world.run(5)
    assert world.values[paths.S1_SERVERS] == ""
    assert not world.daemon.memory.state.orders.factory_reset


def test_whoever_changes_something_is_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.register()
    caplog.set_level("INFO", logger="henbd")
    ask(world, "set", values={paths.PASSWORD: "a new password"})
    assert "set, by uid 0 (pid 4711)" in caplog.text
    assert f"set locally: {paths.PASSWORD} = (not shown)" in caplog.text
    assert "a new password" not in caplog.text
    ask(world, "status")
    assert "status, by" not in caplog.text


def test_status_looks_back_at_the_last_sessions(world: World) -> None:
    world.register()
    for _ in range(7):
        world.listener.call()
        world.run(2)
    world.hems.answers_after_s = 1e9
    world.listener.call()
    world.run(700)
    sessions = ask(world, "status")["hems"]["sessions"]
    assert len(sessions) == 5
    assert sessions[0]["failure"] is not None
    assert [s["failure"] for s in sessions[1:]] == [None] * 4
    assert sessions[1]["events"] == ["6 CONNECTION REQUEST"]
    assert [s["ago_s"] for s in sessions] == sorted(s["ago_s"] for s in sessions)


def test_status_says_why_there_is_no_tunnel(world: World) -> None:
    for gateway in world.gateways.values():
        gateway.manner = Manner.REFUSES
    world.start()
    world.run(10)
    values = status(world.daemon)
    assert {failure["gateway"] for failure in values["tunnel"]["failures"]} == {
        str(gateway) for gateway in world.gateways
    }
    failure = values["tunnel"]["failures"][0]
    assert failure["failure"]
    assert failure["times"] > 1
    times, why = failure["times"], failure["failure"]
    assert f"{failure['gateway']} failed {times} times: {why}" in screen(values)
    assert any(h.text == f"{failure['gateway']}: {why}" for h in world.daemon.trace.latest)


def test_an_alarm_is_shown_with_its_age(world: World) -> None:
    world.register()
    row = paths.CURRENT_ALARMS + "1."
    tree = world.daemon.memory.tree.report_rows(paths.CURRENT_ALARMS, [1]).report(
        {
            row + "PerceivedSeverity": "Major",
            row + "SpecificProblem": "no cell",
            row + "AdditionalText": "the stack says so",
            row + "AlarmRaisedTime": "2026-06-01T11:59:00Z",
        }
    )
    world.daemon.memory.report(tree)
    values = status(world.daemon)
    (alarm,) = values["alarms"]
    assert (alarm["severity"], alarm["text"]) == ("Major", "no cell: the stack says so")
    assert 60 <= alarm["since_s"] < 70
    assert "alarms       Major: no cell: the stack says so, for 1 min" in screen(values)
    unset = tree.report({row + "AlarmRaisedTime": "0001-01-01T00:00:00Z"})
    assert [a.raised for a in report_faults.current(unset)] == [None]


def test_a_secret_under_notification_is_not_shown_as_owed(world: World) -> None:
    world.register()
    memory = world.daemon.memory
    memory.state = replace(memory.state, tree=memory.tree.notify([(paths.PASSWORD, 1)]))
    ask(world, "set", values={paths.PASSWORD: "a new password"})
    assert status(world.daemon)["hems"]["to_tell"] == {paths.PASSWORD: ""}


def test_the_secret_of_the_box_is_not_the_operators(world: World) -> None:
    world.register()
    assert SECRET not in str(ask(world, "tree", path=""))
    assert hems().password not in str(ask(world, "status"))
    assert str(HEMS_OUTSIDE) not in str(ask(world, "status"))
