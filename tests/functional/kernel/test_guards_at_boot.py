"""The guards put back before the network is there, and what an operator does with them by hand."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from henbd.actions import AddGuard
from henbd.control.guard import guards
from henbd.errors import StoreError
from henbd.system.guard_file import GuardFile
from henbd.values import EspMode, Kernel
from tests.functional.kernel.kernel_box import FAR, INNER, NETWORK, Bells, see, send, shell_in
from tests.lab.lab import ROOT, toml
from tests.lab.namespaces import Namespace, join, namespaces

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

SCRIPT = ROOT / "systemd" / "henbd-guard"

BLOCKS = "block out, block out dev wan0, block out dev wan1"

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def box() -> Iterator[Namespace]:
    """A box that has just been switched on: nothing but its loopback, and that is down."""
    with namespaces("box") as (made,):
        yield made


@pytest.fixture
def file(tmp_path: Path) -> GuardFile:
    return GuardFile(str(tmp_path / "store"))


def boot(box: Namespace, path: Path) -> Done:
    """Do what the box does before networking."""
    return _in(box, "/bin/sh", str(SCRIPT), str(path))


def _in(box: Namespace, *command: str, stdin: str = "") -> Done:
    return subprocess.run(
        ("ip", "netns", "exec", box.name, *command),
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def seen(box: Namespace) -> Kernel:
    with shell_in(box, Bells()) as shell:
        return see(shell)


# The file.


def test_the_file_is_read_as_it_was_written(file: GuardFile, tmp_path: Path) -> None:
    assert file.kept == frozenset()
    file.keep(NETWORK.values())
    assert GuardFile(str(tmp_path / "store")).kept == frozenset(NETWORK.values())
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["guards"]


def test_a_damaged_file_is_to_be_written_anew(file: GuardFile, tmp_path: Path) -> None:
    file.keep(())
    (tmp_path / "store" / "guards").write_bytes(b"to 10.30\xff")
    assert GuardFile(str(tmp_path / "store")).kept is None


def test_a_flash_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("in the way")
    file = GuardFile(str(tmp_path / "store"))
    with pytest.raises(StoreError):
        file.keep(NETWORK.values())
    assert file.kept is None


# The boot.


@pytest.mark.kernel
def test_the_guards_of_the_next_boot_are_those_that_henbd_would_put_in(
    box: Namespace, file: GuardFile, tmp_path: Path
) -> None:
    """So they are taken over by their marks, and nothing has to be done again."""
    file.keep(NETWORK.values())
    for _ in range(2):
        done = boot(box, tmp_path / "store" / "guards")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        kernel = seen(box)
        assert kernel.guards == guards(NETWORK.values(), (), kernel, EspMode.POLICY)


@pytest.mark.kernel
def test_what_comes_up_after_the_guards_finds_them_closed(
    box: Namespace, file: GuardFile, tmp_path: Path
) -> None:
    file.keep(NETWORK.values())
    boot(box, tmp_path / "store" / "guards")
    with namespaces("far") as (far,):
        box.ip("link set lo up", join("wan0", far, "wan0"), "link set wan0 up")
        box.ip("address add 10.1.0.1/24 dev wan0", "address add fd01::1/64 dev wan0")
        far.ip("link set wan0 up", "address add 10.1.0.2/24 dev wan0")
        box.ip("route add default via 10.1.0.2", "route add default via fd01::2")
        with box.inside():
            for version in (4, 6):
                assert send(FAR[version]) == errno.ENETUNREACH
                assert send(FAR[version], device="wan0") in (errno.EPERM, errno.ENETUNREACH)


def test_without_a_file_there_is_nothing_to_guard(box: Namespace, tmp_path: Path) -> None:
    done = boot(box, tmp_path / "guards")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert seen(box).guards == frozenset()


def test_a_damaged_line_is_told_and_the_rest_is_put_in(box: Namespace, tmp_path: Path) -> None:
    path = tmp_path / "guards"
    path.write_text("to $(reboot)\nto 10.0.0.0/8/8\nto\nnetns exec x\nto 10.30.0.0/16\n")
    done = boot(box, path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 4
    kernel = seen(box)
    assert kernel.guards == guards((NETWORK[4],), (), kernel, EspMode.POLICY)


# By hand.


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "henbd.toml"
    device = {"manufacturer": "m", "oui": "00256D", "serial_number": "1"}
    sections = {
        "device": device,
        "hems": {"url": "http://192.0.2.1/"},
        "store": {"directory": str(tmp_path / "store")},
        "control": {"socket": str(tmp_path / "control.sock")},
    }
    path.write_text(toml(sections))
    path.chmod(0o600)
    return path


def henbd(box: Namespace, configuration: Path, *arguments: str, stdin: str = "") -> Done:
    call = (sys.executable, "-m", "henbd", "guard", "--config", str(configuration))
    return _in(box, *call, *arguments, stdin=stdin)


def test_guard_shows_what_stands(box: Namespace, file: GuardFile, configuration: Path) -> None:
    assert henbd(box, configuration, "--show").stdout == "no guard stands\n"
    file.keep((NETWORK[4],))
    box.ip("link set lo up", "link add wan0 type veth peer name wan1")
    with shell_in(box, Bells()) as shell:
        for mode in EspMode:
            for guard in guards((NETWORK[4],), (INNER[6],), see(shell), mode):
                shell.perform(AddGuard(guard))
    done = henbd(box, configuration, "--show")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"from fd99::7/128: {BLOCKS}, unreachable",
        f"to 10.30.0.0/16: block fwd, block in, {BLOCKS}, unreachable",
        "to fd99::7/128: unreachable",
        "kept for the next boot: 10.30.0.0/16",
    ]


@pytest.mark.parametrize("answer", ["no", "", "y"])
def test_guard_removes_nothing_without_a_yes(
    box: Namespace, file: GuardFile, tmp_path: Path, configuration: Path, answer: str
) -> None:
    file.keep(NETWORK.values())
    boot(box, tmp_path / "store" / "guards")
    before = seen(box).guards
    done = henbd(box, configuration, "--remove", stdin=answer and f"{answer}\n")
    assert done.returncode == 1
    assert seen(box).guards == before
    assert GuardFile(str(tmp_path / "store")).kept == frozenset(NETWORK.values())


def test_guard_removes_nothing_while_a_henbd_may_run_though_it_does_not_answer(
    box: Namespace, file: GuardFile, tmp_path: Path, configuration: Path
) -> None:
    file.keep(NETWORK.values())
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "control.sock"))
        listener.listen()
        done = henbd(box, configuration, "--remove", "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "henbd does not answer within" in done.stderr
    assert GuardFile(str(tmp_path / "store")).kept == frozenset(NETWORK.values())


@pytest.mark.parametrize(("arguments", "stdin"), [((), "yes\n"), (("--yes",), "")])
def test_guard_removes_all_of_them_now_and_for_the_next_boot(
    box: Namespace,
    file: GuardFile,
    tmp_path: Path,
    configuration: Path,
    arguments: tuple[str, ...],
    stdin: str,
) -> None:
    file.keep(NETWORK.values())
    boot(box, tmp_path / "store" / "guards")
    box.ip("rule add to 10.77.0.0/16 priority 221 unreachable")
    box.ip("xfrm policy add src 10.0.0.0/8 dst 10.30.0.0/16 dir out action block priority 7")
    done = henbd(box, configuration, "--remove", *arguments, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("removed: 8\n")
    assert seen(box).guards == frozenset()
    assert boot(box, tmp_path / "store" / "guards").returncode == 0
    assert seen(box).guards == frozenset()
    assert "10.77.0.0/16" in box.run("ip", "rule")
    assert "priority 7" in box.run("ip", "xfrm", "policy")
