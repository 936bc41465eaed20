"""The shell around the kernel's network: leak guards put in, at work, and taken out."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network

import pytest

from henbd.actions import AddGuard, RemoveGuard
from henbd.control.guard import guards
from henbd.system.kernel import KernelShell
from henbd.values import Block, Direction, EspMode, Guard, Unreachable
from tests.functional.kernel.kernel_box import (
    ANY,
    FAMILY,
    FAR,
    INNER,
    NETWORK,
    SENT,
    Bells,
    await_addresses,
    index,
    see,
    send,
    shell_in,
)
from tests.lab.events import PATIENCE
from tests.lab.namespaces import Address, Namespace, join, namespaces
from tests.lab.probe import eventually

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

# What is not blocked arrives at once; neighbour discovery may come first.
WITHIN_S = 0.5 * PATIENCE

INWARDS = (Direction.IN, Direction.FORWARD)
VERSIONS = pytest.mark.parametrize("version", [4, 6])


def all_guards(shell: KernelShell) -> list[Guard]:
    devices = [0, index(shell, "wan0"), index(shell, "wan1")]
    found: list[Guard] = []
    for version in (4, 6):
        found.append(Unreachable(ANY[version], NETWORK[version]))
        found.append(Unreachable(ip_network(INNER[version]), ANY[version]))
        found += [Block(ANY[version], NETWORK[version], device) for device in devices]
        found += [Block(ip_network(INNER[version]), ANY[version], device) for device in devices]
        found += [Block(NETWORK[version], ANY[version], 0, direction) for direction in INWARDS]
    return found


def test_guards_are_read_as_they_were_put_in_and_twice_is_fine(shell: KernelShell) -> None:
    wanted = all_guards(shell)
    for _ in range(2):
        for guard in wanted:
            shell.perform(AddGuard(guard))
        assert see(shell).guards == frozenset(wanted)
    for guard in wanted[::2]:
        for _ in range(2):
            shell.perform(RemoveGuard(guard))
    assert see(shell).guards == frozenset(wanted[1::2])


def test_guards_outlive_the_shell(box: Namespace, shell: KernelShell) -> None:
    wanted = all_guards(shell)
    for guard in wanted:
        shell.perform(AddGuard(guard))
    shell.close()
    with shell_in(box, Bells()) as another:
        assert see(another).guards == frozenset(wanted)
    assert send(FAR[4]) == errno.ENETUNREACH
    assert send(FAR[4], device="wan1") == errno.EPERM


@VERSIONS
def test_rule_stops_who_follows_the_routes(shell: KernelShell, version: int) -> None:
    guard = Unreachable(ANY[version], NETWORK[version])
    for act, error in ((AddGuard, errno.ENETUNREACH), (RemoveGuard, SENT)):
        shell.perform(act(guard))
        assert send(FAR[version]) == error
        assert send(FAR[version], source=INNER[version]) == error
        assert send(FAR[version], mark=7) == error


@VERSIONS
def test_rule_of_a_source_stops_only_that_source(shell: KernelShell, version: int) -> None:
    shell.perform(AddGuard(Unreachable(ip_network(INNER[version]), ANY[version])))
    assert send(FAR[version], source=INNER[version]) == errno.ENETUNREACH
    assert send(FAR[version]) == SENT


@VERSIONS
def test_no_route_of_anybody_beats_a_rule_but_one_of_charons(
    box: Namespace, shell: KernelShell, version: int
) -> None:
    """Such as DHCP's of metric 0, that of a router advertisement, of a VRF, or of a mark."""
    shell.perform(AddGuard(Unreachable(ANY[version], NETWORK[version])))
    shell.perform(AddGuard(Unreachable(ip_network(INNER[version]), ANY[version])))
    box.ip(
        f"route add {NETWORK[version]} dev wan1 metric {version // 5}",
        f"route add {FAR[version]} dev wan1 table 1000",
    )
    box.ip(
        "rule add priority 1000 lookup 1000",
        "rule add priority 500 fwmark 7 lookup 1000",
        version=version,
    )
    for source in (None, INNER[version]):
        assert send(FAR[version], source=source) == errno.ENETUNREACH
        assert send(FAR[version], source=source, mark=7) == errno.ENETUNREACH
    box.ip(f"route add {NETWORK[version]} dev wan1 table 220")
    box.ip("rule add priority 220 lookup 220", version=version)
    for source in (None, INNER[version]):
        assert send(FAR[version], source=source) == SENT


def test_of_those_bound_to_a_device_a_rule_stops_ipv6_alone(shell: KernelShell) -> None:
    """IPv4 takes the far end for a neighbour then: that is what the blocks are for."""
    for version in (4, 6):
        shell.perform(AddGuard(Unreachable(ANY[version], NETWORK[version])))
    for name in ("wan0", "wan1"):
        assert send(FAR[6], device=name) == errno.ENETUNREACH
        assert send(FAR[4], device=name) == SENT


def test_of_those_bound_to_nothing_a_block_of_a_device_stops_ipv4_alone(shell: KernelShell) -> None:
    """IPv6 asks the policies before it knows the device: that is what the rule is for."""
    for version in (4, 6):
        for name in ("wan0", "wan1"):
            device = index(shell, name)
            shell.perform(AddGuard(Block(ANY[version], NETWORK[version], device)))
    assert (send(FAR[4]), send(FAR[6])) == (errno.EPERM, SENT)


@VERSIONS
def test_block_stops_everybody(shell: KernelShell, version: int) -> None:
    guard, far = Block(ANY[version], NETWORK[version], 0), FAR[version]
    for act, error in ((AddGuard, errno.EPERM), (RemoveGuard, SENT)):
        shell.perform(act(guard))
        assert send(far) == error
        assert send(far, source=INNER[version]) == error
        assert send(far, device="wan0") == error
        assert send(far, device="wan1") == error


