"""TS 32.593 5.2.4: the inner address changes, and the HeMS is informed as soon as possible."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.lab.events import Event
from tests.lab.hems.script import Hang, on_inform
from tests.lab.lab import CONNECTION_REQUEST_URL, INNER_ADDRESS, Lab
from tests.lab.probe import eventually


def told(lab: Lab, address: str, since: float) -> Event:
    """Return the Inform of an address, which must come from there, and see S1 up from there."""
    inform = lab.log.wait(
        "Inform",
        20,
        since=since,
        where=lambda e: e.facts["parameters"].get(INNER_ADDRESS) == address,
    )
    assert inform.facts["source"][0] == address
    assert ("4 VALUE CHANGE", "") in inform.facts["events"]
    assert address in inform.facts["parameters"][CONNECTION_REQUEST_URL]
    connection = inform.facts["connection"]
    assert connection not in {
        e.facts["connection"] for e in lab.log.events("Inform") if e.at < inform.at
    }
    lab.log.wait("InformResponse", since=inform.at)
    assert eventually(lambda: address in {str(r.address) for r in lab.mme.s1_up}, 20)
    assert eventually(lambda: lab.status()["s1"]["up"])
    return inform


@pytest.mark.conformance("C170")
@pytest.mark.kernel
def test_reauthentication_by_the_henb(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    told(registered, address, since)
    assert registered.call() == 200


@pytest.mark.conformance("C170")
def test_termination_by_the_gateway(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    registered.gateway.terminate_ike()
    told(registered, address, since)


def test_termination_on_the_henb(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    registered.terminate()
    told(registered, address, since)


@pytest.mark.lab(configuration={"ipsec": {"reauth_s": 6}})
def test_reauthentication_by_time(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    told(registered, address, since)


def test_a_gateway_that_died_and_comes_back(registered: Lab) -> None:
    since = time.monotonic()
    registered.gateway.kill()
    address = registered.grant_another()
    registered.gateway.start()
    told(registered, address, since)


@pytest.mark.lab(henb_charon={"make_before_break": "yes"})
def test_make_before_break(registered: Lab) -> None:
    since = time.monotonic()
    address = registered.grant_another()
    registered.reauthenticate()
    told(registered, address, since)


def test_a_foreign_address_on_the_interface_is_ignored_and_shown(registered: Lab) -> None:
    device = registered.inner_device()
    since = time.monotonic()
    registered.net.henb.ip(f"address add 10.99.77.7/32 dev {device}")
    if device == "ipsec0":
        assert eventually(
            lambda: registered.status()["tunnel"]["foreign_addresses"] == ["10.99.77.7"]
        )
    assert registered.quiet(since)
    registered.net.henb.ip(f"address del 10.99.77.7/32 dev {device}")
    assert registered.quiet(since)


@pytest.mark.kernel
def test_the_inner_address_taken_away_by_hand_comes_back(registered: Lab) -> None:
    """S1 is held meanwhile: it is the same association afterwards."""
    since = time.monotonic()
    registered.net.henb.ip(f"address del 10.99.0.1/32 dev {registered.inner_device()}")
    registered.log.wait("ike-up", 20, since=since)
    assert eventually(lambda: registered.status()["tunnel"]["condition"] == "up", 10)
    assert registered.status()["tunnel"]["inner_addresses"] == ["10.99.0.1"]
    assert not registered.log.events("SCTP-down", since)
    assert not registered.log.events("S1SetupRequest", since)


def test_the_same_address_after_reauthentication_is_not_told(registered: Lab) -> None:
    since = time.monotonic()
    registered.reauthenticate()
    registered.log.wait("ike-up", 20, since=since)
    assert registered.quiet(since)
    assert not registered.log.events("SCTP-down", since)


def test_two_changes_before_the_first_is_answered(registered: Lab) -> None:
    since = time.monotonic()
    registered.hems.play([on_inform(Hang())])
    first = registered.grant_another()
    registered.reauthenticate()
    registered.log.wait("Inform", 20, since=since)
    # Else charon makes two IKE_SAs of one that is replaced while a child is negotiated.
    assert eventually(lambda: at_rest(registered.status()))
    second = registered.grant_another()
    registered.reauthenticate()
    told(registered, second, since)
    addresses = [
        e.facts["parameters"].get(INNER_ADDRESS) for e in registered.log.events("Inform", since)
    ]
    assert addresses[:2] == [first, second]


def at_rest(status: Mapping[str, Any]) -> bool:
    """Return whether there is one IKE_SA, with the one child that is wanted."""
    tunnel = status["tunnel"]
    wanted = [tunnel["wanted"]["child"]]
    return [sa["children"] for sa in tunnel["ike_sas"]] == [wanted]


def test_a_change_back_before_the_first_is_answered_is_told(registered: Lab) -> None:
    """The HeMS may have taken the first Inform in: it must learn that the old address holds."""
    since = time.monotonic()
    registered.hems.play([on_inform(Hang())])
    registered.grant_another()
    registered.reauthenticate()
    registered.log.wait("Inform", 20, since=since)
    assert eventually(lambda: at_rest(registered.status()))
    registered.gateway.use_pool("10.99.0.0/24")
    registered.reauthenticate()
    told(registered, "10.99.0.1", since)
