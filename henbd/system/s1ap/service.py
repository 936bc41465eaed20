"""How a service manager starts and stops the program of a stack: systemd, or OpenWrt's procd.

The manager is asked by its own commands; the program's main process is watched by its pidfd, and
what it writes is read from the log of the system, from the beginning of that run.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from henbd.errors import StackError
from henbd.system.doorbell import Doorbell
from henbd.system.lines import LONGEST_LINE, LineBuffer
from henbd.system.process import Process
from henbd.system.s1ap.runner import STOP_S, Watch

logger = logging.getLogger(__name__)

# A manager that does not answer by then is asked again later.
COMMAND_S = 30.0

# A manager that restarts a program by itself does so within this.
LOOK_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """A run of the service: its main process, and what the log knows it by."""

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class Manager:
    """The commands of a service manager for one service."""

    start: tuple[str, ...]
    stop: tuple[str, ...]
    look: tuple[str, ...]
    # What the answer to `look` means; None: it does not run. ValueError for no answer.
    running: Callable[[bytes], Running | None]
    # None: what it writes does not matter.
    log: Callable[[Running], tuple[str, ...]] | None


def systemd(service: str) -> Manager:
    """Return how systemd is asked about a unit."""
    return Manager(
        start=("systemctl", "restart", service),
        stop=("systemctl", "stop", service),
        look=("systemctl", "show", "--property=MainPID,InvocationID", service),
        running=_systemd_running,
        log=lambda run: (
            "journalctl",
            "--follow",
            "--lines=all",
            "--output=cat",
            f"_SYSTEMD_INVOCATION_ID={run.name}",
        ),
    )


def procd(service: str) -> Manager:
    """Return how procd is asked about a service of OpenWrt.

    To start and to stop it is root's, whom the package's plugin of rpcd asks for us.
    """
    return Manager(
        start=("ubus", "call", "henbd", "stack", '{"action":"restart"}'),
        stop=("ubus", "call", "henbd", "stack", '{"action":"stop"}'),
        look=("ubus", "call", "service", "list", json.dumps({"name": service})),
        running=_procd_running,
        log=lambda run: ("logread", "-f", "-e", rf"\[{run.pid}\]: "),
    )


def _systemd_running(output: bytes) -> Running | None:
    lines = output.decode("utf-8", "replace").splitlines()
    known = {name: value for name, _, value in (line.partition("=") for line in lines)}
    if "MainPID" not in known:
        raise ValueError("systemctl names no MainPID")
    pid = int(known["MainPID"])
    return Running(pid, known.get("InvocationID", "")) if pid else None


def _procd_running(output: bytes) -> Running | None:
    services: Any = json.loads(output)
    if not isinstance(services, dict):
        raise ValueError("ubus names no services")
    for service in services.values():
        for instance in service.get("instances", {}).values():
            if instance.get("running") and isinstance(instance.get("pid"), int):
                return Running(instance["pid"], "")
    return None


class ServiceRunner:
    """Has a service manager run the program, which goes on without us."""

    def __init__(
        self, manager: Manager, doorbell: Doorbell, clock: Callable[[], float], watch: Watch
    ) -> None:
        self._manager = manager
        self._doorbell = doorbell
        self._clock = clock
        self._watch = watch
        self._command: Process | None = None
        self._command_ends_at: float | None = None
        self._output = bytearray()
        self._complaint = ""
        self._run: Running | None = None
        self._descriptor: int | None = None
        self._log: Process | None = None
        self._log_lines = LineBuffer()
        self._follow_at: float | None = None
        self._stopping = False
        self._kill_at: float | None = None

    def look(self) -> None:
        """Ask the manager whether it runs."""
        self._ask(self._manager.look, self._looked)

    def start(self) -> None:
        """Have the manager start it; whether it then runs is looked for."""
        self._ask(self._manager.start, lambda _output: self.look())

    def stop(self) -> None:
        """Have the manager stop it; it has stopped when its process has gone, too."""
        self._stopping = True
        self._kill_at = self._clock() + STOP_S
        self._ask(self._manager.stop, lambda _output: self._check_stopped())

    def wake_at(self) -> float | None:
        """Return when a command, or a stop, has had its time."""
        times = (self._command_ends_at, self._kill_at, self._follow_at)
        return min((at for at in times if at is not None), default=None)

    def tick(self, now: float) -> None:
        """End what has had its time."""
        if self._command_ends_at is not None and now >= self._command_ends_at:
            self._command_ends_at = None
            if self._command is not None:
                self._complaint = f"it took more than {COMMAND_S:g} s"
                self._command.kill()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill_at = None
            self._kill()
        if self._follow_at is not None and now >= self._follow_at:
            self._follow()

    def close(self) -> None:
        """Let go of it; it goes on."""
        if self._command is not None:
            self._command.abandon()
            self._command = None
        self._forget()

    def _ask(self, command: tuple[str, ...], then: Callable[[bytes], None]) -> None:
        if self._command is not None:
            self._command.abandon()
        self._output.clear()
        self._complaint = ""
        self._command_ends_at = self._clock() + COMMAND_S

        def ended(status: int) -> None:
            self._command, self._command_ends_at = None, None
            if status:
                self._fail(f"{' '.join(command)}: {self._complaint or f'status {status}'}")
                return
            then(bytes(self._output))

        try:
            self._command = Process(command, self._doorbell, self._said, self._complained, ended)
        except StackError as error:
            self._command_ends_at = None
            self._fail(str(error))

    def _said(self, data: bytes) -> None:
        self._output += data[: LONGEST_LINE - len(self._output)]

    def _complained(self, line: str) -> None:
        self._complaint = self._complaint or line

    def _fail(self, text: str) -> None:
        self._stopping, self._kill_at = False, None
        self._watch.failed(text)

    def _looked(self, output: bytes) -> None:
        try:
            run = self._manager.running(output)
        except (ValueError, AttributeError) as error:
            self._fail(f"{self._manager.look[0]}: {error}")
            return
        if run != self._run:
            self._forget()
            if run is not None:
                self._adopt(run)
        (self._watch.stopped if self._run is None else self._watch.started)()

    def _adopt(self, run: Running) -> None:
        """Watch the process of a run, and its log."""
        try:
            self._descriptor = os.pidfd_open(run.pid)
        except OSError as error:
            logger.info("process %d of the service: %s", run.pid, error.strerror)
            return
        self._run = run
        self._doorbell.watch(self._descriptor, self._exited)
        self._follow()

    def _follow(self) -> None:
        assert self._run is not None
        self._follow_at = None
        if self._manager.log is None:
            return
        self._log_lines = LineBuffer()
        command = self._manager.log(self._run)
        try:
            self._log = Process(
                command, self._doorbell, self._logged, self._log_complained, self._log_ended
            )
        except StackError as error:
            logger.error("how S1 is cannot be known: %s", error)

    def _logged(self, data: bytes) -> None:
        for line in self._log_lines.feed(data):
            self._watch.said(line.decode("utf-8", "replace"))

    def _log_complained(self, line: str) -> None:
        logger.warning("the log of the service: %s", line)

    def _log_ended(self, _status: int) -> None:
        self._log = None
        self._follow_at = self._clock() + LOOK_AGAIN_S

    def _exited(self) -> None:
        logger.info("process %d of the service has ended", self._run.pid if self._run else 0)
        self._forget()
        if self._stopping:
            self._check_stopped()
        else:
            self._watch.stopped()

    def _check_stopped(self) -> None:
        """Tell that it has stopped, once both its process and the command have ended."""
        if self._command is None and self._run is None:
            self._stopping, self._kill_at = False, None
            self._watch.stopped()

    def _kill(self) -> None:
        if self._descriptor is not None:
            logger.warning("the service does not end: killed")
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._descriptor, signal.SIGKILL)

    def _forget(self) -> None:
        """Watch nothing any more."""
        if self._descriptor is not None:
            self._doorbell.forget(self._descriptor)
            os.close(self._descriptor)
        if self._log is not None:
            self._log.abandon()
        self._run, self._descriptor, self._log, self._follow_at = None, None, None, None
