"""Certificates and keys in service: renewed under way, judged by the rules that are configured."""

from __future__ import annotations

import shutil
import time

import pytest

from tests.functional.charon.charon_loop import key_id
from tests.lab.faults import certificate_rotated
from tests.lab.lab import Lab, provisioning
from tests.lab.namespaces import run
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
    assert eventually(lambda: keys(registered) == [key_id(registered.pki.henb_next)], 10)


@pytest.mark.lab(configuration=SOON)
def test_a_renewed_key_is_unloaded_by_the_next_process_too_and_nobody_elses(
    registered: Lab,
) -> None:
    registered.charon.vici.load_key(registered.pki.henb_stranger.key_der)
    registered.henbd.kill()
    for new, old in (
        (registered.pki.henb_next.certificate, registered.pki.henb.certificate),
        (registered.pki.henb_next.key, registered.pki.henb.key),
    ):
        shutil.copy(new, old)
    registered.henbd.start()
    pairs = registered.pki.henb_next, registered.pki.henb_stranger
    assert eventually(lambda: keys(registered) == sorted(map(key_id, pairs)), 20)


def keys(lab: Lab) -> list[str]:
    return sorted(key.decode() for key in lab.charon.vici.request("get-keys")["keys"])


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


@pytest.mark.lab(henb_plugins=("revocation",))
def test_a_gateway_that_has_been_revoked_is_refused(lab: Lab) -> None:
    certificate, authority = lab.pki.gateway, lab.pki.ike_ca
    revoked = lab.folder / "revoked.crl"
    run(
        "sh",
        "-c",
        f"pki --signcrl --cacert {authority.certificate} --cakey {authority.key}"
        f" --reason key-compromise --cert {certificate.certificate} >{revoked}",
    )
    message = {"type": "X509_CRL", "data": revoked.read_bytes()}
    lab.charon.vici.request("load-cert", message)
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(lambda: "was revoked" in lab.charon.log.read_text(), 20)
    assert lab.status()["tunnel"]["condition"] != "up"
    assert not lab.log.events("Inform")
