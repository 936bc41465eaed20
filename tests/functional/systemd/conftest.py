"""The box that all of these tests are about: each finds it registered, and leaves it so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.systemd.box import Box
from tests.lab.lab import Options, provisioning
from tests.lab.namespaces import run

CONFIGURATION: dict[str, dict[str, Any]] = {
    "ipsec": {"vici": "/run/charon.vici"},
    "store": {"directory": "/var/lib/henbd"},
    "device": {"boot_id_file": None},
    "transfers": {"firmware_install": ["/usr/local/libexec/henbd/firmware"]},
    # The machine here is the VM.
    "commands": {"reboot": None},
}


@pytest.fixture(scope="session")
def box() -> Iterator[Box]:
    """A box that has been installed, and registered."""
    with Box(Options(configuration=CONFIGURATION)) as box:
        box.install()
        box.hems.play([provisioning()])
        try:
            run("systemctl", "start", "strongswan")
            run("systemctl", "start", "henbd", timeout_s=60)
            box.stack.start()
            yield box
        finally:
            print(run("journalctl", "--unit=henbd*", "--unit=strongswan", "--lines=200"))
