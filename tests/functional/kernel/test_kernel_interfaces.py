"""The shell around the kernel's network: interfaces of our own, and what is left on them."""

from __future__ import annotations

import os

import pytest

from henbd.actions import AddInterface, AddRoute, RemoveAddress, RemoveInterface
from henbd.errors import KernelError
from henbd.system.kernel import KernelShell
from henbd.values import Interface, InterfaceAddress, Route
from tests.functional.kernel.kernel_box import (
    INNER,
    MAIN,
    NETWORK,
    index,
    see,
)
from tests.lab.charon import kernel_has_esp

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")

DUMMY, XFRM = Interface("henbd0", 0), Interface("henbd0", 42)


@pytest.mark.kernel
@pytest.mark.parametrize("interface", [DUMMY, XFRM])
def test_interface_is_made_once_known_by_its_mark_and_removed(
    shell: KernelShell, interface: Interface
) -> None:
    """Where the kernel has no such interfaces it says so, and the daemon with it."""
    if not kernel_has_esp():
        with pytest.raises(KernelError, match="interface henbd0: Operation not supported"):
            shell.perform(AddInterface(interface))
        return
    for _ in range(2):
        shell.perform(AddInterface(interface))
    (made,) = [device for device in see(shell).devices if device.ours]
    assert (made.name, made.if_id, made.up) == (interface.name, interface.if_id, True)
    assert made.carries_tunnel is bool(interface.if_id)
    for _ in range(2):
        shell.perform(RemoveInterface(made))
    assert not [device for device in see(shell).devices if device.ours]


@pytest.mark.parametrize("if_id", [0, 42])
def test_interface_of_others_with_its_name_is_an_error(shell: KernelShell, if_id: int) -> None:
    before = see(shell).devices
    with pytest.raises(KernelError, match="interface wan1: File exists"):
        shell.perform(AddInterface(Interface("wan1", if_id)))
    assert see(shell).devices == before


@pytest.mark.parametrize("version", [4, 6])
def test_address_is_taken_away_and_again_is_no_error(shell: KernelShell, version: int) -> None:
    held = InterfaceAddress(INNER[version], index(shell, "lo"), usable=True)
    assert held in see(shell).addresses
    for _ in range(2):
        shell.perform(RemoveAddress(held))
    assert held not in see(shell).addresses


@pytest.mark.parametrize("version", [4, 6])
def test_mtu_of_a_route_is_read_as_it_was_put_in(shell: KernelShell, version: int) -> None:
    route = Route(
        NETWORK[version], index(shell, "wan0"), None, None, MAIN, 206, ours=True, mtu=1400
    )
    shell.perform(AddRoute(route))
    assert route in see(shell).routes
