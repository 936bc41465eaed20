"""The shell around the kernel's network, in a namespace of its own: what it reads."""

from __future__ import annotations

import json
import os
import threading
import time
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from henbd.system.kernel import KernelShell
from henbd.values import Kernel
from tests.functional.kernel.kernel_box import Bells, see
from tests.lab.events import PATIENCE
from tests.lab.namespaces import CommandFailed, Namespace
from tests.lab.probe import eventually

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


def listed(box: Namespace, *what: str) -> list[dict[str, Any]]:
    """Return what ip has to say."""
    found: list[dict[str, Any]] = json.loads(box.run("ip", "-json", *what) or "[]")
    return found


def test_devices_are_those_of_ip(box: Namespace, shell: KernelShell) -> None:
    box.ip("link set wan1 down")
    indices = {link["ifname"]: link["ifindex"] for link in listed(box, "link")}
    found = {device.name: device for device in see(shell).devices}
    assert {name: device.index for name, device in found.items()} == indices
    facts = {name: (device.up, device.loopback) for name, device in found.items()}
    # A module that another test has loaded may have brought devices into every namespace.
    wanted = {"lo": (True, True), "wan0": (True, False), "wan1": (False, False)}
    assert facts == {**facts, **wanted}
    assert not any(device.carries_tunnel for device in found.values())


@pytest.mark.parametrize(
    ("line", "carries_tunnel"),
    [
        ("tuntap add ipsec7 mode tun", True),
        ("tuntap add ipsec7 mode tap", False),
        ("tuntap add new7 mode tun", False),
        ("link add new7 type xfrm dev wan0 if_id 7", True),
        ("link add new7 type vti local 10.1.0.1 remote 10.1.0.2 key 7", False),
        ("link add new7 type vti6 local fd01::1 remote fd01::2 key 7", False),
        ("link add new7 type gre local 10.1.0.1 remote 10.1.0.2", False),
        ("link add new7 link wan0 type vlan id 7", False),
        ("link add new7 type dummy", False),
    ],
)
def test_device_carries_a_tunnel_or_leads_out(
    box: Namespace, shell: KernelShell, line: str, carries_tunnel: bool
) -> None:
    try:
        box.ip(line)
    except CommandFailed as error:
        pytest.skip(f"not in this kernel: {error}")
    (found,) = [device for device in see(shell).devices if device.name in ("ipsec7", "new7")]
    assert found.carries_tunnel is carries_tunnel


def test_addresses_are_those_of_ip(box: Namespace, shell: KernelShell) -> None:
    box.ip("address add 10.98.0.7 peer 10.98.0.8 dev wan0", "address add fd98::7/128 dev lo")
    expected = {
        (ip_address(str(address["local"])), link["ifindex"])
        for link in listed(box, "address")
        for address in link["addr_info"]
    }
    assert {(a.address, a.device) for a in see(shell).addresses} == expected
    assert all(a.usable for a in see(shell).addresses)


def test_address_is_usable_when_no_other_has_it(
    box: Namespace, shell: KernelShell, bells: Bells
) -> None:
    box.sysctl({"net.ipv6.conf.all.accept_dad": "1", "net.ipv6.conf.wan0.accept_dad": "1"})
    box.ip("address add fd01::7/64 dev wan0")

    def usable() -> bool:
        (found,) = [a for a in see(shell).addresses if a.address == ip_address("fd01::7")]
        return found.usable

    assert not usable()
    deadline = time.monotonic() + 5 * PATIENCE
    while not usable():
        assert time.monotonic() < deadline
        bells.ring_within(deadline - time.monotonic())


def test_deprecated_address_is_usable(box: Namespace, shell: KernelShell) -> None:
    box.ip("address add fd01::7/64 dev wan0 preferred_lft 0")

    def usable() -> bool:
        (found,) = [a for a in see(shell).addresses if a.address == ip_address("fd01::7")]
        return found.usable

    # Even without duplicate address detection it is tentative for a moment.
    assert eventually(usable)


