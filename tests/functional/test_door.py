"""The commands of the system that henbd has run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from henbd.errors import DoorError
from henbd.system.door import Door
from tests.functional.loop import Loop


def shell(loop: Loop, script: str) -> Door:
    return Door(["/bin/sh", "-c", script], loop.doorbell)


def test_reboot_runs_the_command_and_does_not_wait_for_it(tmp_path: Path) -> None:
    done, loop = tmp_path / "done", Loop()
    before = time.monotonic()
    shell(loop, f"sleep 0.5; echo x >> {done}").reboot()
    assert time.monotonic() - before < 0.5
    loop.turn_until(done.exists)


def test_command_that_is_at_it_is_not_run_again(tmp_path: Path) -> None:
    done, loop = tmp_path / "done", Loop()
    door = shell(loop, f"echo x >> {done}; exec sleep 60")
    door.reboot()
    loop.turn_until(done.exists)
    door.reboot()
    loop.settle()
    assert done.read_text() == "x\n"


def test_command_that_cannot_be_run_is_an_error_that_names_it() -> None:
    with pytest.raises(DoorError, match="/nowhere/reboot: No such file or directory"):
        Door(["/nowhere/reboot"], Loop().doorbell).reboot()


def test_a_door_that_is_shut_is_told_with_its_reason_and_may_be_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done, loop = tmp_path / "done", Loop()
    door = shell(loop, f"echo x >> {done}; echo Access denied >&2; exit 4")
    for times in (1, 2):
        caplog.clear()
        door.reboot()
        loop.turn_until(lambda: len(caplog.records) == 2)
        assert caplog.messages == [
            "/bin/sh: Access denied",
            "/bin/sh ended with 4: the box is not rebooted",
        ]
        assert done.read_text() == "x\n" * times
