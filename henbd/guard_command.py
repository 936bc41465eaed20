"""`henbd guard`: the leak guards that stand, shown, or taken away by an operator who means it.

The daemon need not run; where it does, it would put back at once what is taken away.
"""

from __future__ import annotations

from collections.abc import Iterator

from henbd import config
from henbd.actions import RemoveGuard
from henbd.control.guard import far, near
from henbd.errors import ConsoleError, KernelError, NotRunningError
from henbd.settings import Settings
from henbd.system.console import ask
from henbd.system.doorbell import Doorbell
from henbd.system.guard_file import GuardFile
from henbd.system.kernel import KernelShell
from henbd.values import Block, Guard, Kernel, Unknown

NONE = "no guard stands"
QUESTION = "What they keep inside may leave in the clear then. Remove them? [yes/no] "


def show(configuration: str) -> int:
    """Print the guards that stand in the kernel, and those that are kept for the next boot."""
    settings = config.load(configuration)
    _print(_look(_kernel()), settings)
    return 0


def remove(configuration: str, *, asked: bool) -> int:
    """Take all guards away, now and for the next boot; unless `asked`, have it confirmed."""
    settings = config.load(configuration)
    _see_that_nobody_minds(settings)
    shell = _kernel()
    kernel = _look(shell)
    _print(kernel, settings)
    if not asked and _answer() != "yes":
        print("nothing was changed")
        return 1
    # First the file: a box that is switched off now has them taken away as well.
    GuardFile(settings.store_directory).keep(())
    for guard in kernel.guards:
        shell.perform(RemoveGuard(guard))
    print(f"removed: {len(kernel.guards)}")
    return 0


def _print(kernel: Kernel, settings: Settings) -> None:
    print(*(listed(kernel) or [NONE]), sep="\n")
    kept = GuardFile(settings.store_directory).kept
    if kept is None:
        print("kept for the next boot: not known, the file is damaged")
    elif kept:
        print(f"kept for the next boot: {', '.join(sorted(map(str, kept)))}")


def listed(kernel: Kernel) -> list[str]:
    """Return a line for each network and each inner address that is guarded, and how."""
    names = {device.index: device.name for device in kernel.devices}
    lines: dict[str, set[str]] = {}
    for guard in kernel.guards:
        inner = near(guard)
        subject = f"to {far(guard)}" if inner is None else f"from {inner}"
        lines.setdefault(subject, set()).update(_ways(guard, names))
    return [f"{subject}: {', '.join(sorted(ways))}" for subject, ways in sorted(lines.items())]


def _ways(guard: Guard, names: dict[int, str]) -> Iterator[str]:
    if not isinstance(guard, Block):
        yield "unreachable"
        return
    # A policy outlives its device.
    name = names.get(guard.device, f"no. {guard.device}")
    yield f"block {guard.direction.value}{f' dev {name}' if guard.device else ''}"


def _see_that_nobody_minds(settings: Settings) -> None:
    try:
        ask(settings.control_socket, {"command": "status"})
    except NotRunningError:
        return
    raise ConsoleError("henbd is running, and would put them back at once: stop it first")


def _answer() -> str:
    try:
        return input(QUESTION).strip()
    except EOFError:
        return ""


def _kernel() -> KernelShell:
    return KernelShell(Doorbell(), lambda: None)


def _look(shell: KernelShell) -> Kernel:
    kernel = shell.observe()
    if isinstance(kernel, Unknown):
        raise KernelError(kernel.reason)
    return kernel
