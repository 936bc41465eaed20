"""The shell around the kernel's network: leak guards put in, at work, and taken out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from henbd.system.kernel import KernelShell
from henbd.values import AddGuard, Block, Guard, RemoveGuard, Unreachable
from tests.functional.kernel_box import (
    ANY,
    FAR,
    INNER,
    NETWORK,
    SENT,
    Bells,
    index,
    see,
    send,
    shell_in,
    two_ways,
)
from tests.lab.namespaces import Namespace

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

VERSIONS = pytest.mark.parametrize("version", [4, 6])


@pytest.fixture
def box() -> Iterator[Namespace]:
    with two_ways() as made:
        yield made


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def shell(box: Namespace, bells: Bells) -> Iterator[KernelShell]:
    with shell_in(box, bells) as made:
        yield made


def all_guards(shell: KernelShell) -> list[Guard]:
    devices = [0, index(shell, "wan0"), index(shell, "wan1")]
    found: list[Guard] = []
    for version in (4, 6):
        found.append(Unreachable(NETWORK[version]))
        found += [Block(ANY[version], NETWORK[version], device) for device in devices]
        found += [Block(ip_network(INNER[version]), ANY[version], device) for device in devices]
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
    assert send(FAR[4]) == errno.EHOSTUNREACH
    assert send(FAR[4], device="wan1") == errno.EPERM


@VERSIONS
def test_unreachable_route_stops_who_follows_the_routes(shell: KernelShell, version: int) -> None:
    guard = Unreachable(NETWORK[version])
    assert send(FAR[version]) == SENT
    shell.perform(AddGuard(guard))
    assert send(FAR[version]) == errno.EHOSTUNREACH
    assert send(FAR[version], source=INNER[version]) == errno.EHOSTUNREACH
    shell.perform(RemoveGuard(guard))
    assert send(FAR[version]) == SENT


@VERSIONS
def test_unreachable_route_gives_way_to_a_route(
    box: Namespace, shell: KernelShell, version: int
) -> None:
    shell.perform(AddGuard(Unreachable(NETWORK[version])))
    box.ip(f"route add {NETWORK[version]} dev wan1 metric 1000")
    assert send(FAR[version]) == SENT


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


def test_policy_of_others_stays(box: Namespace, shell: KernelShell) -> None:
    theirs = "src 10.0.0.0/8 dst 10.30.0.0/16 dir out"
    box.ip(f"xfrm policy add {theirs} action block priority 7")
    shell.perform(RemoveGuard(Block(ANY[4], NETWORK[4], 0)))
    assert "priority 7" in box.run("ip", "xfrm", "policy")
