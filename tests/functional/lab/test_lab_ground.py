"""The ground of the lab holds: namespaces, their links and routes, certificates and captures."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from tests.lab import pki as pki_module
from tests.lab import topology as topology_module
from tests.lab.capture import BlindCapture, Capture
from tests.lab.namespaces import CONFIGURATION, NAMES, Address, CommandFailed, namespaces
from tests.lab.pcap import ICMP, SCTP
from tests.lab.pki import KeyPair, Pki
from tests.lab.probe import eventually, ping, unanswered
from tests.lab.topology import GATEWAY, GATEWAY_6, HEMS, MME, MME_6, SECOND_MME, SGW, Topology

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return pki_module.make(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def lab() -> Iterator[Topology]:
    with Topology() as topology:
        yield topology


def ours(folder: Path) -> list[Path]:
    """Return what of this process is still in a folder of namespaces."""
    return list(folder.glob(f"henbd-{os.getpid()}-*"))


def test_thread_is_inside_until_the_block_ends() -> None:
    home = os.readlink("/proc/thread-self/ns/net")
    with namespaces("solo") as (solo,):
        with solo.inside():
            inside = os.readlink("/proc/thread-self/ns/net")
            assert [name for _, name in socket.if_nameindex()] == ["lo"]
        assert inside != home
        assert os.readlink("/proc/thread-self/ns/net") == home


def test_thread_is_outside_again_after_an_error() -> None:
    home = os.readlink("/proc/thread-self/ns/net")
    with namespaces("solo") as (solo,):
        with pytest.raises(CommandFailed), solo.inside():
            solo.run("false")
        assert os.readlink("/proc/thread-self/ns/net") == home


def test_socket_stays_in_the_namespace_it_was_made_in() -> None:
    with namespaces("solo") as (solo,):
        solo.ip("link set lo up")
        with solo.inside():
            listener = socket.create_server(("127.0.0.1", 0))
        with listener:
            address = listener.getsockname()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)
            with solo.inside():
                stream = socket.create_connection(address)
            stream.close()


def test_child_has_the_pid_of_the_command_and_dies_with_its_namespace() -> None:
    with namespaces("solo") as (solo,):
        child = solo.start("sleep", "1000")
        command = Path(f"/proc/{child.pid}/comm")
        assert eventually(lambda: command.read_text() == "sleep\n")
        assert os.readlink(f"/proc/{child.pid}/ns/net") != os.readlink("/proc/self/ns/net")
    assert child.returncode == -signal.SIGKILL


def test_failed_command_says_why() -> None:
    with namespaces("solo") as (solo,):
        with pytest.raises(CommandFailed, match=r"exit status 1: .*(File exists|already assigned)"):
            solo.ip("address add 192.0.2.1/32 dev lo", "address add 192.0.2.1/32 dev lo")
        with pytest.raises(CommandFailed, match="cat /nowhere: exit status 1"):
            solo.run("cat", "/nowhere")


def test_nameserver_is_seen_by_the_commands_of_the_namespace_only() -> None:
    with namespaces("solo") as (solo,):
        solo.set_nameserver(HEMS)
        assert f"nameserver {HEMS}\n" in solo.run("cat", "/etc/resolv.conf")
        assert str(HEMS) not in Path("/etc/resolv.conf").read_text()
        assert ours(CONFIGURATION)
    assert not ours(CONFIGURATION)


@pytest.mark.parametrize("far", [GATEWAY, GATEWAY_6, MME, MME_6, HEMS, SGW, SECOND_MME], ids=str)
def test_henb_reaches_gateway_and_core(lab: Topology, far: Address) -> None:
    ping(lab.henb, far)


def test_topology_is_gone_after_close_which_may_be_repeated() -> None:
    with Topology(second_gateway=True) as lab:
        assert len(ours(NAMES)) == 5
        child = lab.core.start("sleep", "1000")
    lab.close()
    assert child.returncode is not None
    assert not ours(NAMES)


def test_topology_that_fails_halfway_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = topology_module.ROUTES | {"core": ("10.99.0.0/16 via 203.0.113.1 dev core0",)}
    monkeypatch.setattr(topology_module, "ROUTES", wrong)
    with pytest.raises(CommandFailed, match="-core -batch"):
        Topology()
    assert not ours(NAMES)


@pytest.mark.parametrize("cable", ["wan0", "segw"])
def test_cut_cable_carries_nothing_until_it_is_restored(lab: Topology, cable: str) -> None:
    lab.cut(cable)
    assert unanswered(lab.henb, GATEWAY)
    assert unanswered(lab.henb, GATEWAY_6)
    assert unanswered(lab.henb, MME)
    assert "NO-CARRIER" not in lab.henb.run("ip", "link", "show", "wan0")
    lab.restore(cable)
    for far in (GATEWAY, GATEWAY_6, MME, MME_6):
        ping(lab.henb, far)


def test_unplugged_wan_has_no_carrier_until_it_is_plugged(lab: Topology) -> None:
    lab.unplug("wan0")
    # The kernel looks after its links at most once a second.
    assert eventually(lambda: "NO-CARRIER" in lab.henb.run("ip", "link", "show", "wan0"))
    lab.plug("wan0")
    for far in (GATEWAY, GATEWAY_6, MME, MME_6):
        ping(lab.henb, far)


def test_one_cable_is_plugged_while_another_stays_out(lab: Topology) -> None:
    lab.unplug("wan1")
    lab.unplug("segw")
    lab.plug("segw")
    ping(lab.henb, GATEWAY)
    assert unanswered(lab.henb, GATEWAY, "-I", "wan1")
    lab.plug("wan1")
    ping(lab.henb, GATEWAY, "-I", "wan1")


def test_default_route_moves_to_the_other_wan_and_back(lab: Topology) -> None:
    lab.cut("wan0")
    lab.use_wan("wan1")
    ping(lab.henb, GATEWAY)
    ping(lab.henb, GATEWAY_6)
    lab.restore("wan0")
    lab.cut("wan1")
    lab.use_wan("wan0")
    ping(lab.henb, GATEWAY)
    ping(lab.henb, GATEWAY_6)


def test_wan_that_was_down_is_as_before(lab: Topology) -> None:
    lab.take_down("wan0")
    ping(lab.henb, GATEWAY, "-I", "10.10.2.2")
    lab.bring_up("wan0")
    ping(lab.henb, GATEWAY, "-I", "10.10.1.2")
    ping(lab.henb, GATEWAY_6, "-I", "fd00:10:1::2")


@pytest.mark.parametrize(
    ("name", "by_name", "by_address"),
    [
        ("hems", ": OK", ": OK"),
        ("hems_wrong_name", "hostname mismatch", "IP address mismatch"),
        ("hems_expired", "certificate has expired", "certificate has expired"),
        ("hems_stranger", "unable to get local issuer", "unable to get local issuer"),
    ],
)
def test_server_certificates_are_as_right_or_wrong_as_their_name(
    pki: Pki, name: str, by_name: str, by_address: str
) -> None:
    pair: KeyPair = getattr(pki, name)
    files = ["-CAfile", str(pki.tls_ca.certificate), str(pair.certificate)]
    for option, value, verdict in (
        ("-verify_hostname", "hems.lab", by_name),
        ("-verify_ip", "10.30.0.3", by_address),
    ):
        command = ["openssl", "verify", "-purpose", "sslserver", option, value, *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert verdict in done.stdout + done.stderr


def test_certificates_are_made_once_and_keys_are_private(pki: Pki) -> None:
    before = pki.henb.certificate_der
    assert pki_module.make(pki.henb.key.parent) == pki
    assert pki.henb.certificate_der == before
    assert pki.henb_next.certificate_der != before
    keys = list(pki.henb.key.parent.glob("*.key"))
    assert len(keys) == len(fields(Pki))
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


@pytest.mark.kernel
def test_leak_is_answered_and_caught(lab: Topology, tmp_path: Path) -> None:
    with (
        Capture(lab.net, "henb0", tmp_path) as wan,
        Capture(lab.net, "segw0", tmp_path) as uplink,
    ):
        ping(lab.henb, MME)
        for link in (wan, uplink):
            there, back = link.clear(protocols=[ICMP])
            assert (str(there.source), there.destination) == ("10.10.1.2", MME)
            assert (back.source, str(back.destination)) == (MME, "10.10.1.2")


@pytest.mark.kernel
def test_leaking_s1_is_caught_by_its_protocol(lab: Topology, tmp_path: Path) -> None:
    with lab.henb.inside():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_SCTP)
    with raw, Capture(lab.net, "henb0", tmp_path) as wan:
        # The beginning of an SCTP packet from and to port 36412.
        raw.sendto(bytes.fromhex("8e3c8e3c0000000000000000"), (str(MME), 0))
        leaked = wan.clear(protocols=[SCTP])
    # A kernel with SCTP at the far end may answer.
    assert str(leaked[0]) == "SCTP 10.10.1.2:36412 > 10.30.0.2:36412 32 bytes"


def test_traffic_of_others_is_no_leak(lab: Topology, tmp_path: Path) -> None:
    with Capture(lab.net, "henb0", tmp_path) as wan:
        ping(lab.henb, GATEWAY)
        ping(lab.henb, GATEWAY_6)
        assert wan.clear() == []
        assert len(wan.packets()) >= 4


def test_dead_capture_proves_nothing(lab: Topology, tmp_path: Path) -> None:
    capture = Capture(lab.net, "henb0", tmp_path)
    lab.net.kill_children()
    with pytest.raises(BlindCapture, match="tcpdump ended"):
        capture.stop()
    capture.stop()


def test_capture_of_a_dead_link_proves_nothing_until_it_is_back(
    lab: Topology, tmp_path: Path
) -> None:
    with Capture(lab.net, "henb0", tmp_path) as capture:
        lab.unplug("wan0")
        with pytest.raises(BlindCapture, match="Network is down"):
            capture.clear()
        lab.plug("wan0")
        ping(lab.henb, MME)
        assert len(capture.clear()) == 2


def test_capture_without_its_folder_or_interface_is_an_error(lab: Topology, tmp_path: Path) -> None:
    with pytest.raises(BlindCapture, match="No such file"):
        Capture(lab.net, "henb0", tmp_path / "nowhere")
    with pytest.raises(OSError, match="No such device"):
        Capture(lab.net, "nothing0", tmp_path)
