"""What is in the package: its Makefile is run, and its modules without their sources."""

from __future__ import annotations

import compileall
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from henbd import __version__
from henbd.config_keys import SECTIONS
from tests.openwrt.board import FILES, STUBS, TREE

# Mode of each file that is installed, with the directory of modules aside.
INSTALLED = {
    "etc/capabilities/henbd.json": 0o644,
    "etc/config/henbd": 0o600,
    "etc/init.d/henbd": 0o755,
    "etc/init.d/henbd-guard": 0o755,
    "etc/strongswan.d/henbd.conf": 0o644,
    "etc/uci-defaults/90-henbd": 0o755,
    "usr/bin/henbd": 0o755,
    "usr/libexec/henbd-firmware": 0o755,
    "usr/libexec/henbd-guard": 0o755,
    "usr/libexec/rpcd/henbd": 0o755,
    "usr/share/acl.d/henbd.json": 0o644,
    "usr/share/henbd/henbd.config": 0o644,
    "usr/share/nftables.d/chain-pre/input/20-henbd.nft": 0o644,
    "usr/share/nftables.d/chain-pre/srcnat/20-henbd.nft": 0o644,
}


def make(package: str, target: str, **variables: object) -> str:
    """Run a package's Makefile in a buildroot of stubs; return what it says."""
    settings = {"TOPDIR": STUBS / "buildroot", **variables}
    return subprocess.run(
        [
            *("make", "--silent", "--warn-undefined-variables", "-C", TREE / "openwrt" / package),
            *(target, *(f"{name}={value}" for name, value in settings.items())),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_package_installs_its_files(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make("henbd", "install", BUILD_DIR=tmp_path / "build", DESTDIR=root)
    found = {
        str(file.relative_to(root)): stat.S_IMODE(file.stat().st_mode)
        for file in root.rglob("*")
        if file.is_file()
    }
    assert found == INSTALLED
    built = tmp_path / f"build/henbd-{__version__}"
    assert {path.name for path in built.iterdir()} == {
        *("setup.py", "README.md", "LICENSE", "henbd", "systemd", "ipkg-install")
    }


@pytest.mark.parametrize(
    ("directory", "package"),
    [
        ("henbd", "henbd"),
        ("python-vici", "python3-vici"),
        ("python-sdnotify", "python3-sdnotify"),
    ],
)
def test_package_is_built_with_and_without_sources(directory: str, package: str) -> None:
    assert make(directory, "packages").split() == [package, f"{package}-src"]
    assert make(directory, "depends").split()[0] == "+python3-light"


@pytest.fixture(scope="module")
def sourceless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build what setup.py installs, and leave of it what OpenWrt does: bytecode without sources."""
    folder = tmp_path_factory.mktemp("sourceless")
    build = ["setup.py", "--quiet", "build", "--build-base", f"{folder}/build", "--build-lib"]
    subprocess.run([sys.executable, *build, f"{folder}/lib"], cwd=TREE, check=True)
    assert compileall.compile_dir(folder / "lib", quiet=1, legacy=True)
    for source in (folder / "lib").rglob("*.py"):
        source.unlink()
    return folder / "lib"


# Imports each module, and reads the table of parameters.
USE_ALL = """
import importlib, pkgutil, henbd
for module in pkgutil.walk_packages(henbd.__path__, "henbd."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from henbd.model.table import device_table
device_table("00256D")
print(henbd.__file__)
"""


def python(modules: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(modules)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_version_is_that_of_the_package(sourceless: Path) -> None:
    done = python(sourceless, "-m", "henbd", "--version")
    assert (done.returncode, done.stdout) == (0, f"henbd {__version__}\n")


def test_tests_are_not_installed(sourceless: Path) -> None:
    assert {path.name for path in sourceless.iterdir()} == {"henbd"}


def test_every_module_works_without_its_source(sourceless: Path) -> None:
    done = python(sourceless, "-c", USE_ALL)
    assert done.stdout == f"{sourceless}/henbd/__init__.pyc\n", done.stderr


def files(folder: Path) -> set[Path]:
    """Return the files in a folder that are no modules."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder) for path in found if path.suffix not in (".py", ".pyc")}


def test_every_file_beside_the_modules_is_installed(sourceless: Path) -> None:
    """And the date of the build, which the tree itself does not have."""
    assert files(sourceless / "henbd") == files(TREE / "henbd") | {Path("built")}


# The chains of OpenWrt's firewall that our rules go into, before all others.
FIREWALL = """
table inet fw4 {{
    chain input {{
        type filter hook input priority filter; policy drop;
        {input}
    }}
    chain srcnat {{
        type nat hook postrouting priority srcnat; policy accept;
        {srcnat}
        meta nfproto ipv4 masquerade
    }}
}}
"""


def test_firewall_takes_our_rules(tmp_path: Path) -> None:
    rules = {name: (FILES / f"henbd-{name}.nft").read_text() for name in ("input", "srcnat")}
    ruleset = tmp_path / "firewall.nft"
    ruleset.write_text(FIREWALL.format(**rules))
    check = ["unshare", "--net", "nft", "--check", "--file", str(ruleset)]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_connection_requests_pass_at_the_port_that_is_the_default() -> None:
    port = SECTIONS["connection_request"]["port"].default
    assert f"tcp dport {port} accept" in (FILES / "henbd-input.nft").read_text()
