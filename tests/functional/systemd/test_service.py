"""henbd as a service of systemd, in a VM where that is process 1 (`make test-systemd`).

The lab's HeNB is a namespace of the VM: units of charon and henbd are put into it by a drop-in.
What is installed is what `make install DESTDIR=$HENBD_INSTALLED` has made.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.events import PATIENCE
from tests.lab.lab import ROOT, Lab, Options, provisioning
from tests.lab.namespaces import CommandFailed, run
from tests.lab.probe import eventually

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.skipif("HENBD_INSTALLED" not in os.environ, reason="not in the VM with systemd"),
    pytest.mark.timeout(600),
]

UP = "registered; tunnel up 10.99.0.1; S1 up"
CONFIGURATION = Path("/etc/henbd/henbd.toml")
LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")
NET_ADMIN = 1 << 12
WATCHDOG_S = 4


class Box(Lab):
    """A lab whose henbd and charon are services."""

    @property
    def s1_socket(self) -> Path:
        """Where the unit has its runtime directory."""
        return Path("/run/henbd/s1.sock")

    @property
    def control_socket(self) -> Path:
        """There, too."""
        return Path("/run/henbd/control.sock")

    def install(self) -> None:
        """Put everything into its place, and the units into the HeNB's namespace."""
        self.charon.stop()
        run("cp", "-a", f"{os.environ['HENBD_INSTALLED']}/.", "/")
        for unit in ("henbd", "henbd-guard", "strongswan"):
            drop_in = Path(f"/run/systemd/system/{unit}.service.d/lab.conf")
            drop_in.parent.mkdir(parents=True)
            drop_in.write_text(f"[Service]\nNetworkNamespacePath=/run/netns/{self.net.henb.name}\n")
        with Path("/run/systemd/system/henbd.service.d/lab.conf").open("a") as file:
            file.write(f"WatchdogSec={WATCHDOG_S * PATIENCE}\nTimeoutAbortSec={PATIENCE}\n")
            file.write(f"TimeoutStartSec={20 * PATIENCE}\n")
        self.configure()
        files = (self.pki.henb.certificate, self.pki.henb.key, self.pki.ike_ca.certificate)
        CONFIGURATION.parent.mkdir()
        for file in (*files, self.configuration_file):
            shutil.copy(file, CONFIGURATION.parent)
        text = CONFIGURATION.read_text()
        for file in files:
            text = text.replace(str(file), str(CONFIGURATION.parent / file.name))
        CONFIGURATION.write_text(text)
        run(str(ROOT / "systemd" / "install.sh"), "activate")


def show(*names: str, unit: str = "henbd") -> dict[str, str]:
    """Return properties of a unit."""
    lines = run("systemctl", "show", unit, f"--property={','.join(names)}").splitlines()
    return dict(line.split("=", 1) for line in lines)


def pid() -> int:
    return int(show("MainPID")["MainPID"])


def is_up() -> bool:
    return show("StatusText")["StatusText"] == UP


def journal(*options: str) -> list[dict[str, Any]]:
    run("journalctl", "--sync")
    text = run("journalctl", "--unit=henbd", "--output=json", *options)
    return [json.loads(line) for line in text.splitlines()]


def informed(box: Box, since: float) -> list[list[str]]:
    """Return the events of each Inform since then."""
    informs = box.log.events("Inform", since)
    return [[code for code, _ in inform.facts["events"]] for inform in informs]


def henbd(*arguments: str, group: str = "henbd") -> str:
    """Have somebody ask henbd something."""
    ids = ("--reuid=nobody", "--regid=nogroup", f"--groups={group}")
    return run("setpriv", *ids, "/usr/local/bin/henbd", *arguments)


def as_user(user: str, *command: str) -> str:
    """Have somebody without rights run a command."""
    return run("setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", *command)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    """A box that has been installed, and registered."""
    configuration = {
        "ipsec": {"vici": "/run/charon.vici"},
        "store": {"directory": "/var/lib/henbd"},
        "device": {"boot_id_file": None},
    }
    with Box(Options(configuration=configuration)) as box:
        box.install()
        box.hems.play([provisioning()])
        try:
            run("systemctl", "start", "strongswan")
            run("systemctl", "start", "henbd", timeout_s=60)
            box.stack.start()
            yield box
        finally:
            print(run("journalctl", "--unit=henbd*", "--unit=strongswan", "--lines=200"))


def test_it_is_started_when_it_is_ready_and_says_what_goes_on(box: Box) -> None:
    found = show("ActiveState", "Type", "User")
    assert found == {"ActiveState": "active", "Type": "notify", "User": "henbd"}
    assert eventually(is_up, 60), show("StatusText")
    assert box.complaints() == []