def test_routes_are_those_of_ip(box: Namespace, shell: KernelShell) -> None:
    box.ip(
        "route add 10.30.0.0/16 via 10.1.0.2 src 10.1.0.1 table 220",
        "route add 10.31.0.0/16 dev wan0 table 1000",
        "route add 10.32.0.0/16 nexthop via 10.1.0.2 nexthop via 10.1.0.3",
        "route add 10.33.0.0/16 via inet6 fd01::2 dev wan0",
        "route add blackhole 10.34.0.0/16",
        "route add unreachable 10.35.0.0/16",
        "route add fd30::/32 via fd01::2 metric 7",
    )
    found = {(r.destination, r.table, r.metric): r for r in see(shell).routes}
    tables = {"main": 254, "local": 255}
    expected = {}
    for family, default in (("-4", "0.0.0.0/0"), ("-6", "::/0")):
        for route in listed(box, family, "route", "show", "table", "all", "type", "unicast"):
            destination = default if route["dst"] == "default" else str(route["dst"])
            table = str(route.get("table", "main"))
            number = tables.get(table) or int(table)
            expected[ip_network(destination), number, route.get("metric", 0)] = route
    assert found.keys() == expected.keys()
    names = {device.name: device.index for device in see(shell).devices}
    for key, route in expected.items():
        hop = route["nexthops"][0] if "nexthops" in route else route
        gateway = hop.get("gateway") or (hop.get("via") or {}).get("host")
        assert found[key].device == names[hop["dev"]]
        assert found[key].gateway == (ip_address(gateway) if gateway else None)
        source = route.get("prefsrc")
        assert found[key].source == (ip_address(str(source)) if source else None)
        assert not found[key].ours


def test_nothing_is_a_guard_that_does_not_bear_our_marks(
    box: Namespace, shell: KernelShell
) -> None:
    box.ip("rule add to fd07::/32 iif lo priority 221 protocol 206 unreachable", version=6)
    box.ip(
        "route add unreachable 10.7.0.0/16 proto 206",
        "rule add to 10.7.0.0/16 priority 221 unreachable",
        "rule add to 10.7.0.0/16 priority 222 protocol 206 unreachable",
        "rule add to 10.7.0.0/16 priority 221 protocol 206 prohibit",
        "rule add to 10.7.0.0/16 priority 221 protocol 206 lookup 7",
        "rule add to 10.7.0.0/16 ipproto tcp priority 221 protocol 206 unreachable",
        "rule add not to 10.7.0.0/16 priority 221 protocol 206 unreachable",
        "xfrm policy add src 10.0.0.0/8 dst 10.7.0.0/16 dir out action block priority 7",
        "xfrm policy add src 10.0.0.0/8 dst 10.7.0.0/16 dir in action block priority 8",
        "xfrm policy add src 10.0.0.0/8 dst 10.8.0.0/16 dir out priority 1000000",
        "xfrm policy add dst 10.7.0.0/16 proto tcp dir out action block priority 1000000",
        "xfrm policy add dst 10.7.0.0/16 dir out action block priority 1000000 mark 7",
        "xfrm policy add dst 10.7.0.0/16 dir out action block priority 1000000 if_id 7",
    )
    assert see(shell).guards == frozenset()


def test_every_reading_is_of_one_moment(box: Namespace, shell: KernelShell) -> None:
    """What does not change is in each reading once, whatever comes and goes before it meanwhile."""
    steady = {ip_address(f"10.50.{n // 250}.{n % 250}") for n in range(1500)}
    box.ip(*(f"address add {address}/32 dev lo" for address in steady))
    stop = threading.Event()

    def unrest() -> None:
        # The kernel lists addresses of the host before the others of a device.
        lines = [f"address {how} 10.60.0.1/32 dev lo scope host" for how in ("add", "del")]
        while not stop.is_set():
            box.ip(*lines * 50)
            time.sleep(0.01)

    thread = threading.Thread(target=unrest)
    thread.start()
    try:
        kernels = [seen for _ in range(100) if isinstance(seen := shell.observe(), Kernel)]
    finally:
        stop.set()
        thread.join()
    assert kernels
    for kernel in kernels:
        found = [a.address for a in kernel.addresses if a.address in steady]
        assert len(found) == len(steady)
        assert set(found) == steady
