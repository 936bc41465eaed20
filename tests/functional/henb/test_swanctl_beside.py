"""Somebody else's swanctl in the same charon: an init script calls `--load-all` at each reload."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.functional.henb.test_s1 import set_in_a_session
from tests.lab import topology
from tests.lab.faults import certificate_rotated
from tests.lab.gateway import ESP_PROPOSALS, IKE_PROPOSALS
from tests.lab.hems.rpc import Set
from tests.lab.lab import S1_SERVERS, Lab
from tests.lab.pki import GATEWAY_ID
from tests.lab.probe import eventually


def swanctl(lab: Lab, *arguments: str) -> str:
    """Run swanctl against the HeNB's charon; return what it says."""
    return subprocess.run(
        ["swanctl", *arguments, "--uri", f"unix://{lab.charon.vici.path}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.lab(configuration={"ipsec": {"audit_s": 1}})
def test_what_load_all_removes_is_put_back_and_nothing_goes_down(
    registered: Lab, tmp_path: Path
) -> None:
    lab = registered
    # The user plane's peer has come into the tunnel too: from here on nothing is to be done.
    assert eventually(lambda: str(topology.SGW) in swanctl(lab, "--list-conns"))
    (before,) = lab.charon.vici.sas()
    informs, loads = len(lab.log.events("Inform")), lab.henbd.text().count("LoadConnection(")
    empty = tmp_path / "swanctl.conf"
    empty.touch()
    swanctl(lab, "--load-all", "--noprompt", "--file", str(empty))
    assert eventually(lambda: lab.henbd.text().count("LoadConnection(") > loads)
    assert eventually(lambda: before.name in swanctl(lab, "--list-conns"))
    (after,) = lab.charon.vici.sas()
    assert (after.unique_id, after.state) == (before.unique_id, "ESTABLISHED")
    assert lab.status()["s1"]["up"]
    assert len(lab.log.events("Inform")) == informs


@pytest.mark.lab(configuration={"ipsec": {"audit_s": 1}})
def test_a_tunnel_of_an_operators_own_is_left_alone_whatever_befalls_ours(registered: Lab) -> None:
    lab = registered
    operators, vici = lab.pki.gateway_other, lab.charon.vici
    key = vici.load_key(operators.key_der)
    vici.load_connection(OPERATORS, operators_connection(operators.certificate_der))
    vici.initiate("their-child", ike=OPERATORS)
    (theirs,) = (sa for sa in vici.sas() if sa.name == OPERATORS)

    ours = lab.status()["tunnel"]["inner_addresses"]
    certificate_rotated(lab, OPERATORS)
    lab.henbd.restart()
    assert eventually(lambda: lab.answers() and lab.status()["tunnel"]["inner_addresses"] == ours)
    set_in_a_session(lab, Set({S1_SERVERS: (str(topology.SECOND_MME), "xsd:string")}))
    assert eventually(lambda: len(lab.second_mme.s1_up) == 1, 20)
    lab.henbd.stop()

    (after,) = (sa for sa in vici.sas() if sa.name == OPERATORS)
    assert after == theirs
    assert OPERATORS in swanctl(lab, "--list-conns")
    assert key.encode() in vici.request("get-keys")["keys"]


OPERATORS = "an-operators"


def operators_connection(certificate: bytes) -> dict[str, object]:
    """Return a connection with the same gateway, as somebody else."""
    # The gateway itself, at its address in the core.
    child = {"remote_ts": ["10.30.0.1/32"], "esp_proposals": ESP_PROPOSALS}
    return {
        "version": "2",
        "remote_addrs": [str(topology.GATEWAY)],
        "proposals": IKE_PROPOSALS,
        "vips": ["0.0.0.0"],
        "local": {"auth": "pubkey", "id": "other.lab", "certs": [certificate]},
        "remote": {"auth": "pubkey", "id": GATEWAY_ID},
        "children": {"their-child": child},
    }
