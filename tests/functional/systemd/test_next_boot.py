"""The box switched on again: what it kept inside stays there before and after there is a network.

The VM is a new one with the disk of the first, in which test_service.py has had it registered.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.functional.kernel.kernel_box import SENT, send
from tests.functional.systemd import next_boot
from tests.functional.systemd.box import IN_THE_VM, show
from tests.lab.namespaces import run
from tests.lab.probe import eventually

pytestmark = IN_THE_VM

KEPT = Path("/var/lib/henbd/guards")


def nobody_gets_out() -> None:
    """See that what is guarded is reached by no socket, and its neighbour by each."""
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"source": next_boot.WAN},
        {"device": "wan0"},
        {"mark": 7},
    )
    assert [send(next_boot.NEIGHBOUR, **way) for way in ways] == [SENT] * len(ways)
    for address in next_boot.GUARDED:
        assert SENT not in [send(address, **way) for way in ways], address


def test_what_was_guarded_is_kept_on_the_disk() -> None:
    kept = KEPT.read_text().splitlines()
    assert {f"to {address}/32" for address in next_boot.GUARDED} <= set(kept)


def test_the_guards_stand_before_there_is_a_network() -> None:
    assert show("ActiveState", "Result", unit="henbd-guard") == {
        "ActiveState": "active",
        "Result": "success",
    }
    units = ("henbd-guard.service", "network-pre.target", "wan.service")
    times = [next_boot.became_active(unit) for unit in units]
    assert times == sorted(times)
    before = next_boot.BEFORE.read_text()
    assert "wan0" not in before
    for address in next_boot.GUARDED:
        assert f"from all to {address} unreachable" in before
        assert f"src 0.0.0.0/0 dst {address}/32" in before
        assert f"src {address}/32 dst 0.0.0.0/0" in before


def test_from_the_first_packet_on_nobody_gets_out() -> None:
    assert next_boot.ANSWERED.read_text().split() == [str(next_boot.NEIGHBOUR)]
    nobody_gets_out()


def test_henbd_takes_over_the_guards_that_it_finds() -> None:
    """Its gateway does not answer here, and there is nobody who could say what is inside."""
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(lambda: not status()["guards"]["missing"], 20), status()["guards"]
    standing = status()["guards"]["standing"]
    assert {f"to {address}/32" for address in next_boot.GUARDED} <= set(standing)
    nobody_gets_out()


def status() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run("henbd", "status", "--json"))
    return found
