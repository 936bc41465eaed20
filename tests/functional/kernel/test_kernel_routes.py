"""The shell around the kernel's network: routes put in and taken out."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from henbd.actions import AddGuard, AddRoute, RemoveGuard, RemoveRoute
from henbd.errors import KernelError
from henbd.system.kernel import KernelShell
from henbd.values import Route, Unreachable
from tests.functional.kernel.kernel_box import (
    ANY,
    FAMILY,
    FAR,
    INNER,
    MAIN,
    NETWORK,
    index,
    see,
)
from tests.lab.namespaces import Namespace

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

VERSIONS = pytest.mark.parametrize("version", [4, 6])


def ours(shell: KernelShell) -> set[Route]:
    return {route for route in see(shell).routes if route.ours}


def of_others(shell: KernelShell) -> set[Route]:
    """Return their routes; those of link-local addresses come by themselves, and late."""
    local = ip_network("fe80::/64")
    return {route for route in see(shell).routes if not route.ours and route.destination != local}


def all_routes(shell: KernelShell) -> set[Route]:
    wan1 = index(shell, "wan1")
    found = set()
    for version, gateway in ((4, ip_address("10.2.0.2")), (6, ip_address("fd02::2"))):
        host = ip_network(FAR[version])
        network = NETWORK[version]
        found |= {
            Route(network, wan1, None, INNER[version], MAIN, metric=0, ours=True),
            Route(host, wan1, gateway, None, 220, metric=0, ours=True),
            Route(network, wan1, gateway, INNER[version], 1000, metric=7, ours=True),
        }
    return found


def test_a_route_that_cannot_be_written_down_is_an_error_like_others(shell: KernelShell) -> None:
    scoped = Route(ip_network("fe80::1%lo"), 1, None, None, 220, 0, ours=True)
    for action in (AddRoute(scoped), RemoveRoute(scoped)):
        with pytest.raises(KernelError, match=r"^route (replace|del) fe80::1%lo/128: "):
            shell.perform(action)


def test_routes_are_read_as_they_were_put_in_and_twice_is_fine(shell: KernelShell) -> None:
    wanted = all_routes(shell)
    before = of_others(shell)
    for _ in range(2):
        for route in wanted:
            shell.perform(AddRoute(route))
        assert ours(shell) == wanted
    for route in wanted:
        for _ in range(2):
            shell.perform(RemoveRoute(route))
    assert ours(shell) == set()
    assert of_others(shell) == before


@VERSIONS
def test_route_leads_with_its_source(shell: KernelShell, version: int) -> None:
    route = Route(NETWORK[version], index(shell, "wan1"), None, INNER[version], MAIN, 0, ours=True)
    shell.perform(AddRoute(route))
    with socket.socket(FAMILY[version], socket.SOCK_DGRAM) as probe:
        probe.connect((str(FAR[version]), 36412))
        assert ip_address(probe.getsockname()[0]) == INNER[version]


@VERSIONS
def test_guard_and_route_to_one_network_do_not_hurt_each_other(
    shell: KernelShell, version: int
) -> None:
    guard = Unreachable(ANY[version], NETWORK[version])
    route = Route(NETWORK[version], index(shell, "wan1"), None, INNER[version], 220, 0, ours=True)
    shell.perform(AddGuard(guard))
    shell.perform(AddRoute(route))
    assert (see(shell).guards, ours(shell)) == ({guard}, {route})
    shell.perform(RemoveRoute(route))
    shell.perform(RemoveRoute(route))
    assert (see(shell).guards, ours(shell)) == ({guard}, set())
    shell.perform(AddRoute(route))
    shell.perform(RemoveGuard(guard))
    shell.perform(RemoveGuard(guard))
    assert (see(shell).guards, ours(shell)) == (frozenset(), {route})


@VERSIONS
def test_route_of_others_is_not_taken_out(box: Namespace, shell: KernelShell, version: int) -> None:
    box.ip(f"route add {NETWORK[version]} dev wan1 metric 7")
    wan1 = index(shell, "wan1")
    shell.perform(RemoveRoute(Route(NETWORK[version], wan1, None, None, MAIN, 7, ours=True)))
    assert any(route.destination == NETWORK[version] for route in see(shell).routes)


def test_route_of_another_metric_stays(shell: KernelShell) -> None:
    plain = Route(NETWORK[6], index(shell, "wan1"), None, INNER[6], MAIN, metric=0, ours=True)
    other = replace(plain, metric=7)
    for route in (plain, other):
        shell.perform(AddRoute(route))
    assert ours(shell) == {plain, other}
    shell.perform(RemoveRoute(plain))
    shell.perform(RemoveRoute(plain))
    assert ours(shell) == {other}


def test_route_that_went_with_its_device_is_no_error(box: Namespace, shell: KernelShell) -> None:
    wanted = all_routes(shell)
    for route in wanted:
        shell.perform(AddRoute(route))
    box.ip("link delete wan1")
    for route in wanted:
        shell.perform(RemoveRoute(route))
    assert ours(shell) == set()


@pytest.mark.parametrize(
    ("destination", "device", "gateway", "text"),
    [
        ("10.30.0.0/16", 0, "192.0.2.1", "Network is unreachable"),
        ("fd30::/32", 999, None, "No such device"),
    ],
)
def test_refusal_is_an_error_that_names_route_and_cause(
    shell: KernelShell, destination: str, device: int, gateway: str | None, text: str
) -> None:
    via = ip_address(gateway) if gateway else None
    route = Route(ip_network(destination), device, via, None, MAIN, metric=0, ours=True)
    with pytest.raises(KernelError) as caught:
        shell.perform(AddRoute(route))
    assert str(caught.value) == f"route replace {destination}: {text}"
    assert ours(shell) == set()


def test_actions_are_logged_in_a_line(shell: KernelShell, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="henbd")
    shell.perform(AddGuard(Unreachable(ANY[4], NETWORK[4])))
    assert [record.getMessage() for record in caplog.records if "henbd" in record.name] == [
        f"AddGuard(from {ANY[4]} to {NETWORK[4]}, unreachable)"
    ]
