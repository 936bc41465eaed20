"""The tunnel of the lab holds: charon at both ends, what the gateway grants, refuses and sees.

Run under a kernel with ESP (in the VM) the same tests use that instead of strongSwan's own.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.lab import pki as pki_module
from tests.lab.capture import Capture
from tests.lab.charon import Charon, CharonFailed, kernel_has_esp
from tests.lab.events import Event, Log
from tests.lab.gateway import Gateway, Refusal
from tests.lab.ike import Refused
from tests.lab.namespaces import Address
from tests.lab.pcap import ESP, UDP, Packet
from tests.lab.pki import HENB_ID, Pki
from tests.lab.probe import eventually, ping, unanswered
from tests.lab.scripted_henb import ScriptedHenb
from tests.lab.topology import (
    CORE,
    HEMS,
    MME,
    MME_6,
    SECOND_GATEWAY,
    SECOND_MME,
    SECOND_POOLS,
    SECOND_POOLS_6,
    SGW,
    Topology,
)

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

PSK = "a secret of the lab"
BOTH_MMES: tuple[Address, ...] = (MME, MME_6)
MME_SELECTORS = [f"{MME}/32", f"{MME_6}/128"]
EVERYTHING = {"all": ["0.0.0.0/0", "::/0"]}
OUTSIDE_THE_FIRST_24 = IPv4Address("10.30.7.7")


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki_module.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def lab() -> Iterator[Topology]:
    with Topology() as topology:
        yield topology


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def gateway(lab: Topology, log: Log, pki: Pki, tmp_path: Path) -> Iterator[Gateway]:
    with Gateway(lab.segw, tmp_path, log, pki=pki) as gateway:
        yield gateway


@pytest.fixture
def henb(lab: Topology, pki: Pki, tmp_path: Path) -> Iterator[ScriptedHenb]:
    # A dead gateway is to be noticed soon: after 2.4 s.
    with Charon(lab.henb, tmp_path, "henb", settings={"retransmit_tries": "1"}) as charon:
        yield ScriptedHenb(charon, pki)


@pytest.fixture
def links(lab: Topology, tmp_path: Path) -> Iterator[tuple[Capture, Capture]]:
    with (
        Capture(lab.net, "henb0", tmp_path) as wan,
        Capture(lab.net, "segw0", tmp_path) as uplink,
    ):
        yield wan, uplink


def test_paused_charon_takes_connections_and_answers_none(henb: ScriptedHenb) -> None:
    henb.charon.pause()
    with pytest.raises(TimeoutError):
        henb.vici.request("version", timeout_s=0.2)
    henb.charon.resume()
    assert henb.vici.version()


def test_killed_charon_starts_again_in_the_same_place(henb: ScriptedHenb) -> None:
    first = henb.charon.pid
    henb.charon.kill()
    assert not henb.charon.running
    with pytest.raises(ConnectionRefusedError):
        henb.vici.version()
    henb.charon.start()
    assert henb.vici.version()
    assert henb.charon.pid != first


def test_charon_that_cannot_start_says_why_and_leaves_nothing(
    lab: Topology, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    charon = Charon(lab.henb, tmp_path, "henb", settings={"load": "no-such-plugin"})
    assert list(tmp_path.glob("henbd-lab-*"))
    with pytest.raises(CharonFailed, match="no-such-plugin"), charon:
        pass
    assert not charon.running
    assert not list(tmp_path.glob("henbd-lab-*"))


@pytest.mark.skipif("HENBD_VM" not in os.environ, reason="not the full kernel")
@pytest.mark.kernel
def test_full_kernel_does_esp_itself() -> None:
    assert kernel_has_esp()


def test_userspace_esp_is_used_only_where_the_kernel_has_none(henb: ScriptedHenb) -> None:
    assert ("ipsec0" in henb.namespace.run("ip", "link")) is not kernel_has_esp()


@pytest.mark.parametrize("psk", [None, PSK], ids=["certificate", "psk"])
def test_tunnel_comes_up_and_hides_everything(
    psk: str | None,
    lab: Topology,
    log: Log,
    pki: Pki,
    henb: ScriptedHenb,
    links: tuple[Capture, Capture],
    tmp_path: Path,
) -> None:
    with Gateway(lab.segw, tmp_path, log, pki=pki, psk=psk):
        henb.load({"mme": MME_SELECTORS}, psk=psk)
        henb.up("mme")

        up, child = log.wait("ike-up"), log.wait("child-up")
        assert up.text == "IKE SA up  henb1.lab 10.10.1.2  inner address 10.99.0.1, fd00:99::1"
        assert (up.facts["remote_id"], up.facts["outer"]) == (HENB_ID, "10.10.1.2")
        assert up.facts["inner"] == henb.inner()
        assert child.facts["selectors"] == tuple(MME_SELECTORS)
        for inner, far in zip(henb.inner(), BOTH_MMES, strict=True):
            ping(lab.henb, far)
            ping(lab.henb, far, "-I", str(inner))
            ping(lab.core, inner, "-I", str(far))
        for link in links:
            assert link.clear() == []
            # Six echoes and their answers.
            assert len([packet for packet in link.packets() if _is_esp(packet)]) >= 12


def _is_esp(packet: Packet) -> bool:
    return packet.protocol == ESP or (packet.protocol == UDP and packet.ports == (4500, 4500))


def test_gateway_may_take_the_place_of_another(
    lab: Topology, log: Log, pki: Pki, henb: ScriptedHenb, tmp_path: Path
) -> None:
    for psk in (None, PSK):
        with Gateway(lab.segw, tmp_path, log, pki=pki, psk=psk):
            henb.load({"mme": MME_SELECTORS}, psk=psk)
            henb.up("mme")
            ping(lab.henb, MME, "-I", str(henb.inner()[0]))
            henb.vici.terminate(ike="lab")


def test_downlink_without_tunnel_stays_in_the_gateway(
    lab: Topology, gateway: Gateway, henb: ScriptedHenb, links: tuple[Capture, Capture]
) -> None:
    inner = IPv4Address("10.99.0.1")
    assert unanswered(lab.core, inner)
    henb.load(EVERYTHING)
    henb.up("all")
    ping(lab.core, inner)
    henb.vici.terminate(ike="lab")
    assert unanswered(lab.core, inner)
    henb.up("all")
    gateway.kill()
    assert unanswered(lab.core, inner)
    assert [link.clear() for link in links] == [[], []]


def test_second_gateway_leads_to_the_same_core(log: Log, pki: Pki, tmp_path: Path) -> None:
    with Topology(second_gateway=True) as lab:
        assert lab.segw2 is not None
        second = Gateway(
            lab.segw2,
            tmp_path,
            log,
            pki=pki,
            pools=("10.98.0.0/24", "fd00:98::/64"),
            inner_networks=(SECOND_POOLS, SECOND_POOLS_6),
        )
        with (
            second,
            Charon(lab.henb, tmp_path, "henb") as charon,
            Capture(lab.net, "segw1", tmp_path) as uplink,
        ):
            henb = ScriptedHenb(charon, pki)
            henb.load({"mme": MME_SELECTORS}, remote_addrs=[str(SECOND_GATEWAY)])
            henb.up("mme")
            assert list(map(str, henb.inner())) == ["10.98.0.1", "fd00:98::1"]
            for inner, far in zip(henb.inner(), BOTH_MMES, strict=True):
                ping(lab.henb, far, "-I", str(inner))
            assert uplink.clear() == []
            assert [packet for packet in uplink.packets() if _is_esp(packet)]


def test_every_host_of_the_core_can_be_a_selector_of_its_own(
    lab: Topology, gateway: Gateway, henb: ScriptedHenb, links: tuple[Capture, Capture]
) -> None:
    gateway.own(OUTSIDE_THE_FIRST_24)
    lab.core.ip(f"address add {OUTSIDE_THE_FIRST_24}/32 dev lo")
    far_ends = (MME, HEMS, SGW, SECOND_MME, OUTSIDE_THE_FIRST_24)
    henb.load({str(far): [f"{far}/32"] for far in far_ends})
    for far in far_ends:
        henb.up(str(far))
        ping(lab.henb, far, "-I", str(henb.inner()[0]))
    # Its own address there has not been given away.
    ping(lab.core, CORE[1])
    assert [link.clear() for link in links] == [[], []]


@pytest.mark.parametrize(("ends", "stays"), [(MME, SECOND_MME), (SECOND_MME, MME)], ids=str)
def test_child_beside_child_works_on_when_the_other_has_ended(
    ends: Address, stays: Address, lab: Topology, gateway: Gateway, henb: ScriptedHenb
) -> None:
    henb.load({str(far): [f"{far}/32"] for far in (MME, SECOND_MME)})
    henb.up(str(MME))
    before = henb.inner()
    henb.up(str(SECOND_MME))
    henb.vici.terminate(child=str(ends))
    assert henb.inner() == before
    ping(lab.henb, stays, "-I", str(before[0]))
    (sa,) = gateway.sas()
    assert [child.local_selectors for child in sa.children] == [(f"{stays}/32",)]


def _by_reauthentication(henb: ScriptedHenb, _: Gateway) -> None:
    henb.vici.reauthenticate("lab")


def _by_the_gateway(_: ScriptedHenb, gateway: Gateway) -> None:
    gateway.terminate_ike()


def _by_hand(henb: ScriptedHenb, _: Gateway) -> None:
    henb.vici.terminate(ike="lab")
    henb.up("all")


def _by_the_death_of_the_gateway(_: ScriptedHenb, gateway: Gateway) -> None:
    gateway.kill()
    gateway.start()


@pytest.mark.parametrize(
    "change", [_by_reauthentication, _by_the_gateway, _by_hand, _by_the_death_of_the_gateway]
)
def test_inner_address_changes(
    change: Callable[[ScriptedHenb, Gateway], None],
    lab: Topology,
    log: Log,
    gateway: Gateway,
    henb: ScriptedHenb,
) -> None:
    henb.load(EVERYTHING, child={"close_action": "start", "dpd_action": "restart"}, dpd_delay="1")
    henb.up("all")
    gateway.use_pool("10.99.1.0/24", "fd00:99:1::/64")
    assert list(map(str, henb.inner())) == ["10.99.0.1", "fd00:99::1"]

    since = time.monotonic()
    change(henb, gateway)

    log.wait("child-up", 15, since=since, where=_granted("10.99.1.1"))
    # The HeNB knows a moment later, and the old SA may outlive the new one's beginning.
    assert eventually(lambda: list(map(str, henb.inner())) == ["10.99.1.1", "fd00:99:1::1"])
    assert eventually(lambda: "10.99.0.1/32" not in henb.namespace.run("ip", "-o", "address"))
    ping(lab.henb, MME)
    ping(lab.henb, MME_6)


def _granted(address: str) -> Callable[[Event], bool]:
    return lambda event: address in map(str, event.facts["inner"])


def test_ends_of_sas_are_written_down(log: Log, gateway: Gateway, henb: ScriptedHenb) -> None:
    henb.load(EVERYTHING)
    henb.up("all")
    gateway.terminate_child()
    ended = log.wait("child-down")
    assert ended.text == "CHILD SA down  10.99.0.1/32, fd00:99::1/128 to 0.0.0.0/0, ::/0"
    assert log.events("ike-down") == []
    henb.vici.terminate(ike="lab")
    assert log.wait("ike-down").text == "IKE SA down  henb1.lab 10.10.1.2"


@pytest.mark.parametrize("which", ["ike", "child"])
def test_rekeying_changes_no_address(
    which: str, lab: Topology, gateway: Gateway, henb: ScriptedHenb
) -> None:
    henb.load(EVERYTHING)
    henb.up("all")
    inner = henb.inner()
    before = _in_use(gateway)
    if which == "ike":
        gateway.rekey_ike()
    else:
        gateway.rekey_child()
    # For a moment there are both, or one that is half made.
    assert eventually(lambda: len(_in_use(gateway) - before) == 1)
    assert eventually(lambda: len(_in_use(gateway)) == 2)
    assert henb.inner() == inner
    ping(lab.henb, MME)


def _in_use(gateway: Gateway) -> set[tuple[str, str]]:
    """Return the numbers of the IKE_SAs and CHILD_SAs that are in use."""
    ikes = [sa for sa in gateway.sas() if sa.state == "ESTABLISHED"]
    children = [child for sa in ikes for child in sa.children if child.state == "INSTALLED"]
    return {("ike", sa.unique_id) for sa in ikes} | {("child", sa.unique_id) for sa in children}


def test_tunnel_moves_to_the_other_wan_and_keeps_its_address(
    lab: Topology, gateway: Gateway, henb: ScriptedHenb
) -> None:
    henb.load({"mme": MME_SELECTORS})
    henb.up("mme")
    inner = henb.inner()
    assert _outer(gateway) == {"10.10.1.2"}
    lab.take_down("wan0")
    assert eventually(lambda: _outer(gateway) <= {"10.10.2.2", "fd00:10:2::2"})
    assert henb.inner() == inner
    assert eventually(lambda: not unanswered(lab.henb, MME, "-I", str(inner[0])))


def _outer(gateway: Gateway) -> set[str]:
    return {sa.remote_host for sa in gateway.sas()}


@pytest.mark.parametrize("how", [Refusal.IDENTITY, Refusal.PROPOSAL])
def test_gateway_refuses_until_it_accepts(
    how: Refusal, log: Log, gateway: Gateway, henb: ScriptedHenb
) -> None:
    henb.load(EVERYTHING)
    gateway.refuse(how)
    with pytest.raises(Refused):
        henb.up("all")
    log.wait("ike-refused")
    assert log.events("ike-up") == []
    assert f"N({how.value})" in henb.charon.log.read_text()
    gateway.accept()
    henb.up("all")
    log.wait("ike-up")


def test_gateway_refuses_the_selectors_alone(
    log: Log, gateway: Gateway, henb: ScriptedHenb
) -> None:
    henb.load(EVERYTHING)
    gateway.refuse(Refusal.SELECTORS)
    with pytest.raises(Refused):
        henb.up("all")
    log.wait("ike-up")
    assert f"N({Refusal.SELECTORS.value})" in henb.charon.log.read_text()
    (sa,) = henb.vici.sas()
    assert sa.local_inner
    assert sa.children == ()


def test_gateway_that_grants_no_address_leaves_the_ike_sa_bare(
    log: Log, gateway: Gateway, henb: ScriptedHenb
) -> None:
    gateway.use_pool()
    henb.load(EVERYTHING)
    with pytest.raises(Refused):
        henb.up("all")
    assert log.wait("ike-up").text.endswith("inner address none")
    (sa,) = henb.vici.sas()
    assert (sa.state, sa.local_inner, sa.children) == ("ESTABLISHED", (), ())


@pytest.mark.usefixtures("gateway")
def test_certificate_of_a_stranger_is_refused(log: Log, henb: ScriptedHenb, pki: Pki) -> None:
    henb.load(EVERYTHING, pair=pki.henb_stranger)
    with pytest.raises(Refused):
        henb.up("all")
    log.wait("ike-refused")


@pytest.mark.usefixtures("gateway")
def test_next_certificate_of_the_same_identity_is_taken(
    log: Log, henb: ScriptedHenb, pki: Pki
) -> None:
    henb.load(EVERYTHING, pair=pki.henb_next)
    henb.up("all")
    assert log.wait("ike-up").facts["remote_id"] == HENB_ID


def test_nothing_is_left_of_a_gateway_that_cannot_start(
    lab: Topology, log: Log, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gateway = Gateway(lab.segw, tmp_path, log, pki=pki, pools=("no network",))
    with pytest.raises(Refused, match="load-pool"), gateway:
        pass
    assert not gateway.charon.running
    assert not list(tmp_path.glob("henbd-lab-*"))
