"""What srsenb reads and says: its file with our values in it, and its log."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from henbd.system.s1ap.dialect import Said
from henbd.system.s1ap.service import Running, procd, systemd
from henbd.system.s1ap.srsenb_text import beyond, hear, rewrite
from henbd.values import Cell, FarEnd, PeerState, S1Link

LINK = S1Link(
    ip_address("10.99.0.1"),
    (FarEnd(ip_address("10.30.0.2"), 36412),),
    inside=True,
    may_transmit=True,
    cell=Cell(1, 1, ("00101",), None, None),
)

FILE = """\
#####################################################################
# mme_addr: the address of the MME
[enb]
enb_id = 0x19B
mcc = 001
mme_addr = 127.0.1.100   # the core
  gtp_bind_addr=127.0.1.1
#gtp_advertise_addr = 127.0.1.1
s1c_bind_addr\t= 127.0.1.1# ours
n_prb = 50

[log]
mme_addr = not ours
filename = stdout
"""


def test_four_keys_are_rewritten_and_all_else_stays() -> None:
    assert (
        rewrite(FILE, LINK)
        == """\
#####################################################################
# mme_addr: the address of the MME
[enb]
gtp_advertise_addr = 10.99.0.1
enb_id = 0x19B
mcc = 001
mme_addr = 10.30.0.2   # the core
  gtp_bind_addr=10.99.0.1
#gtp_advertise_addr = 127.0.1.1
s1c_bind_addr\t= 10.99.0.1# ours
n_prb = 50

[log]
mme_addr = not ours
filename = stdout
"""
    )


def test_rewriting_twice_changes_nothing() -> None:
    once = rewrite(FILE, LINK)
    assert rewrite(once, LINK) == once
    other = replace(LINK, local=ip_address("10.99.0.7"))
    assert rewrite(rewrite(once, other), LINK) == once


def test_a_file_without_its_section_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no section \[enb\]"):
        rewrite("[rf]\n", LINK)


def test_lines_of_the_log_say_how_s1_is() -> None:
    for line, said in (
        (
            'x [S1AP   ] [I] Proc "MME Connection" - S1Setup procedure completed successfully',
            Said(PeerState.UP),
        ),
        (
            "S1 Setup Failure. Cause: misc/unknown-PLMN \r",
            Said(PeerState.FAILED, "stack/misc/unknown-PLMN"),
        ),
        (
            "Failed to initiate S1 connection. Attempting reconnection in 10 seconds",
            Said(PeerState.FAILED, "stack/no-connection"),
        ),
        ("SCTP Association Shutdown.", Said(PeerState.DOWN, "stack/shut-down-by-the-mme")),
        ("Restarting S1 connection", Said(PeerState.CONNECTING)),
        (
            "bind(): Cannot assign requested address",
            Said(PeerState.FAILED, "stack/no-address"),
        ),
        ("==== eNodeB started ===", None),
        ("", None),
    ):
        told = {} if said is None else dict.fromkeys(LINK.peers, said)
        assert hear(line, LINK) == told, line


def test_what_it_cannot_do_is_said() -> None:
    ipv6 = replace(LINK, local=ip_address("fd00::1"))
    both = replace(LINK, peers=LINK.peers * 2)
    port = replace(LINK, peers=(FarEnd(ip_address("10.30.0.2"), 36413),))
    assert beyond(LINK) is None
    for link, words in (
        (ipv6, "IPv4 alone"),
        (both, "one MME"),
        (port, "other port"),
        (replace(LINK, may_transmit=False), "transmits"),
    ):
        assert words in str(beyond(link))


def test_systemd_tells_process_and_invocation() -> None:
    manager = systemd("enb")
    assert manager.running(b"MainPID=12\nInvocationID=ab\n") == Running(12, "ab")
    assert manager.running(b"InvocationID=\nMainPID=0\n") is None
    for wrong in (b"", b"Failed to connect to bus", b"MainPID=x"):
        with pytest.raises(ValueError, match=r"MainPID|invalid literal"):
            manager.running(wrong)
    assert manager.log is not None
    assert manager.log(Running(12, "ab"))[-1] == "_SYSTEMD_INVOCATION_ID=ab"
    assert manager.start == ("systemctl", "restart", "enb")


def test_procd_tells_the_process_of_an_instance() -> None:
    manager = procd("enb")
    running = b'{"enb":{"instances":{"instance1":{"running":true,"pid":12}}}}'
    assert manager.running(running) == Running(12, "")
    for output in (b"{}", b'{"enb":{}}', b'{"enb":{"instances":{"a":{"running":false}}}}'):
        assert manager.running(output) is None
    for wrong in (b"", b"[]"):
        with pytest.raises(ValueError, match=r"Expecting|services"):
            manager.running(wrong)
    assert manager.log is not None
    assert manager.log(Running(12, "")) == ("logread", "-f", "-e", r"\[12\]: ")
