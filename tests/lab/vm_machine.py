"""The machine of the VM: QEMU, its shares and its output, and whether KVM can be used."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from tests.lab.vm_kernel import CACHE, Kernel

_PROGRAM = "qemu-system-x86_64"
_COMMAND_LINE = (
    "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic mitigations=off nokaslr random.trust_cpu=on"
)
_STREAMS = {"stdout": 1, "stderr": 2}
_DRAIN_S = 5.0

# The first boot of a guest takes 3 s even under emulation.
_PROBE_S = 10
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """What a VM is made of.

    `control` is shared with the guest as /run/vm, each folder of `writable` under its own name, and
    this machine's root read-only. `scratch` is for the named pipes. Without a disk, what the guest
    writes is in its memory.
    """

    kernel: Kernel
    ram_disk: Path
    scratch: Path
    control: Path
    console: Path
    kvm: bool
    memory: str
    processors: int
    writable: tuple[Path, ...]
    disk: Path | None

    @property
    def messages(self) -> Path:
        """The file with what QEMU itself said."""
        return self.scratch / "qemu"


def run_machine(machine: Machine, timeout_s: float) -> bool:
    """Run a machine until it switches itself off; pass on its output; False: it took too long."""
    for name in _STREAMS:
        os.mkfifo(machine.scratch / name)
    libc = ctypes.CDLL(None)
    with machine.messages.open("w") as messages:
        process = subprocess.Popen(
            _command(machine),
            stdin=subprocess.DEVNULL,
            stdout=messages,
            stderr=messages,
            # Not even our own violent death may leave a machine running.
            preexec_fn=functools.partial(libc.prctl, _PR_SET_PDEATHSIG, signal.SIGKILL),
        )
    pumps = [
        threading.Thread(target=_pump, args=(machine.scratch / name, descriptor), daemon=True)
        for name, descriptor in _STREAMS.items()
    ]
    for pump in pumps:
        pump.start()
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    finally:
        process.kill()
        process.wait()
        for name, pump in zip(_STREAMS, pumps, strict=True):
            _release(machine.scratch / name)
            pump.join(_DRAIN_S)
    return True


def kvm_works(kernel: Kernel, ram_disk: Path) -> bool:
    """Return whether a guest kernel gets to its init with KVM; remembered until the next boot.

    /dev/kvm may be there and yet be unable to run this kernel.
    """
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    note = CACHE / f"kvm-{boot}"
    if not note.exists():
        works = os.access("/dev/kvm", os.R_OK | os.W_OK) and _boots_with_kvm(kernel, ram_disk)
        note.write_text("yes" if works else "no")
    return note.read_text() == "yes"


def _command(machine: Machine) -> list[str]:
    """Return the command line of QEMU."""
    acceleration = ("kvm", "host") if machine.kvm else ("tcg,thread=multi", "max")
    command = [
        *(_PROGRAM, "-name", "henbd-vm", "-M", "q35", "-nodefaults", "-no-reboot"),
        *("-display", "none", "-serial", f"file:{machine.console}"),
        *("-accel", acceleration[0], "-cpu", acceleration[1]),
        *("-smp", str(machine.processors), "-m", machine.memory),
        *("-kernel", str(machine.kernel.image), "-initrd", str(machine.ram_disk)),
        *("-append", f"{_COMMAND_LINE}{' disk=yes' if machine.disk else ''}"),
        *("-device", "virtio-rng-pci", "-device", "virtio-serial-pci"),
        *_share("host", Path("/"), "readonly=on"),
        *_share("control", machine.control),
    ]
    for number, folder in enumerate(machine.writable):
        command += _share(f"writable{number}", folder)
    if machine.disk:
        command += ["-drive", f"file={machine.disk},format=raw,if=virtio"]
    for name in _STREAMS:
        command += ["-chardev", f"file,id={name},path={machine.scratch / name}"]
        command += ["-device", f"virtserialport,chardev={name},name=vm.{name}"]
    return command


def _share(tag: str, folder: Path, *more: str) -> list[str]:
    # A folder may hold mounts of other devices, whose inode numbers could be the same.
    share = (
        "local",
        f"path={folder}",
        f"mount_tag={tag}",
        "security_model=none",
        "multidevs=remap",
    )
    return ["-virtfs", ",".join((*share, *more))]


def _boots_with_kvm(kernel: Kernel, ram_disk: Path) -> bool:
    probe = [
        *(_PROGRAM, "-accel", "kvm", "-cpu", "host", "-M", "q35", "-m", "512"),
        *("-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"),
        *("-kernel", str(kernel.image), "-initrd", str(ram_disk)),
        *("-append", "console=ttyS0 panic=-1 rdinit=/none init=/none"),
    ]
    try:
        done = subprocess.run(
            probe, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PROBE_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    # It finds no init, so the panic is the sign that it came so far.
    return b"Linux version" in done.stdout and b"Kernel panic" in done.stdout


def _pump(source: Path, descriptor: int) -> None:
    """Pass on what comes out of a named pipe until its writer is gone."""
    with source.open("rb", buffering=0) as pipe:
        while chunk := pipe.read(65536):
            while chunk:
                chunk = chunk[os.write(descriptor, chunk) :]


def _release(pipe: Path) -> None:
    """Wake a pump that still waits for a QEMU which never opened the pipe."""
    with contextlib.suppress(OSError):  # nobody waits
        os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
