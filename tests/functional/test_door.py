"""The commands of the system that henbd has run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from henbd.errors import DoorError
from henbd.system.door import Door


def wait_for(file: Path, text: str) -> None:
    """Wait until a file has this content."""
    until = time.monotonic() + 10
    while not file.exists() or file.read_text() != text:
        assert time.monotonic() < until, "the command was not run"
        time.sleep(0.01)


def test_reboot_runs_the_command_and_does_not_wait_for_it(tmp_path: Path) -> None:
    done = tmp_path / "done"
    door = Door(["/bin/sh", "-c", f"sleep 0.2; echo x >> {done}"])
    before = time.monotonic()
    door.reboot()
    assert time.monotonic() - before < 0.2
    wait_for(done, "x\n")


def test_command_that_is_at_it_is_not_run_again(tmp_path: Path) -> None:
    done = tmp_path / "done"
    door = Door(["/bin/sh", "-c", f"echo x >> {done}; sleep 5"])
    door.reboot()
    wait_for(done, "x\n")
    door.reboot()
    time.sleep(0.2)
    wait_for(done, "x\n")


def test_command_that_cannot_be_run_is_an_error_that_names_it() -> None:
    with pytest.raises(DoorError, match="/nowhere/reboot: No such file or directory"):
        Door(["/nowhere/reboot"]).reboot()
