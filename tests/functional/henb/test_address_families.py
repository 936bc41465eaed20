"""Inner addresses of IPv6: alone, and beside one of IPv4."""

from __future__ import annotations

import time

import pytest

from tests.lab.lab import (
    CONNECTION_REQUEST_URL,
    INNER_ADDRESS,
    INNER_ADDRESS_6,
    Lab,
)
from tests.lab.probe import eventually
from tests.lab.topology import HEMS_6, MME_6, SGW_6

ALONE = pytest.mark.lab(ipv6_core=True, configuration={"ipsec": {"addresses": ["ipv6"]}})
BOTH = pytest.mark.lab(
    configuration={
        "ipsec": {"addresses": ["ipv4", "ipv6"], "networks": ["10.30.0.0/24", "fd00:30::/64"]}
    }
)


def guarded(lab: Lab) -> set[str]:
    return set(lab.status()["guards"]["standing"])


@ALONE
def test_a_box_with_ipv6_inside_alone_registers_and_tells_of_another_address(
    registered: Lab,
) -> None:
    first = registered.informed(INNER_ADDRESS_6)
    assert first.startswith("fd00:99:")
    assert registered.informed(CONNECTION_REQUEST_URL).startswith(f"http://[{first}]:7547/")
    assert registered.informed_from() == first
    assert {str(r.address) for r in registered.mme.s1_up} == {first}
    expected = {f"to {host}/128" for host in (MME_6, HEMS_6, SGW_6)} | {f"from {first}/128"}
    assert eventually(lambda: expected <= guarded(registered))

    since = time.monotonic()
    registered.grant_another()
    registered.reauthenticate()
    registered.log.wait("S1SetupResponse", 20, since=since)
    assert eventually(lambda: registered.informed(INNER_ADDRESS_6) != first)
    second = registered.informed(INNER_ADDRESS_6)
    assert registered.status()["tunnel"]["inner_addresses"] == [second]
    assert registered.informed_from() == second
    assert eventually(lambda: {str(r.address) for r in registered.mme.s1_up} == {second})
    assert registered.call() == 200


@BOTH
def test_a_box_with_both_families_inside_tells_of_both(registered: Lab) -> None:
    def told() -> list[str]:
        return [registered.informed(INNER_ADDRESS), registered.informed(INNER_ADDRESS_6)]

    first = told()
    assert registered.status()["tunnel"]["inner_addresses"] == first
    expected = {f"from {first[0]}/32", f"from {first[1]}/128", "to fd00:30::/64"}
    assert expected <= guarded(registered)
    registered.grant_another()
    registered.reauthenticate()
    assert eventually(lambda: not set(first) & set(told()), 20)
    assert eventually(lambda: registered.status()["tunnel"]["inner_addresses"] == told(), 20)
    assert eventually(lambda: f"from {told()[1]}/128" in guarded(registered))
    assert eventually(lambda: f"from {first[1]}/128" not in guarded(registered), 20)
