"""The plugin of rpcd: what henbd is on ubus."""

from __future__ import annotations

import json
import time

import pytest

from tests.openwrt.board import FILES, TREE, Board

ACCESS = TREE / "openwrt/luci-app-henbd/root/usr/share/rpcd/acl.d/luci-app-henbd.json"
METHODS = ("status", "inform", "reconnect")


@pytest.fixture
def plugin(board: Board) -> Board:
    """Return a board with the plugin and a daemon that runs."""
    board.put("usr/libexec/rpcd/henbd", (FILES / "henbd.rpcd").read_text())
    board.put("tmp/ubus", "true\n")
    board.put("etc/config/henbd", "config control 'control'\n\toption socket '/tmp/x.sock'\n")
    return board


def test_its_methods_are_those_that_the_page_may_call(plugin: Board) -> None:
    assert plugin.call("list") == {method: {} for method in METHODS}
    (rights,) = json.loads(ACCESS.read_text()).values()
    granted = rights["read"]["ubus"]["henbd"] + rights["write"]["ubus"]["henbd"]
    assert sorted(granted) == sorted(METHODS)
    assert rights["read"]["ubus"]["henbd"] == ["status"], "a look changes nothing"


def test_status_is_what_the_daemon_has_written(plugin: Board) -> None:
    status = {"version": "1", "s1": {"peers": [None, 1.5, True, "ü \\ \" ' $(x) %s"]}}
    plugin.put("tmp/run/henbd/status.json", json.dumps(status))
    answer = plugin.call("call", "status")
    assert answer["status"] == status
    assert answer["running"] is True
    assert abs(answer["now"] - time.time()) < 60


@pytest.mark.parametrize("running", ["false\n", ""])
def test_a_daemon_that_does_not_run_is_not_taken_for_one_that_does(
    plugin: Board, running: str
) -> None:
    plugin.put("tmp/ubus", running)
    answer = plugin.call("call", "status")
    assert (answer["running"], answer["status"]) == (False, None)


@pytest.mark.parametrize("method", ["inform", "reconnect"])
def test_a_button_is_a_command_of_the_daemon(plugin: Board, method: str) -> None:
    assert plugin.call("call", method) == {"error": ""}
    assert (plugin.root / "tmp/henbd").read_text() == f"{method} --socket /tmp/x.sock\n"


def test_what_the_daemon_says_against_it_is_told(plugin: Board) -> None:
    plugin.put("tmp/refusal", 'henbd: "no" way\n')
    assert plugin.call("call", "inform") == {"error": 'henbd: "no" way'}


def test_a_method_that_there_is_not_is_refused(plugin: Board) -> None:
    done = plugin.run("/bin/dash", "/usr/libexec/rpcd/henbd", "call", "reboot")
    assert (done.returncode, done.stdout) == (2, "")
