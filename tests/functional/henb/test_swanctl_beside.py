"""Somebody else's swanctl in the same charon: an init script calls `--load-all` at each reload."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lab import topology
from tests.lab.lab import Lab
from tests.lab.probe import eventually


def swanctl(lab: Lab, *arguments: str) -> str:
    """Run swanctl against the HeNB's charon; return what it says."""
    return subprocess.run(
        ["swanctl", *arguments, "--uri", f"unix://{lab.charon.vici.path}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.lab(configuration={"ipsec": {"audit_s": 1}})
def test_what_load_all_removes_is_put_back_and_nothing_goes_down(
    registered: Lab, tmp_path: Path
) -> None:
    lab = registered
    # The user plane's peer has come into the tunnel too: from here on nothing is to be done.
    assert eventually(lambda: str(topology.SGW) in swanctl(lab, "--list-conns"))
    (before,) = lab.charon.vici.sas()
    informs, loads = len(lab.log.events("Inform")), lab.henbd.text().count("LoadConnection(")
    empty = tmp_path / "swanctl.conf"
    empty.touch()
    swanctl(lab, "--load-all", "--noprompt", "--file", str(empty))
    assert eventually(lambda: lab.henbd.text().count("LoadConnection(") > loads)
    assert eventually(lambda: before.name in swanctl(lab, "--list-conns"))
    (after,) = lab.charon.vici.sas()
    assert (after.unique_id, after.state) == (before.unique_id, "ESTABLISHED")
    assert lab.status()["s1"]["up"]
    assert len(lab.log.events("Inform")) == informs
