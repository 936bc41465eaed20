"""What an operator types, and what henbd says to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import henbd
from tests.lab.lab import ROOT, Lab
from tests.lab.probe import eventually

NOBODY = 65534


def run(*arguments: str, **popen: Any) -> subprocess.CompletedProcess[str]:
    """Run henbd to its end."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, "-m", "henbd", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **popen,
    )
    return done


def test_version() -> None:
    done = run("--version")
    assert (done.returncode, done.stdout) == (0, f"henbd {henbd.__version__}\n")


def test_check_config_names_every_mistake_with_line_and_key(tmp_path: Path) -> None:
    file = tmp_path / "henbd.toml"
    file.write_text(
        '[device]\nmanufacturer = 3\noui = "xyz"\n\n[hems]\nurl = "ftp://x"\ncolour = 1\n'
    )
    done = run("check-config", str(file))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{file}:{number}" for number in (1, 2, 3, 6, 7)
    ] or all(str(file) in line for line in lines)
    for key in ("device.manufacturer", "device.oui", "device.serial_number", "hems.url"):
        assert key in done.stderr
    assert "hems.colour" in done.stderr


def test_a_wrong_configuration_ends_with_2_before_anything_is_touched(tmp_path: Path) -> None:
    file = tmp_path / "henbd.toml"
    file.write_text("[store]\ndirectory = 7\n")
    done = run("run", "--config", str(file))
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == [file]


def test_status_of_a_daemon_that_is_not_there_says_so(tmp_path: Path) -> None:
    done = run("status", "--socket", str(tmp_path / "control.sock"))
    assert done.returncode == 1
    assert "not running" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_shows_a_screen_and_json(registered: Lab) -> None:
    assert eventually(lambda: not registered.status()["waiting_for"])
    screen = run("status", "--socket", str(registered.control_socket))
    assert screen.returncode == 0
    for word in ("10.99.0.1", "10.30.0.2", "registered", "mme-1"):
        assert word in screen.stdout
    values = run("status", "--json", "--socket", str(registered.control_socket))
    assert json.loads(values.stdout)["s1"]["up"] is True


def test_without_rights_it_says_what_it_lacks_and_lives() -> None:
    """To read the guards takes CAP_NET_ADMIN: without it henbd brings no tunnel up."""
    with Lab() as lab:
        for path in (lab.folder, *lab.folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        lab.henbd.start("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
        assert eventually(lambda: "CAP_NET_ADMIN" in lab.henbd.text(), 20), lab.henbd.text()
        assert eventually(lab.answers)
        assert "CAP_NET_ADMIN" in str(lab.status()["waiting_for"])
        assert not lab.log.events("ike-up")
        assert lab.henbd.stop() == 0
