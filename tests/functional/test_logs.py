"""Where log lines go, and how a level is told there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from henbd.logs import MOST_WAITING

PROGRAM = """
import logging, os, sys
from henbd import logs
from henbd.settings import LogTarget
if len(sys.argv) > 2:
    found = os.fstat(2)
    os.environ["JOURNAL_STREAM"] = sys.argv[2].format(found.st_dev, found.st_ino)
logs.begin()
logs.configure("info", LogTarget(sys.argv[1]))
logger = logging.getLogger("henbd.test")
logger.error("first\\nsecond\\x1b\\x9b2J")
logger.debug("not wanted")
logger.info("last")
logger.warning("x" * 2000)
logging.getLogger("library").info("not wanted either")
"""


# Whatever is in a text that somebody else has a part in, it stays on a line that has an end.
FIRST = "first second\ufffd\ufffd2J"
LONG = "x" * 800 + "… (2000 characters)"


def said(*arguments: str) -> str:
    """Return what a program of ours logs to standard error, which is a file."""
    plain = {k: v for k, v in os.environ.items() if k != "JOURNAL_STREAM"}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, env=plain, stderr=subprocess.PIPE, text=True, check=True)
    return done.stderr


WAITING = """
import logging, sys, threading
from henbd import logs

def cry(text):
    print(text, file=sys.stderr, flush=True)

logs.begin()
logger = logging.getLogger("henbd.test")
logger.info("waits")
cry("nothing yet")
logs.flush()
cry("all is there")
logger.info("waits again")
logger.warning("cannot wait")
cry("all is there again")
logger.info("waits once more")
thread = threading.Thread(target=logger.info, args=["of another thread"])
thread.start()
thread.join()
for number in range(logs.MOST_WAITING):
    logger.info("%d", number)
cry("so many do not wait")
logger.info("until the end")
"""


def test_lines_of_the_loop_wait_until_it_lets_them_go() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WAITING], stderr=subprocess.PIPE, text=True, check=True
    )
    lines = [line.removeprefix("INFO henbd.test: ") for line in done.stderr.splitlines()]
    assert lines == [
        *("nothing yet", "waits", "all is there"),
        *("waits again", "WARNING henbd.test: cannot wait", "all is there again"),
        *("waits once more", "of another thread", *map(str, range(MOST_WAITING))),
        *("so many do not wait", "until the end"),
    ]


@pytest.mark.parametrize("arguments", [("auto",), ("stderr", "{}:{}"), ("auto", "{}:4711")])
def test_standard_error_has_the_level_as_a_word(
    arguments: tuple[str, ...],
) -> None:
    first, second, third = said(*arguments).splitlines()
    assert (first, second) == (f"ERROR henbd.test: {FIRST}", "INFO henbd.test: last")
    assert third == f"{f'WARNING henbd.test: {LONG}'[:800]}… (2020 characters)"


def test_the_journal_has_the_level_of_each_line_as_a_number() -> None:
    assert said("auto", "{}:{}") == f"<3>{FIRST}\n<6>last\n<4>{LONG}\n"


def test_syslog_has_the_level_and_who_says_it(tmp_path: Path) -> None:
    receiver = """
import os, socket, subprocess, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/dev/log")
listener.settimeout(5)
os.chmod("/dev/log", 0o666)
subprocess.run([sys.executable, "-c", sys.argv[1], "syslog"], check=True)
for _ in range(3):
    print(listener.recv(4096).rstrip(b"\\0").decode())
"""
    # A /dev of its own: that of this machine is not ours to write to.
    script = (
        f"mount -t tmpfs dev {tmp_path} && touch {tmp_path}/null && mount --bind {tmp_path} /dev"
    )
    command = ["unshare", "--mount", "sh", "-c", f'{script} && exec "$@"', "sh"]
    done = subprocess.run(
        [*command, sys.executable, "-c", receiver, PROGRAM],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    # The facility daemon is 3 (RFC 5424 6.2.1): 8 * 3 + level.
    assert [line[: line.index(">") + 1] for line in lines] == ["<27>", "<30>", "<28>"]
    assert all(" henbd[" in line for line in lines)
    assert lines[0].endswith(f": {FIRST}")
    assert all(len(line.encode()) <= 1024 for line in lines)
