"""What an uninstall takes away from a box that runs, the VM here, and what it leaves there."""

from __future__ import annotations

import os
from pathlib import Path

from tests.functional.systemd.box import CONFIGURATION, IN_THE_VM, show
from tests.lab.lab import ROOT
from tests.lab.namespaces import run

pytestmark = IN_THE_VM


def test_an_uninstall_ends_the_service_and_leaves_what_is_the_boxs() -> None:
    assert show("ActiveState") == {"ActiveState": "active"}
    run(str(ROOT / "systemd" / "install.sh"), "uninstall", timeout_s=60)
    for unit in ("henbd", "henbd-guard"):
        assert show("LoadState", "ActiveState", unit=unit) == {
            "LoadState": "not-found",
            "ActiveState": "inactive",
        }
    installed = Path(os.environ["HENBD_INSTALLED"])
    names = [path.relative_to(installed) for path in installed.rglob("*") if path.is_file()]
    assert [name for name in names if Path("/", name).exists()] == []
    for folder in ("systemd/system", "polkit-1/rules.d"):
        assert list(Path("/etc", folder).rglob("*henbd*")) == []

    assert CONFIGURATION.exists()
    assert Path("/var/lib/henbd/state.json").exists()
    assert run("id", "-un", "henbd") == "henbd\n"
    # Whatever the stack does now, it does not do it in the clear.
    assert "block" in run("ip", "xfrm", "policy")
