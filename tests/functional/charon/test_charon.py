"""The shell around charon, with a real tunnel to a real gateway."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from henbd.actions import LoadConnection, TerminateChild, TerminateIke, UnloadConnection
from henbd.control.tunnel import PREFIX
from henbd.values import AddressFamily, Connection, EspMode, IkeSa, Suite, Unknown
from tests.functional.charon.charon_loop import Ground, by_secret, child, connection, ground
from tests.lab.charon import kernel_has_esp
from tests.lab.namespaces import run
from tests.lab.pki import Pki
from tests.lab.probe import eventually, ping
from tests.lab.topology import MME, MME_6, SECOND_MME

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


def test_tunnel_by_certificate(here: Ground) -> None:
    wanted = connection(
        here.credentials,
        child("net-1", f"{MME}/32", f"{MME_6}/128"),
        families=(AddressFamily.IPV4, AddressFamily.IPV6),
    )
    sa = here.loop.bring_up(wanted)
    assert (sa.connection, sa.established, sa.connecting) == (wanted.name, True, False)
    assert sa.suite == Suite("AES_GCM_16", 128, "", "PRF_HMAC_SHA2_256", "ECP_256")
    assert sa.gateway == str(wanted.gateway)
    assert [address.version for address in sa.inner] == [4, 6]
    (installed,) = sa.children
    assert (installed.name, installed.installed) == ("net-1", True)
    assert installed.networks == wanted.child.networks
    for address in (MME, MME_6):
        ping(here.lab.henb, address)
    (seen,) = here.loop.see(full=False).sas
    (carrying,) = seen.children
    assert carrying.spi_in
    assert carrying.spi_out
    assert min(carrying.traffic.packets_in, carrying.traffic.packets_out) >= 2
    assert min(carrying.traffic.bytes_in, carrying.traffic.bytes_out) >= 2 * 64


def test_tunnel_by_secret(tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="henbd")
    secret = "open sesame"
    wanted = connection(by_secret(secret), child("net-1", f"{MME}/32"))
    with ground(tmp_path, pki, psk=secret) as here:
        assert here.loop.bring_up(wanted).established
        assert here.loop.loaded().secrets == {wanted.secret_id}
        ping(here.lab.henb, MME)
    assert "LoadCredentials" in caplog.text
    assert secret not in caplog.text


def test_what_is_loaded_is_seen_and_goes(here: Ground) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", "10.30.0.0/24"))
    assert loop.loaded().connections == {}
    loop.load(wanted)
    assert loop.loaded().connections == {wanted.name: {"net-1"}}
    assert loop.loaded().keys == {here.credentials.key_id}
    assert loop.see(full=False).loaded == Unknown("not asked")
    loop.shell.perform(UnloadConnection(wanted.name))
    assert loop.loaded().connections == {}


def test_everything_may_be_loaded_twice(here: Ground, caplog: pytest.LogCaptureFixture) -> None:
    wanted = connection(here.credentials, child("net-1", "10.30.0.0/24"))
    for _ in range(2):
        here.loop.load(wanted)
    loaded = here.loop.loaded()
    assert (len(loaded.connections), len(loaded.keys)) == (1, 1)
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_esp_mode_is_that_of_charon(here: Ground) -> None:
    assert here.loop.see().mode is (EspMode.POLICY if kernel_has_esp() else EspMode.INTERFACE)


def test_new_child_comes_beside_the_old_one(here: Ground) -> None:
    loop = here.loop
    old = connection(here.credentials, child("net-1", f"{MME}/32"))
    new = connection(here.credentials, child("net-2", f"{MME}/32", f"{SECOND_MME}/32"))
    before = loop.bring_up(old)
    loop.shell.perform(LoadConnection(new))
    assert loop.loaded().connections == {new.name: {"net-2"}}
    both = loop.bring_up(new)
    assert (both.unique_id, both.inner) == (before.unique_id, before.inner)
    assert {c.name for c in both.children if c.installed} == {"net-1", "net-2"}

    loop.shell.perform(TerminateChild(before.children[0].unique_id))
    (after,) = loop.await_sas(lambda sas: len(sas[0].children) == 1)
    assert (after.unique_id, after.inner) == (before.unique_id, before.inner)
    assert [c.name for c in after.children] == ["net-2"]
    for address in (MME, SECOND_MME):
        ping(here.lab.henb, address)


def test_changed_connection_comes_beside_the_old_one(here: Ground) -> None:
    old = connection(here.credentials, child("net-1", f"{MME}/32"), name="old")
    comes_beside(here, old, replace(old, name=PREFIX + "new", dpd_s=30))


def test_connection_of_a_new_secret_comes_beside_the_old_one(tmp_path: Path, pki: Pki) -> None:
    old = connection(by_secret("open sesame"), child("net-1", f"{MME}/32"), name="old")
    with ground(tmp_path, pki, psk="open sesame") as here:
        comes_beside(here, old, replace(old, name=PREFIX + "new", secret_id=PREFIX + "other"))


def comes_beside(here: Ground, old: Connection, new: Connection) -> None:
    loop = here.loop
    before = loop.bring_up(old)
    after = loop.bring_up(new)
    assert (after.connection, after.inner) == (new.name, before.inner)
    assert len(loop.see(full=False).sas) == 2
    loop.shell.perform(TerminateIke(before.unique_id))
    assert [sa.unique_id for sa in loop.see(full=False).sas] == [after.unique_id]
    ping(here.lab.henb, MME)


def test_bells_ring_when_the_tunnel_goes(here: Ground) -> None:
    loop = here.loop
    loop.bring_up(connection(here.credentials, child("net-1", f"{MME}/32")))
    loop.idle(0.1)
    here.gateway.terminate_child()
    loop.await_sas(lambda sas: sas and not sas[0].children)
    here.gateway.terminate_ike()
    loop.await_sas(lambda sas: not sas)


def test_terminated_ike_sa_is_gone_at_the_next_look(here: Ground) -> None:
    sa = here.loop.bring_up(connection(here.credentials, child("net-1", f"{MME}/32")))
    for _ in range(2):
        here.loop.shell.perform(TerminateIke(sa.unique_id))
        assert here.loop.see(full=False).sas == ()


def test_terminated_ike_sa_does_not_wait_for_a_dead_gateway(here: Ground) -> None:
    sa = here.loop.bring_up(connection(here.credentials, child("net-1", f"{MME}/32")))
    here.lab.cut("segw")
    here.loop.shell.perform(TerminateIke(sa.unique_id))
    assert here.loop.see(full=False).sas == ()


def carries(sa: IkeSa) -> bool:
    return sa.established and any(c.installed for c in sa.children)


@pytest.mark.parametrize("side", ["henb", "gateway"])
def test_rekeying_never_looks_like_a_loss(here: Ground, side: str) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    first = loop.bring_up(wanted)
    rekey_here = here.charon.vici.rekey
    for rekey in (
        here.gateway.rekey_child if side == "gateway" else lambda: rekey_here(child="net-1"),
        here.gateway.rekey_ike if side == "gateway" else lambda: rekey_here(ike=wanted.name),
    ):
        rekey()
        for _ in range(300):
            assert [s for s in loop.see(full=False).sas if carries(s) and s.inner == first.inner]
    (last,) = [sa for sa in loop.see(full=False).sas if carries(sa)]
    assert last.unique_id != first.unique_id
    assert first.children[0].unique_id not in {c.unique_id for c in last.children if c.installed}


def test_rekeying_that_is_not_answered_is_no_loss_yet(patient: Ground) -> None:
    loop = patient.loop
    wanted = connection(patient.credentials, child("net-1", f"{MME}/32"))
    before = loop.bring_up(wanted)
    patient.lab.cut("segw")
    patient.charon.vici.rekey(ike=wanted.name)
    assert eventually(lambda: states(patient) == ["REKEYING"])
    (sa,) = loop.see(full=False).sas
    assert carries(sa)
    assert (sa.unique_id, sa.inner) == (before.unique_id, before.inner)


def test_reauthentication_is_a_negotiation_from_its_beginning(patient: Ground) -> None:
    loop = patient.loop
    wanted = connection(patient.credentials, child("net-1", f"{MME}/32"))
    loop.bring_up(wanted)
    patient.lab.cut("segw")
    patient.charon.vici.reauthenticate(wanted.name)
    assert eventually(lambda: states(patient) == ["DELETING"])
    (sa,) = loop.see(full=False).sas
    assert (sa.established, sa.connecting) == (False, True)


def states(here: Ground) -> list[str]:
    """Return how the IKE_SAs are, in charon's words."""
    return [sa.state for sa in here.charon.vici.sas()]


def test_operators_unloading_is_seen(here: Ground, tmp_path: Path) -> None:
    loop = here.loop
    wanted = connection(here.credentials, child("net-1", f"{MME}/32"))
    loop.bring_up(wanted)
    empty = tmp_path / "swanctl.conf"
    empty.touch()
    run("swanctl", "--load-all", "--file", str(empty), "--uri", f"unix://{here.charon.vici.path}")
    loaded = loop.loaded()
    assert (loaded.connections, loaded.keys) == ({}, set())
    assert [sa.established for sa in loop.see().sas] == [True]
    loop.load(wanted)
    assert loop.loaded().connections == {wanted.name: {"net-1"}}
