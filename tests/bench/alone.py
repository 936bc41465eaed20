"""A henbd with nothing but an ACS: two network namespaces, a cable, and no tunnel."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bench.acs import Acs
from tests.lab.lab import ROOT, toml
from tests.lab.namespaces import join, namespaces

HENB, ACS = "192.0.2.1", "192.0.2.2"
ACS_PORT, CALL_PORT, BARE_PORT = 7557, 7547, 7600
CALLER = ("hems", "call me")

# A disk is no part of what is timed.
MEMORY = "/dev/shm"

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Alone:
    """The two ends. henbd is started with `start`, as often as wanted.

    `changes` are laid over its configuration, section by section.
    """

    def __init__(self, changes: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        with ExitStack() as undo:
            folder = tempfile.TemporaryDirectory(prefix="henbd-", dir=MEMORY)
            self.folder = Path(undo.enter_context(folder))
            self.run_folder, self.store_folder = self.folder / "run", self.folder / "store"
            self.run_folder.mkdir()
            self.store_folder.mkdir(mode=0o700)
            self.henb, self.core = undo.enter_context(namespaces("henb", "core"))
            self.henb.ip(
                join("wan0", self.core, "core0"),
                *("link set lo up", "link set wan0 up", f"address add {HENB}/24 dev wan0"),
            )
            self.core.ip("link set core0 up", f"address add {ACS}/24 dev core0")
            with self.core.inside():
                self.acs = Acs(ACS, ACS_PORT)
                undo.callback(self.acs.close)
            self._process: subprocess.Popen[Any] | None = None
            self._radio: Radio | None = None
            undo.callback(self.stop)
            self._configure(changes or {})
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._undo.close()

    @property
    def pid(self) -> int:
        """The number of the daemon's process."""
        assert self._process is not None
        return self._process.pid

    def boot(self) -> None:
        """Have henbd believe, from its next start on, that the box was booted again."""
        (self.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")

    def start(self) -> float:
        """Start henbd, to which the box was just booted; return when that was."""
        self.boot()
        at = time.monotonic()
        self._process = self.run("-m", "henbd", "run", "--config", str(self.folder / "henbd.toml"))
        return at

    def run(self, *arguments: str, **popen: Any) -> subprocess.Popen[Any]:
        """Start a Python on the HeNB's side."""
        # As it is installed: with its bytecode beside it.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(self.folder / "bytecode")
        with (self.folder / "log").open("ab") as log:
            usual = {"cwd": ROOT, "env": environment, "stdout": log, "stderr": log}
            return self.henb.start(sys.executable, *arguments, **{**usual, **popen})

    def stop(self) -> None:
        """End henbd."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self.ended()

    def register(self) -> None:
        """Start henbd and have it hold its first session."""
        held = self.acs.sessions
        self.start()
        self.acs.wait(held + 1)

    def nudge(self) -> None:
        """Give henbd something to tell."""
        if self._radio is None:
            self._radio = Radio(self.run_folder / "s1.sock")
        self._radio.switch()

    def session(self) -> None:
        """Have a session held that is only an Inform, unless the ACS has something to ask."""
        held = self.acs.sessions
        self.nudge()
        self.acs.wait(held + 1)

    @property
    def running(self) -> bool:
        """Whether henbd lives."""
        return self._process is not None and self._process.poll() is None

    def ended(self) -> int:
        """Wait for henbd's end; return its exit status."""
        assert self._process is not None
        if self._radio is not None:
            self._radio.close()
            self._radio = None
        process, self._process = self._process, None
        return process.wait(60)

    @property
    def log(self) -> str:
        """What henbd and the others on its side have written."""
        return (self.folder / "log").read_text(errors="replace")

    @property
    def cpu_s(self) -> float:
        """How long henbd's threads have been on a processor so far."""
        return cpu_s(self.pid)

    @property
    def resident_mib(self) -> float:
        """How much memory henbd has."""
        return resident_mib(self.pid)

    def _configure(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        device = {"manufacturer": "henbd bench", "oui": "00256D", "serial_number": "000001"}
        sections: dict[str, dict[str, Any]] = {
            "device": {**device, "boot_id_file": str(self.folder / "boot_id")},
            "hems": {"url": f"http://{ACS}:{ACS_PORT}/"},
            "connection_request": {
                "port": CALL_PORT,
                "path": "/call",
                "username": CALLER[0],
                "password": CALLER[1],
            },
            "s1": {"socket": str(self.run_folder / "s1.sock")},
            "store": {"directory": str(self.store_folder)},
            "control": {"socket": str(self.run_folder / "control.sock")},
        }
        for section, keys in changes.items():
            sections[section].update(keys)
        file = self.folder / "henbd.toml"
        file.write_text(toml(sections))
        file.chmod(0o600)


class Radio:
    """An S1AP stack that only tells whether it transmits: each change is an Inform."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._say(type="hello", version=1, name="radio", generation=0, config=None)
        self._on = False

    def switch(self) -> None:
        """Say that it transmits, if it said last that it does not."""
        self._on = not self._on
        self._say(type="status", generation=0, peers=[], transmitting=self._on, user_plane_peers=[])

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _say(self, **fields: Any) -> None:
        self._socket.sendall(json.dumps(fields).encode() + b"\n")


def resident_mib(pid: int) -> float:
    """Return how much memory a process has."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * PAGE_BYTES / 2**20


def cpu_s(pid: int) -> float:
    """Return how long the threads of a process have been on a processor so far."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
