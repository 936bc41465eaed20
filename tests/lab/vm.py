"""Run one command under a full Debian kernel, in a VM that is thrown away.

    python -m tests.lab.vm [options] -- command [argument ...]

The VM's root is this machine's own, read-only under an overlay in memory: the command sees the same
files in the same current directory, may write anywhere, and leaves nothing behind but in the
folders given with --rw, or on the disk given with --disk: the next VM that is given it is the same
machine, switched on again. The command's output and exit status come back; 124 says that the time
limit passed, 125 that the VM itself failed. Needs qemu-system-x86, busybox-static and kmod, and
e2fsprogs for a disk.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tests.lab.namespaces import run
from tests.lab.vm_kernel import initial_ram_disk, kernel
from tests.lab.vm_machine import Machine, kvm_works, run_machine

TIMED_OUT, FAILED = 124, 125

# Under emulation everything takes 10 to 20 times as long.
_PATIENCE_EMULATED, _PATIENCE_KVM = "15", "3"
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TERM",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "PYTEST_ADDOPTS",
)
_PASSED_ON_PREFIXES = ("HENBD_", "LAB_")

# It takes no more of this machine's disk than is written.
_DISK_SIZE = "1G"

# A kernel's last words, with their cause at the beginning, are some fifty lines.
_LAST_LINES = 80
_GUEST = Path(__file__).parent / "guest"


@dataclass(frozen=True, slots=True)
class Job:
    """A command, and the machine that it wants."""

    command: tuple[str, ...]
    timeout_s: float = 300
    memory: str = "2G"
    processors: int = 2
    writable: tuple[Path, ...] = ()
    disk: Path | None = None
    systemd: bool = False
    masked_units: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    console: Path | None = None


def main() -> int:
    """Carry out the command line; return the exit status."""
    options = _arguments()
    if options.prepare:
        initial_ram_disk(kernel())
        return 0
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    return run_in_vm(
        Job(
            command=tuple(options.command),
            timeout_s=options.timeout,
            memory=options.memory,
            processors=options.cpus,
            writable=tuple(options.rw),
            disk=options.disk,
            systemd=options.systemd,
            masked_units=tuple(options.mask),
            variables=tuple(options.env),
            console=options.console,
        )
    )


def run_in_vm(job: Job) -> int:
    """Run a job with our own standard input (if that is a file), output and error output."""
    linux = kernel()
    ram_disk = initial_ram_disk(linux)
    if job.disk and not job.disk.exists():
        run("mke2fs", "-q", "-t", "ext4", str(job.disk), _DISK_SIZE)
    scratch = Path(tempfile.mkdtemp(prefix="henbd-vm-"))
    try:
        machine = Machine(
            kernel=linux,
            ram_disk=ram_disk,
            scratch=scratch,
            control=scratch / "control",
            console=job.console or scratch / "console",
            kvm=kvm_works(linux, ram_disk),
            memory=job.memory,
            processors=job.processors,
            writable=job.writable,
            disk=job.disk,
        )
        _write_control(machine, job)
        in_time = run_machine(machine, job.timeout_s)
        status = machine.control / "status"
        if status.exists():
            return int(status.read_text())
        _explain(machine, f"no end after {job.timeout_s:g} s" if not in_time else "no status")
        return FAILED if in_time else TIMED_OUT
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab.vm", description="run a command under a full Debian kernel"
    )
    add = parser.add_argument
    add("-t", "--timeout", type=float, default=300, help="end with 124 after so many seconds (300)")
    add("-m", "--memory", default="2G", help="as QEMU takes it (2G)")
    add("-p", "--cpus", type=int, default=2, help="number of processors (2)")
    add(
        "--rw",
        metavar="DIR",
        type=_folder,
        action="append",
        default=[],
        help="let the command write through to this folder",
    )
    add("--disk", metavar="FILE", type=Path, help="keep here what is written, for the next VM")
    add("--systemd", action="store_true", help="systemd is process 1 of the VM")
    add(
        "--mask",
        metavar="UNIT",
        action="append",
        default=[],
        help="with --systemd: do not start this unit",
    )
    add(
        "--env",
        metavar="NAME",
        action="append",
        default=[],
        help=f"pass this variable on, too ({', '.join(_PASSED_ON_PREFIXES)}... always are)",
    )
    add("--console", metavar="FILE", type=Path, help="keep the kernel's messages here")
    add("--prepare", action="store_true", help="fetch the kernel and stop")
    add("command", nargs="*", help="the command and its arguments, after --")
    options = parser.parse_args()
    if not options.command and not options.prepare:
        parser.error("no command")
    return options


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"no folder {text}")
    return Path(text).resolve()


def _write_control(machine: Machine, job: Job) -> None:
    """Write what the guest's scripts read."""
    control = machine.control
    control.mkdir()
    for script in ("alone.sh", "run.sh", "systemd.sh"):
        shutil.copy(_GUEST / script, control)
    settings = {
        "release": machine.kernel.release,
        "modules": str(machine.kernel.modules),
        "systemd": "yes" if job.systemd else "no",
        "also_masked": " ".join(job.masked_units),
    }
    (control / "settings").write_text(_assignments(settings))
    (control / "writable").write_text("".join(f"{folder}\n" for folder in job.writable))
    # Through env, because the guest's shell would take busybox's own programs for the command.
    (control / "command").write_text(
        f"set -a\n{_assignments(_variables(machine, job))}set +a\n"
        f"cd {shlex.quote(os.getcwd())} && exec /usr/bin/env {shlex.join(job.command)}\n"
    )
    # A terminal or a pipe would have to be carried over while it is written; a file is just there.
    is_file = stat.S_ISREG(os.fstat(0).st_mode)
    (control / "stdin").write_bytes(sys.stdin.buffer.read() if is_file else b"")


def _variables(machine: Machine, job: Job) -> dict[str, str]:
    """Return the environment of the command."""
    ours = {
        "LAB_PATIENCE": _PATIENCE_KVM if machine.kvm else _PATIENCE_EMULATED,
        "HENBD_VM": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return ours | {
        name: value
        for name, value in os.environ.items()
        if name in (*_PASSED_ON, *job.variables) or name.startswith(_PASSED_ON_PREFIXES)
    }


def _assignments(values: dict[str, str]) -> str:
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def _explain(machine: Machine, why: str) -> None:
    """Say on the error output why the command has no exit status."""
    said = machine.messages.read_text().strip() or "no message"
    console = machine.console
    lines = console.read_text(errors="replace").splitlines() if console.exists() else []
    tail = lines[-_LAST_LINES:]
    print(f"vm: {why}; qemu: {said}; console:", *tail, sep="\n  ", file=sys.stderr)


def _leave(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
