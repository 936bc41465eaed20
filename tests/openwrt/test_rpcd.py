"""The plugin of rpcd: what henbd is on ubus."""

from __future__ import annotations

import json
import re
import time

import pytest

from henbd.system.s1ap import service
from tests.lab.probe import eventually
from tests.openwrt.board import FILES, TREE, Board

ACCESS = TREE / "openwrt/luci-app-henbd/root/usr/share/rpcd/acl.d/luci-app-henbd.json"


def lines(board: Board, name: str) -> list[str]:
    """Return what a program of the board has put down."""
    file = board.root / "tmp" / name
    return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def plugin(board: Board) -> Board:
    """Return a board with the plugin and a daemon that runs."""
    board.put("usr/libexec/rpcd/henbd", (FILES / "henbd.rpcd").read_text())
    board.put("tmp/ubus", "true\n")
    board.put("etc/config/henbd", "config control 'control'\n\toption socket '/tmp/x.sock'\n")
    return board


def test_its_methods_are_those_that_somebody_may_call(plugin: Board) -> None:
    offered = json.loads(plugin.plugin("list").stdout)
    (rights,) = json.loads(ACCESS.read_text()).values()
    page = rights["read"]["ubus"]["henbd"] + rights["write"]["ubus"]["henbd"]
    daemon = json.loads((FILES / "henbd.acl.json").read_text())["access"]["henbd"]["methods"]
    assert rights["read"]["ubus"]["henbd"] == ["status"], "a look changes nothing"
    assert sorted(page + daemon) == sorted(offered)
    assert offered["upgrade"] == {"path": "String"}


def test_status_is_what_the_daemon_has_written(plugin: Board) -> None:
    status = {"version": "1", "s1": {"peers": [None, 1.5, True, "ü \\ \" ' $(x) %s"]}}
    plugin.put("tmp/run/henbd/status.json", json.dumps(status))
    answer = plugin.call("status")
    assert answer["status"] == status
    assert answer["running"] is True
    assert abs(answer["now"] - time.time()) < 60


@pytest.mark.parametrize("running", ["false\n", ""])
def test_a_daemon_that_does_not_run_is_not_taken_for_one_that_does(
    plugin: Board, running: str
) -> None:
    plugin.put("tmp/ubus", running)
    answer = plugin.call("status")
    assert (answer["running"], answer["status"]) == (False, None)


@pytest.mark.parametrize("method", ["inform", "reconnect"])
def test_a_button_is_a_command_of_the_daemon(plugin: Board, method: str) -> None:
    assert plugin.call(method) == {"error": ""}
    assert (plugin.root / "tmp/henbd").read_text() == f"{method} --socket /tmp/x.sock\n"


def test_what_the_daemon_says_against_it_is_told(plugin: Board) -> None:
    plugin.put("tmp/refusal", 'henbd: "no" way\n')
    assert plugin.call("inform") == {"error": 'henbd: "no" way'}


@pytest.mark.parametrize("method", ["reboot", "", "list"])
def test_a_method_that_there_is_not_is_refused(plugin: Board, method: str) -> None:
    done = plugin.plugin("call", method)
    assert (done.returncode, done.stdout) == (2, "")


IMAGE = "/tmp/an image;$(reboot).bin"


def test_an_image_is_tried_and_then_installed(plugin: Board) -> None:
    assert plugin.call("upgrade", path=IMAGE) == {}
    assert eventually(lambda: lines(plugin, "upgraded") == [f"-T {IMAGE}", IMAGE])


def test_an_image_for_another_board_is_not_installed(plugin: Board) -> None:
    plugin.put("tmp/bad-image", "")
    assert plugin.call("upgrade", path=IMAGE) is None
    assert lines(plugin, "upgraded") == [f"-T {IMAGE}"]
    assert plugin.log() == [f"sysupgrade: {IMAGE} is no image for this board"]


@pytest.mark.parametrize("path", ["http://192.0.2.1/x", "-f", "", "image.bin"])
def test_what_is_no_file_is_not_installed(plugin: Board, path: str) -> None:
    assert plugin.call("upgrade", path=path) is None
    assert lines(plugin, "upgraded") == []


def stack(manager: str) -> str:
    return f"config s1 's1'\n\toption manager '{manager}'\n\toption service 'enb'\n"


@pytest.mark.parametrize("action", ["restart", "stop"])
def test_the_service_of_the_stack_is_started_and_stopped(plugin: Board, action: str) -> None:
    plugin.put("etc/config/henbd", stack("procd"))
    plugin.put_program("etc/init.d/enb", 'echo "$@" >>/tmp/stack')
    assert plugin.call("stack", action=action) == {}
    assert lines(plugin, "stack") == [action]


@pytest.mark.parametrize(("manager", "action"), [("systemd", "stop"), ("procd", "enable")])
def test_no_other_service_is_touched(plugin: Board, manager: str, action: str) -> None:
    plugin.put("etc/config/henbd", stack(manager))
    plugin.put_program("etc/init.d/enb", 'echo "$@" >>/tmp/stack')
    assert plugin.call("stack", action=action) is None
    assert lines(plugin, "stack") == []
    assert plugin.log() == [f"no stack to {action}"]


def test_a_service_that_does_not_start_is_told(plugin: Board) -> None:
    plugin.put("etc/config/henbd", stack("procd"))
    plugin.put_program("etc/init.d/enb", "exit 1")
    assert plugin.call("stack", action="restart") is None
    assert plugin.log() == ["enb: restart failed"]


def test_adapter_of_a_stack_calls_what_there_is(plugin: Board) -> None:
    manager = service.procd("enb")
    plugin.put("etc/config/henbd", stack("procd"))
    plugin.put_program("etc/init.d/enb", "")
    for command in (manager.start, manager.stop):
        assert command[:4] == ("ubus", "call", "henbd", "stack")
        assert plugin.call("stack", **json.loads(command[4])) == {}
    granted = json.loads((FILES / "henbd.acl.json").read_text())["access"]
    assert manager.look[2:4] == ("service", "list")
    assert "list" in granted["service"]["methods"]


def firmware(board: Board, *words: str) -> int:
    board.put("usr/libexec/henbd-firmware", (FILES / "henbd-firmware").read_text())
    return board.run("/bin/dash", "/usr/libexec/henbd-firmware", *words).returncode


def test_an_image_is_checked_by_root(plugin: Board) -> None:
    assert firmware(plugin, "check", IMAGE) == 0
    plugin.put("tmp/ubus", "false\n")
    assert firmware(plugin, "check", IMAGE) == 1
    request = json.dumps({"path": IMAGE})
    assert lines(plugin, "called") == [f"call system validate_firmware_image {request}"] * 2


def test_an_image_is_installed_by_root(plugin: Board) -> None:
    assert firmware(plugin, "install", IMAGE) == 0
    assert lines(plugin, "called") == [f"call henbd upgrade {json.dumps({'path': IMAGE})}"]


def test_what_the_daemon_calls_it_may_call() -> None:
    granted = json.loads((FILES / "henbd.acl.json").read_text())
    assert granted["user"] == "henbd"
    calls = re.findall(r"ubus call (\w+) (\w+)", (FILES / "henbd-firmware").read_text())
    for name, method in [*calls, ("log", "read"), ("system", "reboot")]:
        assert method in granted["access"][name]["methods"]
