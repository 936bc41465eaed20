"""Certificates and keys in service: renewed under way, judged by the rules that are configured."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.lab.faults import certificate_rotated
from tests.lab.lab import Lab, provisioning
from tests.lab.probe import eventually

SOON = {"ipsec": {"audit_s": 1}}


@pytest.mark.lab(configuration=SOON)
def test_a_renewed_certificate_is_used_and_the_address_stays(registered: Lab) -> None:
    """The second IKE_SA is there before the first goes: neither S1 nor the HeMS notices."""
    since = time.monotonic()
    certificate_rotated(registered)
    registered.log.wait("ike-down", 20, since=since)
    assert registered.status()["tunnel"]["inner_addresses"] == ["10.99.0.1"]
    (sa,) = registered.gateway.sas()
    assert [str(a) for a in sa.remote_inner] == ["10.99.0.1"]
    assert not registered.log.events("SCTP-down", since)
    assert registered.quiet(since)
    number = registered.pki.henb_next.certificate_der
    assert number in registered.gateway.peers_certificates()


@pytest.mark.lab(configuration=SOON)
def test_half_a_renewed_pair_is_not_taken(registered: Lab) -> None:
    since = time.monotonic()
    shutil.copy(registered.pki.henb_next.certificate, registered.pki.henb.certificate)
    assert eventually(lambda: "does not belong" in registered.henbd.text(), 10)
    assert not registered.log.events("ike-up", since)
    shutil.copy(registered.pki.henb_next.key, registered.pki.henb.key)
    registered.log.wait("ike-up", 20, since=since)


@pytest.mark.lab(configuration={"ipsec": {"revocation": "strict"}}, henb_plugins=("revocation",))
def test_a_gateway_about_whose_revocation_nothing_is_known_is_refused_where_that_is_asked(
    lab: Lab,
) -> None:
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(lambda: "CRL" in lab.charon.log.read_text(), 20)
    assert lab.status()["tunnel"]["condition"] != "up"
    lab.configure({"ipsec": {"revocation": "relaxed"}})
    lab.henbd.restart()
    lab.log.wait("S1SetupResponse", 60)
