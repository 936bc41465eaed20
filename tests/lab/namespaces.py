"""Network namespaces: made and removed by name, entered by a thread, used by commands.

All that the lab puts on the wire lives in namespaces whose names have the maker's process number in
them, so that labs may run side by side, and each removes its own.
"""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import os
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

from tests.lab.events import PATIENCE

Address = IPv4Address | IPv6Address

NAMES = Path("/run/netns")
# What `ip netns exec` mounts over /etc for the commands that it starts.
CONFIGURATION = Path("/etc/netns")

_CLONE_NEWNET = 0x40000000
# linux/sockios.h and linux/ethtool.h: turn the offload of transmit checksums on or off.
_SIOCETHTOOL, _ETHTOOL_STXCSUM = 0x8946, 0x17
_LIBC = ctypes.CDLL(None, use_errno=True)
_COUNTER = itertools.count(1)

# Forwarding is asked for where it is wanted. Duplicate address detection would keep each new IPv6
# address from being used for a second, and the reverse path filter drops what a leak test sends.
_SYSCTLS = {
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv6.conf.all.accept_dad": "0",
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv6.conf.default.accept_ra": "0",
}


class CommandFailed(Exception):
    """A command of the lab ended with an error; the text says which and why."""


def new_tag() -> str:
    """Return a part of a name that nobody else on this machine uses."""
    return f"{os.getpid()}-{next(_COUNTER)}"


def run(*command: str, stdin: str = "", timeout_s: float = 30) -> str:
    """Run a command to its end and return what it wrote; raise CommandFailed if it fails."""
    done = subprocess.run(
        command,
        input=stdin,
        text=True,
        capture_output=True,
        timeout=timeout_s * PATIENCE,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise CommandFailed(f"{' '.join(command)}: exit status {done.returncode}: {said}")
    return done.stdout


class Namespace:
    """One network namespace; `create` brings it to life and `remove` ends it."""

    def __init__(self, role: str, tag: str) -> None:
        self.role = role
        self.name = f"henbd-{tag}-{role}"
        self._children: list[subprocess.Popen[Any]] = []

    def __repr__(self) -> str:
        return f"Namespace({self.name})"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put the calling thread into the namespace: sockets made here belong to it for good."""
        with open("/proc/thread-self/ns/net") as home, open(NAMES / self.name) as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def run(self, *command: str, stdin: str = "", timeout_s: float = 30) -> str:
        """Run a command in the namespace and return what it wrote; raise CommandFailed."""
        return run("ip", "netns", "exec", self.name, *command, stdin=stdin, timeout_s=timeout_s)

    def start(self, *command: str, **popen: Any) -> subprocess.Popen[Any]:
        """Start a command in the namespace; its pid is the command's own.

        Whatever still runs when the namespace is removed is killed.
        """
        # ip executes the command in its own place, so nothing stands between us and it.
        child = subprocess.Popen(["ip", "netns", "exec", self.name, *command], **popen)
        self._children.append(child)
        return child

    def ip(self, *lines: str, version: int | None = None) -> str:
        """Have one `ip` carry out these lines, written without the word ip, up to the first error.

        Rules need the version of IP, 4 or 6; of other lines ip tells it from the addresses.
        """
        family = () if version is None else (f"-{version}",)
        return run("ip", *family, "-n", self.name, "-batch", "-", stdin="\n".join(lines))

    def sysctl(self, values: Mapping[str, str]) -> None:
        """Set these kernel variables (names with dots) in the namespace."""
        # /proc/sys/net is that of the thread which opens a file there: no process is needed.
        with self.inside():
            for name, value in values.items():
                Path("/proc/sys", *name.split(".")).write_text(value)

    def compute_checksums(self, device: str) -> None:
        """Have the kernel fill in the checksums of what it sends through a device.

        Between the two ends of a link it leaves them out. A raw socket takes that for an error, and
        a gateway that puts such a packet of SCTP into ESP fills in a checksum of the wrong kind.
        """
        value = ctypes.create_string_buffer(struct.pack("=II", _ETHTOOL_STXCSUM, 0))
        request = struct.pack("16sP", device.encode(), ctypes.addressof(value))
        with self.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)

    def set_nameserver(self, *servers: Address) -> None:
        """Make these the name servers of the commands that are started from now on."""
        folder = CONFIGURATION / self.name
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"nameserver {server}\n" for server in servers]
        (folder / "resolv.conf").write_text("".join([*lines, "options timeout:1 attempts:2\n"]))

    def kill_children(self) -> None:
        """Kill what was started here and still runs, and wait for its end."""
        for child in self._children:
            child.kill()
        for child in self._children:
            child.wait()
        self._children.clear()


def create(namespaces: Iterable[Namespace]) -> None:
    """Bring the namespaces to life, all or none."""
    wanted = list(namespaces)
    try:
        run("ip", "-batch", "-", stdin="".join(f"netns add {ns.name}\n" for ns in wanted))
        for namespace in wanted:
            namespace.sysctl(_SYSCTLS)
    except BaseException:
        remove(wanted)
        raise


def remove(namespaces: Iterable[Namespace]) -> None:
    """End the namespaces with all that was started in them; those already gone are no error."""
    wanted = list(namespaces)
    for namespace in wanted:
        namespace.kill_children()
        shutil.rmtree(CONFIGURATION / namespace.name, ignore_errors=True)
    living = [namespace.name for namespace in wanted if (NAMES / namespace.name).exists()]
    if living:
        run("ip", "-force", "-batch", "-", stdin="".join(f"netns delete {n}\n" for n in living))


def join(name: str, peer: Namespace, peer_name: str) -> str:
    """Return the line for `Namespace.ip` that makes a veth link from there to a peer."""
    return f"link add {name} type veth peer name {peer_name} netns {peer.name}"


@contextmanager
def namespaces(*roles: str) -> Iterator[tuple[Namespace, ...]]:
    """Give fresh namespaces for these roles, and remove them at the end."""
    tag = new_tag()
    made = tuple(Namespace(role, tag) for role in roles)
    create(made)
    try:
        yield made
    finally:
        remove(made)


def _setns(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        code = ctypes.get_errno()
        raise OSError(code, f"setns: {os.strerror(code)}")
