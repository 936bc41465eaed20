"""What a killed charon leaves of the inner address is removed, wherever that was."""

from __future__ import annotations

import time

import pytest

from tests.functional.henb.test_address_change import told
from tests.lab.charon import kernel_has_esp
from tests.lab.lab import Lab
from tests.lab.probe import eventually

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not kernel_has_esp(), reason="not in this kernel: dummy interfaces"),
    pytest.mark.lab(
        configuration={"ipsec": {"interface": "henbd0"}},
        henb_charon={"install_virtual_ip_on": "henbd0"},
    ),
]


def test_an_address_that_a_killed_charon_left_is_removed(registered: Lab) -> None:
    assert registered.inner_device() == "henbd0"
    see_that_what_charon_leaves_is_removed(registered)


@pytest.mark.lab
def test_an_address_that_a_killed_charon_left_on_a_way_out_is_removed(registered: Lab) -> None:
    assert registered.inner_device() == "wan0"
    see_that_what_charon_leaves_is_removed(registered)


def see_that_what_charon_leaves_is_removed(registered: Lab) -> None:
    since = time.monotonic()
    registered.charon.kill()
    assert eventually(lambda: registered.status()["tunnel"]["charon"] != "answers", 10)
    address = registered.grant_another()
    registered.charon.start()
    told(registered, address, since)
    assert eventually(lambda: "10.99.0.1" not in addresses(registered), 20)
    assert address in addresses(registered)


def addresses(lab: Lab) -> str:
    return lab.net.henb.run("ip", "-o", "address")
