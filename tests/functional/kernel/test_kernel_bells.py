"""The shell around the kernel's network, in a namespace of its own: what it hears and needs."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest

from henbd.actions import AddGuard, RemoveGuard
from henbd.errors import KernelError
from henbd.system import kernel, kernel_sight
from henbd.system.kernel import KernelShell
from henbd.system.netlink import NetlinkSocket
from henbd.values import Block, Kernel
from tests.functional.kernel.kernel_box import Bells, see, shell_in
from tests.lab.namespaces import Namespace

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "change",
    [
        "address add 10.1.0.9/24 dev wan0",
        "address add fd01::9/64 dev wan0",
        "address del 10.1.0.1/24 dev wan0",
        "route add 10.30.0.0/16 via 10.1.0.2",
        "route add 10.30.0.0/16 via 10.1.0.2 table 220",
        "route add fd30::/32 via fd01::2",
        "rule add from 10.1.0.9 lookup 220",
        "link add wan2 type veth peer name wan3",
        "link set wan0 down",
    ],
)
@pytest.mark.usefixtures("shell")
def test_bell_rings(box: Namespace, bells: Bells, change: str) -> None:
    bells.silence()
    box.ip(change)
    assert bells.ring_within(1)


@pytest.mark.parametrize(
    "change",
    [
        "address add 10.1.0.9/24 dev wan0",
        "address del 10.1.0.1/24 dev wan0",
        "address del fd01::1/64 dev wan0",
        "route add 10.30.0.0/16 via 10.1.0.2 table 220",
        "route add fd30::/32 via fd01::2",
        "-6 rule add from fd01::9 lookup 220",
        "link set wan0 down",
        "xfrm policy add src 10.0.0.1/32 dst 10.30.0.0/16 dir out",
    ],
)
def test_what_was_read_will_do_until_something_changes(
    box: Namespace, shell: KernelShell, change: str
) -> None:
    """Also before the loop has heard of the change, and however often that is asked."""
    before = shell.observe()
    assert shell.observe(anew=False) is before
    assert shell.observe() is not before
    box.run("ip", *change.split())
    after = shell.observe(anew=False)
    assert after == shell.observe()
    assert isinstance(after, Kernel)
    assert after is not before
    assert "-6" in change or after != before


def test_what_we_have_changed_ourselves_is_read_again(shell: KernelShell) -> None:
    guard = Block(ip_network("0.0.0.0/0"), ip_network("10.7.0.0/16"), 0)
    shell.observe()
    shell.perform(AddGuard(guard))
    assert isinstance(after := shell.observe(anew=False), Kernel)
    assert guard in after.guards


@pytest.mark.usefixtures("shell")
def test_bell_rings_for_a_rule_of_ipv6(box: Namespace, bells: Bells) -> None:
    bells.silence()
    box.ip("rule add from fd01::9 lookup 220", version=6)
    assert bells.ring_within(1)


@pytest.mark.usefixtures("shell")
def test_bell_rings_for_policies(box: Namespace, bells: Bells) -> None:
    for change in ("add src 10.0.0.0/8 dst 10.30.0.0/16 dir out", "flush"):
        bells.silence()
        box.ip(f"xfrm policy {change}")
        assert bells.ring_within(1)


@pytest.mark.usefixtures("shell")
def test_many_changes_ring_once_for_each_kind(box: Namespace, bells: Bells) -> None:
    bells.silence()
    before = bells.rings
    box.ip(*(f"address add 10.70.0.{n}/32 dev lo" for n in range(100)))
    assert bells.ring_within(1)
    assert not bells.ring_within(0.1)
    # An address of lo brings a route with it.
    assert bells.rings == before + 2


def drops(descriptor: int) -> int:
    """Return how many messages a netlink socket has lost."""
    inode = str(os.fstat(descriptor).st_ino)
    lines = Path("/proc/thread-self/net/netlink").read_text().splitlines()[1:]
    (found,) = [line.split() for line in lines if line.split()[-1] == inode]
    return int(found[8])


def test_overflow_rings_and_does_no_harm(box: Namespace, shell: KernelShell, bells: Bells) -> None:
    _, descriptor, *_ = bells.watched
    with socket.socket(fileno=os.dup(descriptor)) as events:
        events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    box.ip(*(f"address add 10.70.0.{n}/32 dev lo" for n in range(200)))
    assert drops(descriptor) > 0
    assert bells.ring_within(1)
    bells.silence()
    assert len([a for a in see(shell).addresses if a.address in ip_network("10.70.0.0/24")]) == 200
    box.ip("address add 10.71.0.1/32 dev lo")
    assert bells.ring_within(1)


def alone(box: Namespace, code: str, *prefix: str) -> str:
    """Have Python code run in the namespace, by a process of its own."""
    done = subprocess.run(
        ("ip", "netns", "exec", box.name, *prefix, sys.executable, "-c", code),
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


MAKE_SHELL = """
import sys
from ipaddress import ip_network
from henbd.errors import KernelError
from henbd.system.doorbell import Doorbell
from henbd.errors import KernelError
from henbd.system import kernel
from henbd.system.kernel import KernelShell
from henbd.system.netlink import NetlinkSocket
from henbd.actions import AddGuard, AddRoute, RemoveGuard
from henbd.values import Block, Route, Unreachable
shell = KernelShell(Doorbell(), lambda: None)
"""


def test_missing_capability_is_plainly_said(box: Namespace) -> None:
    code = MAKE_SHELL + (
        "print(shell.observe())\n"
        "for guard in (Unreachable(ip_network('0.0.0.0/0'), ip_network('10.7.0.0/16')),\n"
        "              Block(ip_network('0.0.0.0/0'), ip_network('10.7.0.0/16'), 0)):\n"
        "    try: shell.perform(AddGuard(guard))\n"
        "    except KernelError as error: print(error)\n"
    )
    said = alone(box, code, "setpriv", "--bounding-set", "-net_admin")
    assert said.splitlines() == [
        "Unknown(reason='no permission to read XFRM policies: CAP_NET_ADMIN is needed')",
        "rule from 0.0.0.0/0 to 10.7.0.0/16: Operation not permitted",
        "xfrm policy update src 0.0.0.0/0 dst 10.7.0.0/16 dir out: Operation not permitted",
    ]


def test_pyroute2_is_imported_for_the_first_route_only(box: Namespace) -> None:
    code = MAKE_SHELL + (
        "network = ip_network('10.7.0.0/16')\n"
        "shell.observe()\n"
        "shell.perform(AddGuard(Block(ip_network('0.0.0.0/0'), network, 0)))\n"
        "shell.perform(AddGuard(Unreachable(ip_network('0.0.0.0/0'), network)))\n"
        "print('pyroute2' in sys.modules)\n"
        "shell.perform(AddRoute(Route(network, 1, None, None, 220, 0, ours=True)))\n"
        "print('pyroute2' in sys.modules)\n"
    )
    box.ip("link set lo up")
    assert alone(box, code).split() == ["False", "True"]


def test_kernel_without_ipv6_is_known(shell: KernelShell, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ipv6.disable=1 leaves it: no rules of IPv6, and no sockets."""

    def without(family: int, *_: int) -> socket.socket:
        assert family == socket.AF_INET6
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT))

    assert see(shell).versions == {4, 6}
    monkeypatch.setattr(kernel_sight, "_is_of_ipv6", lambda _rule: False)
    assert see(shell).versions == {4, 6}
    monkeypatch.setattr(socket, "socket", without)
    assert see(shell).versions == {4}


def test_kernel_without_xfrm_has_no_blocks_until_its_module_is_loaded(
    box: Namespace, bells: Bells, monkeypatch: pytest.MonkeyPatch
) -> None:
    class WithoutXfrm(NetlinkSocket):
        def __init__(self, protocol: int) -> None:
            if protocol == socket.NETLINK_XFRM:
                raise OSError(errno.EPROTONOSUPPORT, os.strerror(errno.EPROTONOSUPPORT))
            super().__init__(protocol)

    for module in (kernel, kernel_sight):
        monkeypatch.setattr(module, "NetlinkSocket", WithoutXfrm)
    block = Block(ip_network("0.0.0.0/0"), ip_network("10.7.0.0/16"), 0)
    with shell_in(box, bells) as shell:
        assert see(shell).guards == frozenset()
        shell.perform(RemoveGuard(block))
        with pytest.raises(KernelError, match="Protocol not supported"):
            shell.perform(AddGuard(block))
        monkeypatch.undo()
        shell.perform(AddGuard(block))
        assert see(shell).guards == {block}
        bells.silence()
        box.ip("xfrm policy flush")
        assert bells.ring_within(1)
        assert see(shell).guards == frozenset()
