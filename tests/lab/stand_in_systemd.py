#!/usr/bin/env python3
"""A stand-in for systemctl and journalctl, with one service; which of the two, its own name says.

Its state is the directory that it lies in: `command` (JSON) is what the service runs.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import uuid
from pathlib import Path

HERE = Path(__file__).parent
RUNNING = HERE / "running"


def main() -> int:
    """Do what the arguments say."""
    if Path(sys.argv[0]).name == "journalctl":
        name = sys.argv[-1].partition("=")[2]
        os.execvp("tail", ["tail", "-n", "+1", "-f", str(HERE / f"journal.{name}")])
    verb = sys.argv[1]
    if verb == "show":
        pid, name = run()
        print(f"MainPID={pid}\nInvocationID={name}")
    if verb in ("stop", "restart"):
        stop()
    if verb == "restart":
        start()
    return 0


def run() -> tuple[int, str]:
    """Return process and invocation of the service, 0 where it does not run."""
    if not RUNNING.exists():
        return 0, ""
    pid, name = json.loads(RUNNING.read_text())
    stat = Path(f"/proc/{pid}/stat")
    alive = stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
    return (pid, name) if alive else (0, "")


def stop() -> None:
    """End the service, and wait until it has ended."""
    pid, _ = run()
    if pid:
        descriptor = os.pidfd_open(pid)
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(90_000)
    RUNNING.unlink(missing_ok=True)


def start() -> None:
    """Start the service, with its output in the journal."""
    name = uuid.uuid4().hex
    with (HERE / f"journal.{name}").open("wb") as journal:
        process = subprocess.Popen(
            json.loads((HERE / "command").read_text()),
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=journal,
            start_new_session=True,
        )
    RUNNING.write_text(json.dumps([process.pid, name]))


if __name__ == "__main__":
    sys.exit(main())