@VERSIONS
def test_block_of_a_device_stops_who_goes_that_way(shell: KernelShell, version: int) -> None:
    shell.perform(AddGuard(Block(ANY[version], NETWORK[version], index(shell, "wan1"))))
    assert send(FAR[version], device="wan1") == errno.EPERM
    assert send(FAR[version], device="wan0") == SENT


@VERSIONS
def test_block_of_a_source_stops_only_that_source(shell: KernelShell, version: int) -> None:
    shell.perform(AddGuard(Block(ip_network(INNER[version]), ANY[version], 0)))
    assert send(FAR[version], source=INNER[version]) == errno.EPERM
    assert send(FAR[version]) == SENT


# Behind the box: what is sent there is passed on by it.
BEHIND = {4: ip_address("10.77.0.2"), 6: ip_address("fd77::2")}
BOX = {4: ip_address("10.1.0.1"), 6: ip_address("fd01::1")}


@VERSIONS
@pytest.mark.parametrize("direction", INWARDS)
def test_what_comes_in_the_clear_from_behind_the_gateway_is_not_taken(
    version: int, direction: Direction
) -> None:
    with behind() as (box, far, lan), shell_in(box, Bells()) as shell:
        to = (BOX if direction is Direction.IN else BEHIND)[version]
        receiver = box if direction is Direction.IN else lan
        source = FAR[version]
        assert eventually(lambda: received(far, receiver, to, source))
        guard = Block(NETWORK[version], ANY[version], 0, direction)
        shell.perform(AddGuard(guard))
        assert not received(far, receiver, to, source)
        shell.perform(RemoveGuard(guard))
        assert eventually(lambda: received(far, receiver, to, source))


@VERSIONS
def test_what_is_passed_on_to_behind_the_gateway_goes_nowhere(version: int) -> None:
    with behind() as (box, far, lan), shell_in(box, Bells()) as shell:
        to, source = FAR[version], BEHIND[version]
        devices = [index(shell, "wan0"), 0] if version == 4 else [0]
        closing: list[Unreachable | Block] = [
            Unreachable(ANY[version], NETWORK[version]),
            *(Block(ANY[version], NETWORK[version], device) for device in devices),
        ]
        for guard in closing:
            assert eventually(lambda: received(lan, far, to, source))
            shell.perform(AddGuard(guard))
            assert not received(lan, far, to, source)
            shell.perform(RemoveGuard(guard))


@contextmanager
def behind() -> Iterator[tuple[Namespace, Namespace, Namespace]]:
    """Build three boxes in a row: one that passes on, the far end before and a LAN behind it."""
    with namespaces("box", "far", "lan") as (box, far, lan):
        box.sysctl({"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"})
        box.ip(join("wan0", far, "wan0"), join("lan0", lan, "lan0"))
        box.ip(*_ways("wan0", "10.1.0.1/24", "fd01::1/64"))
        box.ip(*_ways("lan0", "10.77.0.1/24", "fd77::1/64"))
        box.ip("route add 10.30.0.0/16 via 10.1.0.2", "route add fd30::/32 via fd01::2")
        far.ip("link set lo up", *_ways("wan0", "10.1.0.2/24", "fd01::2/64"))
        far.ip(*(f"address add {address} dev lo" for address in FAR.values()))
        far.ip("route add default via 10.1.0.1", "route add default via fd01::1")
        lan.ip(*_ways("lan0", "10.77.0.2/24", "fd77::2/64"))
        lan.ip("route add default via 10.77.0.1", "route add default via fd77::1")
        await_addresses(box, far, lan)
        yield box, far, lan


def _ways(device: str, *addresses: str) -> Iterator[str]:
    yield f"link set {device} up"
    yield from (f"address add {address} dev {device}" for address in addresses)


def received(sender: Namespace, receiver: Namespace, to: Address, source: Address) -> bool:
    """Return whether a datagram arrives there."""
    version = to.version
    with receiver.inside():
        taker = socket.socket(FAMILY[version], socket.SOCK_DGRAM)
    with sender.inside():
        giver = socket.socket(FAMILY[version], socket.SOCK_DGRAM)
    with taker, giver:
        taker.bind((str(to), 2152))
        taker.settimeout(WITHIN_S)
        giver.bind((str(source), 0))
        giver.sendto(b"clear", (str(to), 2152))
        try:
            return taker.recv(10) == b"clear"
        except TimeoutError:
            return False


def test_no_guard_takes_the_place_of_a_policy_that_leads_everywhere(
    box: Namespace, shell: KernelShell
) -> None:
    theirs = f"src {INNER[4]} dst 0.0.0.0/0 dir out priority 371328"
    box.ip(f"xfrm policy add {theirs} tmpl src 10.1.0.1 dst 10.1.0.2 proto esp mode tunnel reqid 1")
    for guard in guards((ANY[4],), (INNER[4],), see(shell), EspMode.POLICY):
        shell.perform(AddGuard(guard))
    assert "priority 371328" in box.run("ip", "xfrm", "policy")


def test_policy_of_others_stays(box: Namespace, shell: KernelShell) -> None:
    theirs = "src 10.0.0.0/8 dst 10.30.0.0/16 dir out"
    box.ip(f"xfrm policy add {theirs} action block priority 7")
    shell.perform(RemoveGuard(Block(ANY[4], NETWORK[4], 0)))
    assert "priority 7" in box.run("ip", "xfrm", "policy")
