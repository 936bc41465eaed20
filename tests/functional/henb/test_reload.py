"""SIGHUP: the configuration file is read again, and neither tunnel nor S1 notices."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

from tests.lab import topology
from tests.lab.lab import Lab
from tests.lab.probe import eventually


def reload(lab: Lab, expected: str) -> str:
    """Have henbd read its file again; return what it logged up to this word."""
    before = len(lab.henbd.text())
    lab.henbd.send(signal.SIGHUP)
    assert eventually(lambda: expected in lab.henbd.text()[before:], 10), lab.henbd.text()[before:]
    return lab.henbd.text()[before:]


def links(lab: Lab) -> tuple[Any, ...]:
    """What must not move: henbd's process, its SAs, and the associations that the MME has seen."""
    sas = [sa["unique_id"] for sa in lab.status()["tunnel"]["ike_sas"]]
    return lab.henbd.pid, sas, len(lab.log.events("S1SetupRequest"))


def test_a_reload_takes_the_new_file_and_drops_nothing(registered: Lab) -> None:
    registered.calm()
    before, since = links(registered), time.monotonic()
    registered.configure({"s1": {"hold_s": 3}, "ipsec": {"audit_s": 5}, "log": {"level": "error"}})
    said = reload(registered, "read again")
    assert "next start" not in said
    assert registered.quiet(since)
    assert links(registered) == before
    assert registered.status()["s1"]["up"]


def test_a_file_with_mistakes_is_named_and_changes_nothing(registered: Lab) -> None:
    registered.calm()
    before = links(registered)
    registered.configure({"s1": {"hold_s": "soon"}, "hems": {"url": "ftp://x"}})
    said = reload(registered, "not taken")
    assert "s1.hold_s" in said
    assert "hems.url" in said
    assert "Traceback" not in said
    assert registered.call() in (200, 204)
    assert links(registered) == before


def test_what_waits_for_the_next_start_is_named(registered: Lab) -> None:
    registered.configure({"control": {"socket": str(registered.folder / "other.sock")}})
    said = reload(registered, "next start")
    assert "control.socket takes effect with the next start" in said
    assert registered.answers()


def test_another_network_is_reached_after_a_reload(registered: Lab) -> None:
    before = registered.status()["tunnel"]["networks"]
    wanted = "10.77.0.0/24"
    registered.configure({"ipsec": {"networks": [wanted]}})
    reload(registered, "read again")
    assert eventually(lambda: wanted in registered.status()["tunnel"]["wanted"]["networks"], 10)
    assert eventually(lambda: f"to {wanted}" in registered.status()["guards"]["standing"], 10)
    assert wanted not in before


def test_the_status_file_says_what_the_daemon_says(registered: Lab) -> None:
    file = registered.control_socket.with_name("status.json")

    def agrees() -> bool:
        shown = json.loads(file.read_text())
        asked = registered.status()
        return bool(
            shown["pid"] == registered.henbd.pid
            and shown["s1"] == asked["s1"]
            and shown["hems"]["registered"] is True
            and shown["tunnel"]["inner_addresses"] == asked["tunnel"]["inner_addresses"]
        )

    assert eventually(agrees, 10), (file.read_text(), registered.status())
    other = registered.grant_another()
    registered.reauthenticate()
    assert eventually(lambda: json.loads(file.read_text())["tunnel"]["inner_addresses"] == [other])
    assert str(topology.MME) in file.read_text()
    assert registered.henbd.stop() == 0
    assert not file.exists()
