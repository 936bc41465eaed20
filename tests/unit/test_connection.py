"""The connection that charon shall have: its names tell its content, its gateway works."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from henbd.control.connection import connection
from henbd.control.tunnel import PREFIX, Condition, Tunnel
from henbd.values import AddressFamily, Certificate, Connection, PresharedKey
from tests.unit.settings import ipsec
from tests.unit.sights import (
    CORE,
    GATEWAY,
    GATEWAY_2,
    MME,
    host,
)

IPSEC = ipsec()
DOWN = Tunnel(Condition.DOWN)
CERTIFICATE = Certificate(b"certificate", b"key", "00" * 20, (b"authority",))


def wanted(**changes: object) -> Connection:
    """Return the connection to GATEWAY for the core."""
    return connection(GATEWAY, (CORE,), replace(IPSEC, **changes))  # type: ignore[arg-type]


def test_equal_content_has_equal_names() -> None:
    assert wanted() == connection(GATEWAY, (CORE,), ipsec())


@pytest.mark.parametrize(
    "changes",
    [
        {"local_id": "other"},
        {"remote_id": "other"},
        {"credentials": PresharedKey(b"other")},
        {"credentials": CERTIFICATE},
        {"proposals": ("aes128-sha256-ecp256",)},
        {"families": (AddressFamily.IPV6,)},
        {"families": (AddressFamily.IPV4, AddressFamily.IPV6)},
        {"dpd_s": 1},
        {"reauth_s": 1},
    ],
)
def test_another_ike_part_is_another_connection_with_the_same_child(
    changes: dict[str, object],
) -> None:
    other = wanted(**changes)
    assert other.name != wanted().name
    assert other.child == wanted().child


def test_another_gateway_is_another_connection() -> None:
    assert connection(GATEWAY_2, (CORE,), IPSEC).name != wanted().name


@pytest.mark.parametrize(
    "networks",
    [(), (host(MME),), (CORE, host(MME)), (ip_network("10.30.0.0/25"),)],
)
def test_other_networks_are_another_child_of_the_same_connection(
    networks: tuple[object, ...],
) -> None:
    other = connection(GATEWAY, networks, IPSEC)  # type: ignore[arg-type]
    assert other.name == wanted().name
    assert other.child.name != wanted().child.name


def test_other_esp_proposals_are_another_connection() -> None:
    """That it is up shows then that the gateway accepts them."""
    other = wanted(esp_proposals=("aes256gcm16-ecp384",))
    assert other.name != wanted().name
    assert other.child.name != wanted().child.name


@pytest.mark.parametrize(
    "credentials",
    [
        replace(CERTIFICATE, certificate=b"other"),
        replace(CERTIFICATE, key=b"other"),
        replace(CERTIFICATE, authorities=(b"other",)),
        replace(CERTIFICATE, authorities=()),
    ],
)
def test_each_part_of_the_credentials_counts(credentials: Certificate) -> None:
    assert wanted(credentials=credentials).name != wanted(credentials=CERTIFICATE).name


def test_names_say_nothing_of_secrets_and_are_marked_as_ours() -> None:
    found = wanted(credentials=PresharedKey(b"secret"))
    assert found.name.startswith(PREFIX)
    assert found.secret_id.startswith(PREFIX)
    assert "secret" not in repr(found).replace("secret_id", "")


def test_texts_that_run_together_are_told_apart() -> None:
    assert wanted(local_id="ab", remote_id="c").name != wanted(local_id="a", remote_id="bc").name
    assert wanted(proposals=("a", "b")).name != wanted(proposals=("a, b",)).name
