"""What henbd, which is not root, has systemd do as root, as far as polkit opens the door."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.functional.file_server import IMAGE, FileServer
from tests.functional.henb.test_transfers import completed, order, serving, url
from tests.functional.systemd.box import (
    CONFIGURATION,
    IN_THE_VM,
    UNITS,
    Box,
    as_user,
    is_up,
    journal,
    show,
)
from tests.lab.hems.rpc import Download, Reboot, Upload
from tests.lab.lab import ROOT
from tests.lab.namespaces import CommandFailed, run
from tests.lab.probe import eventually

pytestmark = IN_THE_VM

LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
RULES = Path("/etc/polkit-1/rules.d/50-henbd.rules")
STACK_RULES = RULES.with_name("51-henbd-stack.rules")
INSTALLER = Path("/usr/local/sbin/henbd-install-firmware")


def may_reboot(user: str) -> bool:
    """Return whether polkit opens that door to a user."""
    return "yes" in as_user(user, "busctl", "call", *LOGIND, "CanReboot")


def restart(user: str, unit: str) -> None:
    """Have a user restart a unit; CommandFailed: the door is shut."""
    as_user(user, "systemctl", "--no-ask-password", "restart", unit)


def set_doors(*, are_open: bool) -> None:
    """Put the rules there or take them away, and wait until polkit has seen it."""
    kept = Path("/run/henbd.rules")
    shutil.move(*(kept, RULES) if are_open else (RULES, kept))
    assert eventually(lambda: may_reboot("henbd") is are_open, 10)


def logged(text: str) -> Callable[[], bool]:
    """Return what tells whether the log has a text in it."""
    return lambda: any(text in line["MESSAGE"] for line in journal())


def test_the_log_goes_to_the_hems_that_asks_for_it(box: Box) -> None:
    assert eventually(is_up, 20), show("StatusText")
    files = FileServer()
    with serving(box, files):
        told = completed(box, order(box, Upload("2 Vendor Log File", url("/log"), "log")))
    assert (told.command_key, told.fault_code, told.fault_text) == ("log", 0, "")
    assert b"henbd 0" in files.received["/log"]
    assert b"session ended" in files.received["/log"]


def test_an_image_is_for_the_box_to_install_and_refused_if_the_door_is_shut(box: Box) -> None:
    """The installer takes it as root, and then says no: this machine is not to become another."""
    installed = Path("/run/installed")
    INSTALLER.parent.mkdir(parents=True, exist_ok=True)
    INSTALLER.write_text(f'#!/bin/sh\nid -u >{installed}\ncat "$1" >>{installed}\nexit 1\n')
    INSTALLER.chmod(0o755)
    image = ("1 Firmware Upgrade Image", url("/image"))
    with serving(box, FileServer()):
        set_doors(are_open=False)
        told = completed(box, order(box, Download(*image, "shut")))
        assert (told.command_key, told.fault_code) == ("shut", 9010)
        assert "uthentication" in told.fault_text
        assert not installed.exists()
        set_doors(are_open=True)
        told = completed(box, order(box, Download(*image, "open")))
        assert (told.command_key, told.fault_code) == ("open", 9010)
        assert "uthentication" not in told.fault_text
    assert installed.read_bytes() == b"0\n" + IMAGE


def test_the_stack_that_is_configured_is_started_by_henbd_and_no_other_unit(box: Box) -> None:
    """The rule for it is made when henbd starts, and goes when it is not configured any more."""
    file = Path("/run/enb/enb.conf")
    file.parent.mkdir()
    file.write_text("[enb]\nenb_id = 0x19B\nmcc = 001\nmnc = 01\n")
    for path in (file, file.parent):
        shutil.chown(path, "henbd", "henbd")
    program = f"{sys.executable} -m tests.lab.srsenb --stop-s 1 --retry-s 2 {file}"
    for name in ("my-enb", "other"):
        text = f"[Service]\nWorkingDirectory={ROOT}\nExecStart={program}\n"
        (UNITS / f"{name}.service").write_text(text)
        box.put_in_namespace(name)
    drop_in = UNITS / "henbd.service.d" / "stack.conf"
    drop_in.write_text(f"[Service]\nReadWritePaths={file.parent}\n")
    run("systemctl", "daemon-reload")
    box.stack.stop()
    kept = CONFIGURATION.read_text()
    keys = f'adapter = "srsenb"\nservice = "my-enb"\nfile = "{file}"\n'
    CONFIGURATION.write_text(kept.replace("[s1]\n", f"[s1]\n{keys}", 1))
    assert not STACK_RULES.exists()
    run("systemctl", "restart", "henbd", timeout_s=60)
    assert eventually(is_up, 20), show("StatusText")
    assert show("ActiveState", unit="my-enb") == {"ActiveState": "active"}
    for user, unit in (("henbd", "other"), ("nobody", "my-enb")):
        with pytest.raises(CommandFailed, match="uthentication"):
            restart(user, unit)

    CONFIGURATION.write_text(kept)
    run("systemctl", "restart", "henbd", timeout_s=60)
    assert not STACK_RULES.exists()
    run("systemctl", "stop", "my-enb")
    box.stack.start()
    assert eventually(is_up, 20), show("StatusText")


def test_a_reboot_is_for_the_box_to_do_and_refused_if_the_door_is_shut(box: Box) -> None:
    """What would end this machine is put in the place of its reboot.target."""
    assert eventually(is_up, 20), show("StatusText")
    assert not may_reboot("nobody")
    done = Path("/run/rebooted")
    proof = "[Service]\nType=oneshot\nExecStart=touch"
    (UNITS / "proof.service").write_text(f"[Unit]\nDefaultDependencies=no\n{proof} {done}\n")
    target = "[Unit]\nDefaultDependencies=no\nRequires=proof.service\nAfter=proof.service\n"
    (UNITS / "reboot.target").write_text(target)
    set_doors(are_open=False)
    run("systemctl", "daemon-reload")
    box.hems.play([Reboot("a key")])
    assert box.call() in (200, 204)
    assert eventually(logged("/sbin/reboot ended with 1: the box is not rebooted"), 30)
    assert show("ActiveState") == {"ActiveState": "active"}
    assert not done.exists()
    set_doors(are_open=True)
    # The order stands.
    run("systemctl", "restart", "henbd", timeout_s=60)
    assert eventually(done.exists, 30)
