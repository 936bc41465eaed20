"""henbd as a service of systemd, in a VM where that is process 1 (`make test-systemd`).

The lab's HeNB is a namespace of the VM: units of charon and henbd are put into it by a drop-in,
until the VM is switched off. When it is switched on again, with its disk, it is the HeNB itself.
What is installed is what `make install DESTDIR=$HENBD_INSTALLED` has made.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.functional.systemd import next_boot
from tests.lab.events import PATIENCE
from tests.lab.lab import ROOT, Lab
from tests.lab.namespaces import run

IN_THE_VM = [
    pytest.mark.systemd,
    pytest.mark.skipif("HENBD_INSTALLED" not in os.environ, reason="not in the VM with systemd"),
    pytest.mark.timeout(600),
]

UP = "registered; tunnel up 10.99.0.1; S1 up"
CONFIGURATION = Path("/etc/henbd/henbd.toml")
UNITS = Path("/run/systemd/system")
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
        # What this VM does not do when it boots: the journal is for its group to read.
        run("systemd-tmpfiles", "--create", "--prefix=/run/log/journal")
        run("cp", "-a", f"{os.environ['HENBD_INSTALLED']}/.", "/")
        for unit in ("henbd", "henbd-guard", "strongswan"):
            self.put_in_namespace(unit)
        with (UNITS / "henbd.service.d" / "lab.conf").open("a") as file:
            file.write(f"WatchdogSec={WATCHDOG_S * PATIENCE}\nTimeoutAbortSec={PATIENCE}\n")
            file.write(f"TimeoutStartSec={20 * PATIENCE}\n")
        self.configure()
        files = (self.pki.henb.certificate, self.pki.henb.key, self.pki.ike_ca.certificate)
        CONFIGURATION.parent.mkdir()
        for path in (*files, self.configuration_file):
            shutil.copy(path, CONFIGURATION.parent)
        text = CONFIGURATION.read_text()
        for path in files:
            text = text.replace(str(path), str(CONFIGURATION.parent / path.name))
        CONFIGURATION.write_text(text)
        run(str(ROOT / "systemd" / "install.sh"), "activate")
        run("systemctl", "enable", "henbd", "henbd-guard")
        next_boot.prepare()

    def put_in_namespace(self, unit: str, *more: str) -> None:
        """Have a service run in the HeNB's namespace, with these lines more in its section."""
        drop_in = UNITS / f"{unit}.service.d" / "lab.conf"
        drop_in.parent.mkdir(parents=True)
        namespace = f"NetworkNamespacePath=/run/netns/{self.net.henb.name}"
        drop_in.write_text("\n".join(["[Service]", namespace, *more, ""]))


def show(*names: str, unit: str = "henbd") -> dict[str, str]:
    """Return properties of a unit."""
    lines = run("systemctl", "show", unit, f"--property={','.join(names)}").splitlines()
    return dict(line.split("=", 1) for line in lines)


def pid() -> int:
    """Return the main process of henbd; 0: it does not run."""
    return int(show("MainPID")["MainPID"])


def is_up() -> bool:
    """Return whether henbd says that all is as it should be."""
    return show("StatusText")["StatusText"] == UP


def journal(*options: str) -> list[dict[str, Any]]:
    """Return what the journal has of henbd."""
    run("journalctl", "--sync")
    text = run("journalctl", "--unit=henbd", "--output=json", *options)
    return [json.loads(line) for line in text.splitlines()]


def as_user(user: str, *command: str) -> str:
    """Have somebody without rights run a command."""
    return run("setpriv", f"--reuid={user}", "--regid=nogroup", "--clear-groups", *command)
