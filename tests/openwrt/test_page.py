"""The LuCI page, rendered by Chromium from what the daemon says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from henbd.status import status
from tests.openwrt.board import TREE
from tests.openwrt.page import RESOURCES, answer, in_service, render, text
from tests.unit.world import World

APP = TREE / "openwrt/luci-app-henbd"
SOURCE = (RESOURCES / "view/henbd/status.js").read_text(encoding="utf-8")
HOSTILE = "<img src=x onerror=report.errors.push(1)><b>'\\"


@pytest.fixture(scope="module")
def registered() -> dict[str, Any]:
    return in_service()


def test_box_in_service(tmp_path: Path, registered: dict[str, Any]) -> None:
    page = render(tmp_path, answer(registered, written_s_ago=7200))
    assert page.row("registered") == "registered https://hems.example:7548/acs"
    assert page.row("way") == "10.99.0.1 → 10.30.0.3"
    assert page.row("condition") == "up for 2 h 1 min"
    assert page.row("gateway") == "192.0.2.101"
    assert page.row("inner") == "10.99.0.1"
    guarded = "from 10.99.0.1/32, to 10.30.0.0/24, to 10.40.0.1/32, to 10.99.0.1/32"
    assert page.row("guards") == guarded
    assert page.row("s1") == "up inside the tunnel"
    assert page.table("s1") == [["10.40.0.1:36412", "up", "–", "10.99.0.1", ""]]
    assert page.row("next") == "periodic in 21 h 58 min"
    when, _, *session = page.table("sessions")[0]
    assert when == "2 h 1 min ago"
    assert session == ["4 VALUE CHANGE", "acknowledged", "ended properly"]
    assert page.table("sessions")[-1][2] == "0 BOOTSTRAP, 1 BOOT"
    assert page.section("alarms") == "Alarms None."
    assert page.section("waiting") == "Waiting for Nothing: all is as it should be."
    assert {node.get("data-good") for node in page.tree.xpath("//span")} == {"true"}


def test_box_that_has_just_started(tmp_path: Path) -> None:
    world = World()
    world.start()
    world.run(0.001)
    page = render(tmp_path, answer(status(world.daemon)))
    world.kill()
    assert page.row("registered").startswith("not registered")
    assert page.row("s1") == "down inside the tunnel"
    assert page.section("s1").endswith("No far end was told to the stack.")
    assert "the HeMS to provision S1SigLinkServerList" in [
        line[0] for line in page.table("waiting")
    ]
    assert "[object" not in text(page.tree)
    assert "undefined" not in text(page.tree.xpath("//*[@id='view']")[0])


def test_box_in_trouble(tmp_path: Path, registered: dict[str, Any]) -> None:
    peer = {"state": "failed", "cause": "unknown PLMN", "mme_name": "mme-1"}
    values = json.loads(json.dumps(registered))
    values["s1"].update(up=False, peers=[{**values["s1"]["peers"][0], **peer}])
    values["guards"]["missing"] = ["to 10.40.0.0/16"]
    values["alarms"] = [{"severity": "major", "text": "S1 is down", "since_s": 30}]
    values["waiting_for"] = [{"for": "the next attempt", "in_s": 70}]
    values["hems"]["retry_in_s"] = 95
    page = render(tmp_path, answer(values, written_s_ago=10))
    assert page.table("s1") == [["10.40.0.1:36412", "failed", "mme-1", "10.99.0.1", "unknown PLMN"]]
    assert page.row("guards").endswith("MISSING: to 10.40.0.0/16")
    assert page.table("alarms") == [["major", "S1 is down", "40 s"]]
    assert page.table("waiting") == [["the next attempt", "1 min 0 s"]]
    assert page.row("next").startswith("retry in 1 min 25 s")


def test_box_without_a_tunnel(tmp_path: Path, registered: dict[str, Any]) -> None:
    page = render(tmp_path, answer({**registered, "tunnel": None}))
    assert page.section("tunnel") == "Tunnel none configured"


def hostile(value: Any) -> Any:
    """Return the same with other text, and text where there is none."""
    if isinstance(value, dict):
        return {name: hostile(item) for name, item in value.items()}
    if isinstance(value, list):
        return [hostile(item) for item in value] or [HOSTILE]
    return HOSTILE if value is None or isinstance(value, str) else value


def test_nothing_that_is_shown_is_taken_for_html(
    tmp_path: Path, registered: dict[str, Any]
) -> None:
    values = {part: hostile(registered[part]) for part in ("device", "tunnel", "s1", "guards")}
    hems = hostile({**registered["hems"], "session": None, "retry_in_s": None})
    hems.update(session=None, retry_in_s=None, to_tell={HOSTILE: HOSTILE})
    wait = {"for": HOSTILE, "in_s": None}
    alarm = {"severity": HOSTILE, "text": HOSTILE, "since_s": 0}
    values |= {"hems": hems, "waiting_for": [wait], "alarms": [alarm], "version": HOSTILE}
    page = render(tmp_path, answer(values), deeds=["inform"], error=HOSTILE)
    assert page.tree.xpath("//img | //b") == []
    assert text(page.tree).count(HOSTILE) > 20
    assert page.notifications == [["Inform now", HOSTILE, "danger"]]


@pytest.mark.parametrize(
    ("running", "said"), [(False, "henbd is not running."), (True, "henbd is starting.")]
)
def test_daemon_that_says_nothing(tmp_path: Path, running: bool, said: str) -> None:
    page = render(tmp_path, {"running": running, "now": 0, "status": None})
    assert page.section("absent") == said


def test_what_a_daemon_left_behind_is_not_shown(tmp_path: Path, registered: dict[str, Any]) -> None:
    page = render(tmp_path, {**answer(registered), "running": False})
    assert page.section("absent") == "henbd is not running."
    assert not page.tree.xpath("//*[@data-row]")


def test_page_follows_the_daemon(tmp_path: Path, registered: dict[str, Any]) -> None:
    moved = json.loads(json.dumps(registered))
    moved["tunnel"]["inner_addresses"] = ["10.99.0.7"]
    page = render(tmp_path, answer(registered), answer(moved), deeds=["poll"])
    assert page.row("inner") == "10.99.0.7"
    assert page.calls == ["henbd.status"] * 2


def test_buttons_have_the_daemon_do_something(tmp_path: Path, registered: dict[str, Any]) -> None:
    page = render(tmp_path, answer(registered), deeds=["inform", "reconnect"])
    assert page.calls == [
        *("henbd.status", "henbd.inform", "henbd.status"),
        *("henbd.reconnect", "henbd.status"),
    ]
    assert page.notifications == [
        [None, "Inform now: done.", "info"],
        [None, "Reconnect: done.", "info"],
    ]


def test_every_text_can_be_translated(tmp_path: Path, registered: dict[str, Any]) -> None:
    template = (APP / "po/templates/henbd.pot").read_text(encoding="utf-8")
    offered = set(re.findall(r'^msgid "(.+)"$', template, re.MULTILINE))
    used = set(re.findall(r"_\('([^']+)'\)", SOURCE))
    (menu,) = json.loads(
        (APP / "root/usr/share/luci/menu.d/luci-app-henbd.json").read_text()
    ).values()
    (rights,) = json.loads(
        (APP / "root/usr/share/rpcd/acl.d/luci-app-henbd.json").read_text()
    ).values()
    assert offered == used | {menu["title"], rights["description"]}
    page = render(tmp_path, answer(registered), translation={"Inner address": "Innere Adresse"})
    assert "Innere Adresse" in page.section("tunnel")


def test_menu_leads_to_the_page() -> None:
    (menu,) = json.loads(
        (APP / "root/usr/share/luci/menu.d/luci-app-henbd.json").read_text()
    ).values()
    assert (RESOURCES / "view" / f"{menu['action']['path']}.js").is_file()
    rights = json.loads((APP / "root/usr/share/rpcd/acl.d/luci-app-henbd.json").read_text())
    assert menu["depends"]["acl"] == list(rights)


def test_page_calls_only_what_there_is() -> None:
    called = re.findall(r"object: '(\w+)', method: '(\w+)'", SOURCE)
    assert called == [("henbd", "status"), ("henbd", "inform"), ("henbd", "reconnect")]
