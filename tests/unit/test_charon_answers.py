"""What charon says, as values."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.errors import CharonError
from henbd.system import charon_answers as answers
from henbd.system.vici_connection import Section
from henbd.values import (
    ChildSa,
    EspMode,
    IkeSa,
    Loaded,
    Nat,
    Suite,
    Traffic,
)

CHILD = {
    "name": b"net-1",
    "uniqueid": b"7",
    "reqid": b"1",
    "state": b"INSTALLED",
    "bytes-in": b"0",
    "local-ts": [b"10.99.0.1/32"],
    "remote-ts": [b"10.30.0.0/16", b"fd00:30::2/128"],
}
IKE: dict[str, Any] = {
    "uniqueid": b"3",
    "version": b"2",
    "state": b"ESTABLISHED",
    "local-host": b"10.10.1.2",
    "remote-host": b"10.20.0.2",
    "initiator": b"yes",
    "established": b"42",
    "local-vips": [b"10.99.0.1", b"10.99.0.1", b"fd00:99::1"],
    "child-sas": {"net-1-7": CHILD},
}


def ike_sa(**changes: Any) -> IkeSa:
    """Return the IKE_SA that charon lists with these changes; None takes a key away."""
    section = {key: value for key, value in (IKE | changes).items() if value is not None}
    (found,) = answers.ike_sas([{"henbd-1": section}])
    return found


def child_sa(**changes: Any) -> ChildSa:
    """Return the CHILD_SA that charon lists with these changes; None takes a key away."""
    section = {key: value for key, value in (CHILD | changes).items() if value is not None}
    (found,) = ike_sa(**{"child-sas": {"net-1-7": section}}).children
    return found


def test_ike_sa_is_read() -> None:
    assert ike_sa() == IkeSa(
        connection="henbd-1",
        unique_id=3,
        established=True,
        connecting=False,
        age_s=42,
        gateway="10.20.0.2",
        inner=(ip_address("10.99.0.1"), ip_address("fd00:99::1")),
        children=(
            ChildSa(
                name="net-1",
                unique_id=7,
                installed=True,
                networks=(ip_network("10.30.0.0/16"), ip_network("fd00:30::2/128")),
            ),
        ),
    )


def test_what_charon_tells_of_algorithms_and_traffic_is_read() -> None:
    told = {"encr-alg": b"AES_GCM_16", "encr-keysize": b"128", "prf-alg": b"PRF_HMAC_SHA2_256"}
    sa = ike_sa(**told, **{"dh-group": b"ECP_256"})
    assert sa.suite == Suite("AES_GCM_16", 128, "", "PRF_HMAC_SHA2_256", "ECP_256")
    child = child_sa(
        **{"spi-in": b"c0a80001", "spi-out": b"0000000f", "install-time": b"9"},
        **{"bytes-in": b"1", "packets-in": b"2", "bytes-out": b"3", "packets-out": b"4"},
    )
    assert (child.spi_in, child.spi_out, child.age_s) == (0xC0A80001, 15, 9)
    assert child.traffic == Traffic(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("told", "nat"),
    [
        ({}, Nat.NONE),
        ({"nat-any": b"yes"}, Nat.NONE),
        ({"nat-local": b"yes", "nat-any": b"yes"}, Nat.LOCAL),
        ({"nat-remote": b"yes"}, Nat.REMOTE),
    ],
)
def test_nat_is_on_one_side(told: dict[str, bytes], nat: Nat) -> None:
    assert ike_sa(**told).nat is nat


@pytest.mark.parametrize("spi", [b"xyz", b"123456789", b"-1", b"C0A80001"])
def test_what_is_no_spi_is_an_error(spi: bytes) -> None:
    with pytest.raises(CharonError, match="spi-in"):
        child_sa(**{"spi-in": spi})


def test_two_ike_sas_of_one_name_are_two() -> None:
    items: list[Section] = [{"henbd-1": IKE}, {"henbd-1": IKE | {"uniqueid": b"4"}}]
    assert [sa.unique_id for sa in answers.ike_sas(items)] == [3, 4]


def test_ike_sa_that_is_being_negotiated_has_little_to_tell() -> None:
    sa = ike_sa(
        **{"state": b"CONNECTING", "established": None, "local-vips": None, "child-sas": None}
    )
    assert (sa.established, sa.connecting, sa.age_s, sa.inner, sa.children) == (
        *(False, True, 0),
        *((), ()),
    )


@pytest.mark.parametrize(
    ("state", "tasks", "established", "connecting"),
    [
        (b"CREATED", [], False, True),
        (b"CONNECTING", [b"IKE_INIT"], False, True),
        (b"ESTABLISHED", [b"IKE_DPD"], True, False),
        (b"PASSIVE", [], False, False),
        # Traffic flows all the while, and the address stays.
        (b"REKEYING", [b"IKE_REKEY"], True, False),
        (b"REKEYED", [], False, False),
        (b"DELETING", [b"IKE_DELETE"], False, False),
        # charon makes the next one by itself.
        (b"DELETING", [b"IKE_REAUTH"], False, True),
        (b"DESTROYING", [], False, False),
    ],
)
def test_state_of_an_ike_sa(
    state: bytes, tasks: list[bytes], established: bool, connecting: bool
) -> None:
    sa = ike_sa(**{"state": state, "tasks-active": tasks, "established": None})
    assert (sa.established, sa.connecting) == (established, connecting)


REKEYED = IKE | {"state": b"REKEYED", "child-sas": {}}
DELETING = IKE | {"state": b"DELETING", "tasks-active": [b"IKE_REKEY"], "child-sas": {}}


@pytest.mark.parametrize(
    ("items", "torn"),
    [
        ([], False),
        ([{"henbd-1": IKE}], False),
        # The successor came into being behind the back of the one that lists.
        ([{"henbd-1": REKEYED}], True),
        ([{"henbd-1": DELETING}], True),
        ([{"henbd-1": REKEYED}, {"henbd-2": IKE}], True),
        ([{"henbd-1": REKEYED}, {"henbd-1": IKE | {"state": b"CONNECTING"}}], True),
        ([{"henbd-1": REKEYED}, {"henbd-1": IKE}], False),
        ([{"henbd-1": IKE}, {"henbd-1": DELETING}], False),
        ([{"henbd-1": IKE | {"state": b"DELETING"}}], False),
        ([{"henbd-1": DELETING | {"tasks-active": [b"IKE_REAUTH"]}}], False),
    ],
)
def test_list_without_the_successor_of_an_ike_sa_is_torn(
    items: list[dict[str, Any]], torn: bool
) -> None:
    assert answers.torn(items) is torn


@pytest.mark.parametrize(
    ("state", "installed"),
    [
        (b"CREATED", False),
        (b"ROUTED", False),
        (b"INSTALLING", False),
        (b"INSTALLED", True),
        (b"UPDATING", True),
        (b"REKEYING", True),
        (b"REKEYED", False),
        (b"RETRYING", False),
        (b"DELETING", False),
        (b"DELETED", False),
        (b"DESTROYING", False),
    ],
)
def test_state_of_a_child_sa(state: bytes, installed: bool) -> None:
    assert child_sa(state=state).installed is installed


@pytest.mark.parametrize(
    ("selector", "networks"),
    [
        (b"10.30.0.2/32", ["10.30.0.2/32"]),
        (b"0.0.0.0/0", ["0.0.0.0/0"]),
        (b"fd00:30::/64", ["fd00:30::/64"]),
        (b"10.30.0.2/32[sctp/36412]", ["10.30.0.2/32"]),
        (b"10.30.0.0/24[udp]", ["10.30.0.0/24"]),
        (b"10.30.0.1..10.30.0.2", ["10.30.0.1/32", "10.30.0.2/32"]),
        (b"fd00::1..fd00::3[tcp/80-90]", ["fd00::1/128", "fd00::2/127"]),
        (b"dynamic", []),
        (b"dynamic[udp/l2tp]", []),
    ],
)
def test_traffic_selector_is_read_as_networks(selector: bytes, networks: list[str]) -> None:
    found = child_sa(**{"remote-ts": [selector]}).networks
    assert found == tuple(map(ip_network, networks))


def test_child_without_selectors_has_no_networks() -> None:
    assert child_sa(**{"remote-ts": None}).networks == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"uniqueid": None},
        {"uniqueid": b"three"},
        {"uniqueid": b""},
        {"uniqueid": b"-1"},
        {"uniqueid": "²".encode()},
        {"uniqueid": b"9" * 5000},
        {"uniqueid": [b"3"]},
        {"state": None},
        {"state": {}},
        {"established": b"soon"},
        {"remote-host": None},
        {"local-vips": b"10.99.0.1"},
        {"local-vips": [b"10.99.0.256"]},
        {"local-vips": [b"\xff\xfe"]},
        {"tasks-active": b"IKE_INIT"},
        {"child-sas": b"none"},
        {"child-sas": {"net-1-7": {}}},
        {"child-sas": {"net-1-7": CHILD | {"uniqueid": b"x"}}},
        {"child-sas": {"net-1-7": CHILD | {"remote-ts": b"10.30.0.0/16"}}},
        {"child-sas": {"net-1-7": CHILD | {"remote-ts": [b""]}}},
        {"child-sas": {"net-1-7": CHILD | {"remote-ts": [b"10.30.0.1/16"]}}},
        {"child-sas": {"net-1-7": CHILD | {"remote-ts": [b"10.30.0.9..10.30.0.1"]}}},
        {"child-sas": {"net-1-7": CHILD | {"remote-ts": [b"10.30.0.1..fd00::1"]}}},
        {"child-sas": {"net-1-7": CHILD | {"remote-ts": [b".."]}}},
    ],
)
def test_ike_sa_that_makes_no_sense_is_an_error(changes: dict[str, Any]) -> None:
    with pytest.raises(CharonError):
        ike_sa(**changes)


def test_loaded_things_are_read() -> None:
    connections: list[Section] = [
        {"henbd-1": {"version": b"IKEv2", "children": {"net-1": {"mode": b"TUNNEL"}, "net-2": {}}}},
        {"office": {"remote_addrs": [b"192.0.2.1"]}},
    ]
    found = answers.loaded(connections, {"keys": [b"ab" * 20]}, {"keys": [b"henbd-2", b"psk"]})
    assert found == Loaded(
        connections={"henbd-1": frozenset({"net-1", "net-2"}), "office": frozenset()},
        keys=frozenset({"ab" * 20}),
        secrets=frozenset({"henbd-2", "psk"}),
    )


def test_nothing_loaded_is_read_as_nothing() -> None:
    assert answers.loaded([], {}, {"keys": []}) == Loaded({}, frozenset(), frozenset())


@pytest.mark.parametrize(
    ("connections", "keys", "secrets"),
    [
        ([{"henbd-1": {"children": b"none"}}], {}, {}),
        ([], {"keys": b"ab"}, {}),
        ([], {}, {"keys": {}}),
    ],
)
def test_loaded_things_that_make_no_sense_are_an_error(
    connections: list[Any], keys: Any, secrets: Any
) -> None:
    with pytest.raises(CharonError):
        answers.loaded(connections, keys, secrets)


@pytest.mark.parametrize(
    ("plugins", "mode"),
    [
        ([b"vici", b"kernel-libipsec", b"kernel-netlink"], EspMode.INTERFACE),
        ([b"vici", b"kernel-netlink"], EspMode.POLICY),
    ],
)
def test_esp_mode_goes_by_the_plugins(plugins: list[bytes], mode: EspMode) -> None:
    assert answers.esp_mode({"uptime": {"running": b"1 second"}, "plugins": plugins}) is mode


KEYS = st.sampled_from([*IKE, *CHILD, "keys", "children", "plugins", "tasks-active"])
VALUES = st.recursive(
    st.sampled_from([b"", b"1", b"ESTABLISHED", b"INSTALLED", b"10.0.0.1", b"::/0", b"\xff"])
    | st.lists(st.sampled_from([b"", b"10.0.0.0/8", b"::..::2", b"dynamic", b"["]), max_size=3),
    lambda inner: st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)


@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_no_message_can_harm(message: dict[str, Any]) -> None:
    for read in (
        lambda: answers.ike_sas([message]),
        lambda: answers.torn([message]),
        lambda: answers.loaded([message], message, message),
        lambda: answers.esp_mode(message),
    ):
        try:
            read()
        except CharonError:
            continue
