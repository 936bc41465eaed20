"""The flash lies, is full or read-only: the HeMS is told, and what was agreed on stays."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from henbd.system.store import Store
from tests.lab.hems.rpc import Set
from tests.lab.lab import Lab

NAME = "Device.Services.FAPService.1.AccessMgmt.LTE.HNBName"
ORIGIN = "Device.DeviceInfo.X_00256D_StateOrigin"
EXPEDITED = "Device.FaultMgmt.ExpeditedEvent.1."


def state(lab: Lab) -> Path:
    return lab.folder / "store" / "state.json"


def set_name(lab: Lab, name: str) -> int | None:
    """Have the HeMS name the cell; return the code of the fault, None for none."""
    since = time.monotonic()
    lab.hems.play([Set({NAME: (name, "xsd:string")})])
    lab.call()
    answer = lab.log.wait("SetParameterValuesResponse", 20, since=since)
    fault = answer.facts["fault"]
    return None if fault is None else int(fault.code)


def kept_name(lab: Lab) -> str:
    found: str = json.loads(state(lab).read_text())["document"]["values"].get(NAME, "")
    return found


def test_damaged_state_is_told_and_the_one_before_is_used(registered: Lab) -> None:
    for name in ("first", "second"):
        assert set_name(registered, name) is None
    registered.henbd.stop()
    content = state(registered).read_bytes()
    state(registered).write_bytes(content[: len(content) // 2])
    since = time.monotonic()
    registered.henbd.start()
    inform = registered.log.wait("Inform", 20, since=since)
    assert inform.facts["events"] == [("4 VALUE CHANGE", "")]
    assert inform.facts["parameters"][ORIGIN] == "Previous"
    registered.log.wait("session-end", 20, since=since)
    assert kept_name(registered) == "first"


def test_state_of_a_later_version_is_kept_for_it_and_the_box_starts_anew(
    registered: Lab,
) -> None:
    registered.henbd.stop()
    store = Store(str(state(registered).parent))
    later = {"version": 1000, "values": {"what": "nobody knows yet"}}
    for number in (1, 2):
        store.save({**later, "number": number})
    content = state(registered).read_bytes()
    since = time.monotonic()
    registered.henbd.start()
    inform = registered.log.wait("Inform", 20, since=since)
    assert ("0 BOOTSTRAP", "") in inform.facts["events"]
    registered.log.wait("session-end", 20, since=since)
    for name in ("first", "second"):
        assert set_name(registered, name) is None
    assert state(registered).with_suffix(".json.damaged").read_bytes() == content


def test_state_that_is_lost_altogether_is_a_box_from_the_factory(registered: Lab) -> None:
    registered.henbd.stop()
    for name in ("state.json", "state.json.old"):
        (registered.folder / "store" / name).write_bytes(b"\0" * 4096)
    since = time.monotonic()
    registered.henbd.start()
    inform = registered.log.wait("Inform", 20, since=since)
    assert ("0 BOOTSTRAP", "") in inform.facts["events"]


MOUNT = {
    "read-only": "mount -o remount,ro .",
    "full": "cat /dev/zero >ballast 2>/dev/null || true",
}


@contextmanager
def mounted(lab: Lab, what: str) -> Iterator[None]:
    """Have a flash under henbd, with what was kept, that takes nothing more."""
    store = state(lab).parent
    inside = ("nsenter", "--target", str(lab.henbd.pid), "--mount", "sh", "-ec")
    fill = f"""
        cp -a {store} {store}.copy
        mount -t tmpfs -o size=256k none {store}
        cp -a {store}.copy/. {store}
        cd {store}
        {MOUNT[what]}
    """
    subprocess.run([*inside, fill], check=True)
    try:
        yield
    finally:
        subprocess.run([*inside, f"umount -l {store}"], check=True)


@pytest.mark.parametrize("what", MOUNT)
def test_flash_that_takes_nothing_refuses_the_set_and_keeps_what_it_has(
    registered: Lab, what: str
) -> None:
    assert set_name(registered, "before") is None
    with mounted(registered, what):
        assert set_name(registered, "after") == 9002
        assert set_name(registered, "again") == 9002
    assert set_name(registered, "and again") is None
    assert kept_name(registered) == "and again"


@pytest.mark.conformance("C173", "C174")
def test_flash_that_takes_nothing_for_a_while_is_an_alarm(registered: Lab) -> None:
    since = time.monotonic()
    with mounted(registered, "read-only"):
        assert set_name(registered, "after") == 9002
        inform = registered.log.wait(
            "Inform",
            60,
            since=since,
            where=lambda e: f"{EXPEDITED}NotificationType" in e.facts["parameters"],
        )
        told = {
            path.removeprefix(EXPEDITED): value
            for path, value in inform.facts["parameters"].items()
            if path.startswith(EXPEDITED)
        }
        assert inform.facts["events"] == [("4 VALUE CHANGE", "")]
        assert len(told) == 10, "all of the row"
        assert told["NotificationType"] == "NewAlarm"
        assert told["SpecificProblem"] == "The flash does not take the state"
        assert told["PerceivedSeverity"] == "Major"
        assert told["ManagedObjectInstance"].startswith("ManagedElement=00256D-")
