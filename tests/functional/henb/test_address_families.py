"""Inner addresses of IPv6: alone, and beside one of IPv4."""

from __future__ import annotations

import pytest

from tests.lab.lab import (
    INNER_ADDRESS,
    INNER_ADDRESS_6,
    Lab,
)
from tests.lab.probe import eventually

BOTH = pytest.mark.lab(
    configuration={
        "ipsec": {"addresses": ["ipv4", "ipv6"], "networks": ["10.30.0.0/24", "fd00:30::/64"]}
    }
)


def guarded(lab: Lab) -> set[str]:
    return set(lab.status()["guards"]["standing"])


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
