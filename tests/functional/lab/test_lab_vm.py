"""The VM runner: a full kernel, this machine's files, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.lab.vm import FAILED, TIMED_OUT
from tests.lab.vm_kernel import CACHE

pytestmark = [
    pytest.mark.skipif("HENBD_VM" in os.environ, reason="this is the VM"),
    pytest.mark.skipif(not shutil.which("qemu-system-x86_64"), reason="no QEMU"),
    pytest.mark.skipif(
        not (CACHE / "linux").exists(), reason="no kernel: python -m tests.lab.vm --prepare"
    ),
]


def vm(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the runner as a person would."""
    with open(os.memfd_create("stdin"), "w+") as file:
        file.write(stdin)
        file.seek(0)
        return subprocess.run(
            [sys.executable, "-m", "tests.lab.vm", *arguments],
            stdin=file,
            capture_output=True,
            text=True,
            check=False,
        )


def test_command_has_its_streams_status_and_folder_and_nothing_else(tmp_path: Path) -> None:
    outside = Path("/tmp") / f"henbd-{uuid.uuid4()}"
    script = (
        "cat; echo fault >&2; uname -r; pwd; echo $HENBD_VM $LAB_PATIENCE;"
        f"touch {tmp_path}/kept {outside} && ls {outside}; exit 42"
    )
    done = vm("--rw", str(tmp_path), "--", "sh", "-c", script, stdin="a line\n")
    assert done.returncode == 42
    assert done.stderr == "fault\n"
    said = done.stdout.splitlines()
    assert said[0] == "a line"
    assert said[1] != os.uname().release
    assert said[2] == os.getcwd()
    assert said[3] in ("1 15", "1 3")
    assert said[4] == str(outside)
    assert (tmp_path / "kept").exists()
    assert not outside.exists()


def test_what_is_on_the_disk_is_there_when_the_vm_is_switched_on_again(tmp_path: Path) -> None:
    disk = ("--disk", str(tmp_path / "disk"), "--", "sh", "-c")
    boot = "cat /proc/sys/kernel/random/boot_id"
    first = vm(*disk, f"echo kept >/var/lib/henbd-vm; {boot}")
    again = vm(*disk, f"cat /var/lib/henbd-vm; {boot}")
    assert (first.returncode, again.returncode) == (0, 0), (first.stderr, again.stderr)
    kept, boot_id = again.stdout.split()
    assert kept == "kept"
    assert boot_id != first.stdout.strip()


def test_systemd_is_process_1_where_it_is_wanted() -> None:
    done = vm("--systemd", "--", "cat", "/proc/1/comm")
    assert (done.returncode, done.stdout) == (0, "systemd\n")


def test_command_that_takes_too_long_ends_with_its_vm() -> None:
    done = vm("--timeout", "1", "--", "sleep", "1000")
    assert done.returncode == TIMED_OUT
    assert "no end after 1 s" in done.stderr


def test_dead_vm_is_told_from_a_failed_command() -> None:
    done = vm("--", "sh", "-c", "echo c >/proc/sysrq-trigger")
    assert done.returncode == FAILED
    assert "vm: no status" in done.stderr
    assert "sysrq triggered crash" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "why"), [((), "no command"), (("--rw", "/nowhere", "true"), "no folder /nowhere")]
)
def test_wrong_use_is_told_before_any_vm_is_made(arguments: tuple[str, ...], why: str) -> None:
    done = vm(*arguments)
    assert done.returncode == 2
    assert why in done.stderr
