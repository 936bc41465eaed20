"""What charon is told: actions → VICI requests."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from henbd.actions import (
    CharonAction,
    Initiate,
    LoadConnection,
    LoadCredentials,
    MarkKey,
    TerminateChild,
    TerminateIke,
    UnloadConnection,
    UnloadKey,
    UnloadSecret,
)
from henbd.system import charon_requests as requests
from henbd.values import AddressFamily, Certificate, Child, Connection, PresharedKey

CERTIFICATE = Certificate(b"certificate", b"key", "ab" * 20, (b"root", b"intermediate"))
CONNECTION = Connection(
    name="henbd-1",
    gateway=ip_address("10.20.0.2"),
    local_id="henb1.lab",
    remote_id="segw.lab",
    credentials=CERTIFICATE,
    secret_id="henbd-2",
    proposals=("aes128gcm16-prfsha256-ecp256", "aes128-sha256-modp2048"),
    families=(AddressFamily.IPV4, AddressFamily.IPV6),
    dpd_s=10,
    rekey_s=14400,
    reauth_s=0,
    mobike=False,
    revocation="strict",
    if_id=0,
    child=Child(
        name="net-1",
        networks=(ip_network("10.30.0.0/16"), ip_network("fd00:30::2")),
        proposals=("aes128gcm16-ecp256", "aes128gcm16"),
        rekey_s=3600,
    ),
)
WITH_SECRET = replace(
    CONNECTION, credentials=PresharedKey(b"open sesame"), families=(AddressFamily.IPV6,)
)


@pytest.mark.parametrize(
    ("action", "command", "message"),
    [
        (LoadCredentials(CONNECTION), "load-key", {"type": "any", "data": b"key"}),
        (
            LoadCredentials(WITH_SECRET),
            "load-shared",
            {
                "id": "henbd-2",
                "type": "IKE",
                "data": b"open sesame",
                "owners": ["henb1.lab", "segw.lab"],
            },
        ),
        (UnloadConnection("henbd-1"), "unload-conn", {"name": "henbd-1"}),
        (UnloadKey("ab" * 20), "unload-key", {"id": "ab" * 20}),
        (UnloadSecret("henbd-2"), "unload-shared", {"id": "henbd-2"}),
        (Initiate("henbd-1", "net-1"), "initiate", {"ike": "henbd-1", "child": "net-1"}),
        (TerminateIke(3), "terminate", {"ike-id": "3", "force": "yes", "timeout": "-1"}),
        (TerminateChild(7), "terminate", {"child-id": "7", "timeout": "-1"}),
    ],
)
def test_action_is_a_command(action: CharonAction, command: str, message: dict[str, Any]) -> None:
    assert requests.request_for(action) == (command, message)


def test_the_mark_of_a_key_is_a_secret_that_nobody_can_guess() -> None:
    command, message = requests.request_for(MarkKey(CONNECTION))
    other = replace(CONNECTION, credentials=replace(CERTIFICATE, key=b"another"))
    assert command == "load-shared"
    assert (message["id"], message["owners"]) == ("henbd-2", ["henbd-2"])
    assert message["data"] != requests.request_for(MarkKey(other))[1]["data"]
    assert CERTIFICATE.key not in message["data"]


def test_intermediate_certificates_come_after_our_own() -> None:
    below = replace(CONNECTION, credentials=replace(CERTIFICATE, intermediates=(b"between",)))
    _, message = requests.request_for(LoadConnection(below))
    assert message["henbd-1"]["local"]["certs"] == [b"certificate", b"between"]  # type: ignore[index, call-overload]


def test_connection_with_certificates_is_loaded_whole() -> None:
    assert requests.request_for(LoadConnection(CONNECTION)) == (
        "load-conn",
        {
            "henbd-1": {
                "version": "2",
                "remote_addrs": ["10.20.0.2"],
                "vips": ["0.0.0.0", "::"],
                "local": {"auth": "pubkey", "id": "henb1.lab", "certs": [b"certificate"]},
                "remote": {
                    "auth": "pubkey",
                    "id": "segw.lab",
                    "cacerts": [b"root", b"intermediate"],
                    "revocation": "strict",
                },
                "proposals": ["aes128gcm16-prfsha256-ecp256", "aes128-sha256-modp2048"],
                "dpd_delay": "10",
                "rekey_time": "14400",
                "reauth_time": "0",
                "mobike": "no",
                "keyingtries": "1",
                "children": {
                    "net-1": {
                        "remote_ts": ["10.30.0.0/16", "fd00:30::2/128"],
                        "esp_proposals": ["aes128gcm16-ecp256", "aes128gcm16"],
                        "rekey_time": "3600",
                    }
                },
            }
        },
    )


def test_connection_with_a_secret_names_it_nowhere() -> None:
    command, message = requests.request_for(LoadConnection(WITH_SECRET))
    connection: Any = message["henbd-1"]
    assert command == "load-conn"
    assert connection["vips"] == ["::"]
    assert connection["local"] == {"auth": "psk", "id": "henb1.lab", "eap_id": "henbd-2"}
    assert connection["remote"] == {"auth": "psk", "id": "segw.lab"}
    assert "sesame" not in repr(message)


def test_connection_behind_an_interface_names_it() -> None:
    _, message = requests.request_for(LoadConnection(replace(CONNECTION, if_id=42)))
    connection: Any = message["henbd-1"]
    assert (connection["if_id_in"], connection["if_id_out"]) == ("42", "42")


def test_connection_does_nothing_by_itself() -> None:
    _, message = requests.request_for(LoadConnection(CONNECTION))
    connection: Any = message["henbd-1"]
    actions = {"start_action", "close_action", "dpd_action"}
    assert not actions & {*connection, *connection["children"]["net-1"]}
