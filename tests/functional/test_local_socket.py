"""The file of a socket: whose it is, who may come in, and what else may be in its place."""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from henbd.errors import HenbdError
from henbd.system.s1ap.native import NOBODY, NativeAdapter
from tests.functional.loop import LIMIT_S, Loop
from tests.functional.stacks.native_stack import Native


def stranger(path: Path, groups: list[int], told: int) -> None:
    """Be somebody else, ask for a pong, and write down what comes of it; never return."""
    os.setgroups(groups)
    os.setgid(65534)
    os.setuid(65534)
    answer = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(LIMIT_S)
        try:
            connection.connect(str(path))
            with contextlib.suppress(BrokenPipeError):
                connection.sendall(b'{"type": "ping"}\n')
            answer = connection.recv(1000)
        except OSError as error:
            answer = str(error.strerror).encode()
    os.write(told, answer)
    os._exit(0)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory that other users can go through, as they can through /run."""
    with tempfile.TemporaryDirectory(prefix="henbd-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture
def native(folder: Path) -> Iterator[Native]:
    fixture = Native(folder)
    yield fixture
    fixture.close()


def test_the_socket_is_for_its_owner_and_group_alone(native: Native) -> None:
    assert stat.S_IMODE(native.path.stat().st_mode) == 0o660
    native.adapter.close()
    assert not native.path.exists()
    native.adapter = native.another(group="daemon")
    assert native.path.group() == "daemon"


def test_a_stale_socket_is_replaced(native: Native) -> None:
    os.rename(native.path, native.path.with_suffix(".kept"))
    native.adapter.close()
    os.rename(native.path.with_suffix(".kept"), native.path)
    native.adapter = native.another()
    native.stack().hello()
    native.loop.turn_until(lambda: native.rings)


def test_the_socket_of_another_daemon_is_left_alone(native: Native) -> None:
    with pytest.raises(HenbdError, match=f"another daemon listens on {native.path}"):
        native.another()
    native.stack().hello()
    native.loop.turn_until(lambda: native.rings)

    kept = native.adapter
    native.path.unlink()
    native.adapter = native.another()
    kept.close()
    assert native.path.exists(), "it is not the one that the first has made"


def test_a_file_that_is_no_socket_is_left_alone(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "s1.sock").write_text("precious")
    with pytest.raises(HenbdError, match=r"s1\.sock is there, and is no socket"):
        Native(folder)
    assert (folder / "run" / "s1.sock").read_text() == "precious"


def test_a_socket_that_cannot_be_made_is_an_error(folder: Path) -> None:
    (folder / "run").write_text("a file")
    with pytest.raises(HenbdError, match=r"socket .*s1\.sock: (File exists|Not a directory)"):
        Native(folder)
    with pytest.raises(HenbdError, match=r"there is no group 'no-such-group'"):
        NativeAdapter(f"{folder}/s1.sock", "no-such-group", Loop().doorbell, time.monotonic, print)
    assert os.listdir(folder) == ["run"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(
    ("groups", "mode", "answer"),
    [
        ([], 0o660, "Permission denied"),
        ([], 0o666, '{"type":"error","text":"no permission: be root, or in the group of this'),
        ([1], 0o660, '{"type":"pong"}'),
    ],
)
def test_only_members_of_the_group_are_let_in(
    native: Native, groups: list[int], mode: int, answer: str
) -> None:
    os.chown(native.path, -1, 1)
    native.adapter.close()
    native.adapter = native.another(group="daemon")
    os.chmod(native.path, mode)
    told, telling = os.pipe()
    child = os.fork()
    if not child:
        stranger(native.path, groups, telling)
    os.close(telling)
    with open(told) as heard:
        native.loop.turn_until(lambda: select.select([heard], [], [], 0)[0])
        assert heard.read().startswith(answer)
    os.waitpid(child, 0)


def test_a_caller_that_there_is_no_descriptor_for_is_shed(
    native: Native, caplog: pytest.LogCaptureFixture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    stack = native.stack()
    try:
        # The next descriptor would be this one.
        resource.setrlimit(resource.RLIMIT_NOFILE, (stack.socket.fileno() + 1, hard))
        native.loop.turn_until(lambda: caplog.messages)
        native.loop.settle()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caplog.messages == [f"{native.path}: accept: Too many open files"]
    assert stack.hear() == {}
    native.stack().hello()
    native.loop.turn_until(lambda: native.adapter.observe() != NOBODY)


def test_nothing_is_left_behind(folder: Path) -> None:
    before = os.listdir("/proc/self/fd")
    fixture = Native(folder)
    fixture.stack().hello()
    fixture.loop.turn_until(lambda: fixture.rings)
    fixture.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)