@pytest.mark.usefixtures("box")
def test_it_has_one_capability_and_is_nobody_in_particular() -> None:
    lines = Path(f"/proc/{pid()}/status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines)
    for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == NET_ADMIN, name
    assert status["NoNewPrivs"] == "1"
    assert status["Uid"].split()[0] == run("id", "-u", "henbd").strip()
    assert sorted(status["Groups"].split()) == sorted(run("id", "-G", "henbd").split())
    # Its log it may send to the HeMS.
    assert "systemd-journal" in run("id", "-Gn", "henbd").split()


@pytest.mark.usefixtures("box")
def test_its_group_may_ask_it_and_nobody_else() -> None:
    assert "S1           up" in henbd("status")
    with pytest.raises(CommandFailed, match="no permission"):
        henbd("status", group="nogroup")
    assert CONFIGURATION.stat().st_mode & 0o777 == 0o640


@pytest.mark.usefixtures("box")
def test_the_journal_has_levels() -> None:
    lines = journal()
    (first,) = [line for line in lines if line["MESSAGE"].startswith("henbd 0")]
    assert first["PRIORITY"] == "6"
    assert not [line for line in lines if "Traceback" in line["MESSAGE"]]


def test_a_reload_is_taken_and_drops_nothing(box: Box) -> None:
    before, setups = pid(), len(box.log.events("S1SetupRequest"))
    with CONFIGURATION.open("a") as file:
        file.write('[log]\nlevel = "debug"\n')
    run("systemctl", "reload", "henbd")
    assert eventually(lambda: any("read again" in line["MESSAGE"] for line in journal()), 10)
    assert (pid(), is_up()) == (before, True)
    assert len(box.log.events("S1SetupRequest")) == setups


def test_a_loop_that_hangs_is_killed_and_takes_up_where_it_was(box: Box) -> None:
    hung, since = pid(), time.monotonic()
    os.kill(hung, signal.SIGSTOP)
    assert eventually(lambda: pid() not in (0, hung), 4 * WATCHDOG_S)
    assert eventually(is_up, 60)
    assert show("NRestarts")["NRestarts"] == "1"
    assert any("watchdog" in line["MESSAGE"].lower() for line in journal())
    box.calm()
    assert ["0 BOOTSTRAP"] not in informed(box, since)
    assert not [codes for codes in informed(box, since) if "1 BOOT" in codes]


def test_a_stop_leaves_the_guards_and_a_new_charon_is_no_matter(box: Box) -> None:
    run("systemctl", "stop", "henbd")
    assert show("ActiveState", "Result") == {"ActiveState": "inactive", "Result": "success"}
    assert "block" in box.net.henb.run("ip", "xfrm", "policy")
    run("systemctl", "restart", "strongswan")
    since = time.monotonic()
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(is_up, 60), show("StatusText")
    assert not [codes for codes in informed(box, since) if "1 BOOT" in codes]
    assert box.complaints() == []


def test_guards_stand_before_henbd_does(box: Box) -> None:
    run("systemctl", "stop", "henbd", "strongswan")
    box.net.henb.run("ip", "xfrm", "policy", "flush")
    # It counts as active since it did its work at boot.
    run("systemctl", "restart", "henbd-guard")
    policies = box.net.henb.run("ip", "xfrm", "policy")
    assert "dst 10.30.0.2/32" in policies
    assert "block" in policies
    run("systemctl", "start", "strongswan")
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(is_up, 60), show("StatusText")


@pytest.mark.usefixtures("box")
def test_a_wrong_configuration_is_not_tried_again() -> None:
    kept = CONFIGURATION.read_text()
    CONFIGURATION.write_text(kept.replace("[hems]", "[hems]\ncolour = 1", 1))
    with pytest.raises(CommandFailed):
        run("systemctl", "restart", "henbd", timeout_s=60)
    assert show("ActiveState", "ExecMainStatus") == {"ActiveState": "failed", "ExecMainStatus": "2"}
    assert any("hems.colour" in line["MESSAGE"] for line in journal())
    CONFIGURATION.write_text(kept)
    run("systemctl", "start", "henbd", timeout_s=60)
    assert eventually(is_up, 60), show("StatusText")


@pytest.mark.usefixtures("box")
@pytest.mark.usefixtures("box")
def test_the_rule_opens_two_doors_to_henbd_and_to_nobody_else() -> None:
    assert "yes" in as_user("henbd", "busctl", "call", *LOGIND, "CanReboot")
    assert "yes" not in as_user("nobody", "busctl", "call", *LOGIND, "CanReboot")
    stack = Path("/run/systemd/system/srsenb.service")
    stack.write_text("[Service]\nExecStart=/bin/sleep infinity\n")
    other = stack.with_name("other.service")
    other.write_text(stack.read_text())
    run("systemctl", "daemon-reload")
    as_user("henbd", "systemctl", "restart", "srsenb")
    assert show("ActiveState", unit="srsenb") == {"ActiveState": "active"}
    for user, unit in (("henbd", "other"), ("nobody", "srsenb")):
        with pytest.raises(CommandFailed, match="uthentication"):
            as_user(user, "systemctl", "--no-ask-password", "restart", unit)
    as_user("henbd", "systemctl", "stop", "srsenb")
    assert show("ActiveState", unit="srsenb") == {"ActiveState": "inactive"}
