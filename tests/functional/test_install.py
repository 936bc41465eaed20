"""`make install` into a folder that is to be packed: what is there, and whether it works."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import henbd
from tests.lab.lab import ROOT
from tests.lab.namespaces import run

PREFIX = "/opt/henb"
SYSTEM = f"{PREFIX}/lib/systemd/system"

# By the scale of systemd-analyze(1): 10 is no protection at all.
MOST_EXPOSURE = 2.0


def make(target: str, folder: Path) -> None:
    run("make", "-C", str(ROOT), target, f"DESTDIR={folder}", f"PREFIX={PREFIX}", timeout_s=300)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("installed")
    make("install", folder)
    yield folder
    shutil.rmtree(folder)


def test_each_file_is_in_its_place(installed: Path) -> None:
    files = {str(p.relative_to(installed)) for p in installed.rglob("*") if p.is_file()}
    library = f"{PREFIX}/lib/henbd/".lstrip("/")
    assert {name for name in files if not name.startswith(library)} == {
        name.lstrip("/")
        for name in (
            "/etc/polkit-1/rules.d/50-henbd.rules",
            "/etc/strongswan.d/henbd.conf",
            f"{PREFIX}/bin/henbd",
            f"{PREFIX}/lib/systemd/networkd.conf.d/henbd.conf",
            f"{PREFIX}/lib/sysusers.d/henbd.conf",
            f"{PREFIX}/lib/tmpfiles.d/henbd.conf",
            f"{PREFIX}/libexec/henbd/firmware",
            f"{PREFIX}/libexec/henbd/guard",
            f"{PREFIX}/libexec/henbd/stack-rule.py",
            f"{PREFIX}/share/bash-completion/completions/henbd",
            f"{PREFIX}/share/man/man5/henbd.toml.5",
            f"{PREFIX}/share/man/man8/henbd.8",
            f"{SYSTEM}/henbd.service",
            f"{SYSTEM}/henbd-guard.service",
            f"{SYSTEM}/henbd-firmware@.service",
        )
    }
    assert f"{library}henbd/model/tables/device.tsv" in files
    newest = max(file.stat().st_mtime for file in (ROOT / "henbd").rglob("*.py"))
    assert (installed / library / "henbd/built").read_text() == f"{int(newest)}\n"
    assert not [name for name in files if "/tests/" in name and "henbd/tests" in name]


def test_no_path_is_left_open_and_none_leads_into_the_folder(installed: Path) -> None:
    library = installed / PREFIX.lstrip("/") / "lib" / "henbd"
    for file in installed.rglob("*"):
        if file.is_file() and library not in file.parents:
            text = file.read_text()
            assert not re.search(r"@[A-Z]+@", text), file
            assert str(installed) not in text, file


def test_the_program_runs_from_where_it_will_be(installed: Path) -> None:
    """A mount in a namespace of its own puts it there."""
    script = f"mkdir -p {PREFIX} && mount --bind {installed}{PREFIX} {PREFIX} && {PREFIX}/bin/henbd"
    command = ("unshare", "--mount", "sh", "-c", f"{script} --version; rmdir {PREFIX} || true")
    try:
        assert run(*command) == f"henbd {henbd.__version__}\n"
    finally:
        run("rmdir", "--ignore-fail-on-non-empty", PREFIX)


def test_an_image_is_handed_to_the_unit_that_is_named_for_it(
    installed: Path, tmp_path: Path
) -> None:
    systemctl = tmp_path / "systemctl"
    systemctl.write_text('#!/bin/sh\necho "$@"\n')
    systemctl.chmod(0o755)
    program = f"{installed}{PREFIX}/libexec/henbd/firmware"
    said = run("env", f"PATH={tmp_path}:/usr/bin:/bin", program, "/tmp/henbd-x7.img")
    assert said == "--no-ask-password start henbd-firmware@tmp-henbd\\x2dx7.img.service\n"


@pytest.mark.parametrize("unit", ["henbd.service", "henbd-guard.service"])
def test_unit_exposes_little(installed: Path, unit: str) -> None:
    said = run("systemd-analyze", "security", "--offline=true", f"{installed}{SYSTEM}/{unit}")
    (line,) = [line for line in said.splitlines() if "Overall exposure" in line]
    assert float(line.split(":")[1].split()[0]) <= MOST_EXPOSURE


def lines_of(installed: Path, unit: str) -> dict[str, str]:
    """Return what a unit says, by key; of a key that is there twice the last."""
    text = Path(f"{installed}{SYSTEM}/{unit}").read_text()
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"\w+=", line))


def test_a_loop_that_hangs_is_noticed_and_started_again(installed: Path) -> None:
    unit = lines_of(installed, "henbd.service")
    assert unit["Restart"] == "on-failure"
    # The loop says that it lives in a half of this.
    assert 10 <= int(unit["WatchdogSec"]) <= 60


def test_the_order_is_guards_network_charon_henbd(installed: Path) -> None:
    """Before=network-pre.target: no network is configured before the guards stand."""
    guard, daemon = (lines_of(installed, f"{name}.service") for name in ("henbd-guard", "henbd"))
    assert {"network-pre.target", "henbd.service"} <= set(guard["Before"].split())
    assert guard["DefaultDependencies"] == "no"
    assert guard["WantedBy"] == "sysinit.target"
    after = set(daemon["After"].split())
    assert {"strongswan.service", "strongswan-starter.service", "henbd-guard.service"} <= after


def test_daemon_has_one_capability(installed: Path) -> None:
    unit = Path(f"{installed}{SYSTEM}/henbd.service").read_text().splitlines()
    given = [line.partition("=")[2] for line in unit if line.startswith("AmbientCapabilities=")]
    bound = [line.partition("=")[2] for line in unit if line.startswith("CapabilityBoundingSet=")]
    assert given == bound == ["CAP_NET_ADMIN"]


def test_the_kernel_may_be_asked_of_its_clock_and_not_be_told(installed: Path) -> None:
    """ProtectClock= forbids both, and no certificate's dates would ever count."""
    unit = Path(f"{installed}{SYSTEM}/henbd.service").read_text().splitlines()
    allowed = [line.partition("=")[2] for line in unit if line.startswith("SystemCallFilter=")]
    assert {"adjtimex", "clock_adjtime", "clock_adjtime64"} <= set(" ".join(allowed).split())
    assert not [line for line in unit if line.startswith("ProtectClock=")]
    assert "CAP_SYS_TIME" not in "\n".join(line for line in unit if not line.startswith("#"))


def test_an_uninstall_removes_what_the_install_has_made(tmp_path: Path) -> None:
    kept = tmp_path / "etc" / "henbd" / "henbd.toml"
    kept.parent.mkdir(parents=True)
    kept.write_text("")
    make("install", tmp_path)
    make("uninstall", tmp_path)
    assert [p for p in tmp_path.rglob("*") if not p.is_dir()] == [kept]
