"""The HeMS by HTTPS: who it is said to be is who it must be (TR-069 3.3)."""

from __future__ import annotations

import pytest

from tests.lab.lab import Lab, provisioning
from tests.lab.probe import eventually

REASONS = {
    "hems_wrong_name": "IP address mismatch",
    "hems_expired": "certificate has expired",
    "hems_stranger": "unable to get local issuer certificate",
}


@pytest.mark.parametrize(
    "wrong",
    [pytest.param(name, marks=pytest.mark.lab(tls=name)) for name in REASONS],
)
def test_a_wrong_certificate_is_refused_and_a_right_one_taken(lab: Lab, wrong: str) -> None:
    lab.configure({"connection_request": {"port": 7548}})
    lab.hems.play([provisioning()])
    lab.start()
    assert eventually(lambda: failure(lab) is not None, 20)
    assert REASONS[wrong] in str(failure(lab))
    assert not lab.log.events("Inform")
    assert lab.status()["hems"]["pending_events"] == ["0 BOOTSTRAP", "1 BOOT"]

    lab.hems.use_tls(lab.tls_files("hems"))
    lab.log.wait("S1SetupResponse", 40)


def failure(lab: Lab) -> str | None:
    """Return why the last session failed, None where there was none."""
    sessions = lab.status()["hems"]["sessions"]
    return sessions[0]["failure"] if sessions else None


@pytest.mark.lab(
    tls="hems",
    configuration={"hems": {"url": "https://hems.lab:7557/", "address": "10.30.0.3"}},
)
def test_a_hems_of_a_name_is_verified_by_that_name(lab: Lab) -> None:
    """The address is configured: no name server is asked, and the certificate has the name."""
    lab.register()


@pytest.mark.lab(
    tls="hems_wrong_name",
    configuration={"hems": {"url": "https://hems.lab:7557/", "address": "10.30.0.3"}},
)
def test_a_certificate_of_another_name_is_refused(lab: Lab) -> None:
    lab.start()
    assert eventually(lambda: failure(lab) is not None, 20)
    assert "Hostname mismatch" in str(failure(lab))
    assert not lab.log.events("Inform")
