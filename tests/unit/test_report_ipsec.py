"""What charon and the kernel say of the SAs → the rows of Device.IPsec."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from henbd.control.algorithms import listed, supported
from henbd.control.report_ipsec import discarded, security_associations
from henbd.control.tunnel import Condition, Tunnel, judge
from henbd.model import paths
from henbd.values import Nat, Suite, Traffic
from tests.unit.settings import factory
from tests.unit.sights import charon, child_sa, ike_sa, kernel

WALL = datetime(2026, 6, 1, 12, tzinfo=UTC)
SUITE = Suite("AES_CBC", 128, "HMAC_SHA2_256_128", "PRF_HMAC_SHA2_256", "ECP_256")
CHILD = replace(
    child_sa(), spi_in=0xC0000001, spi_out=7, age_s=60, traffic=Traffic(1000, 10, 2**40, 20)
)
SA = ike_sa(CHILD, suite=SUITE, nat=Nat.LOCAL, age_s=100)
UP = judge(charon(SA), kernel())


def test_sas_are_told_as_charon_lists_them() -> None:
    tree = security_associations(factory(), UP, WALL, 12.7)
    row, child = paths.IKE_SA, paths.CHILD_SAS + "1."
    told = {
        row + "EncryptionAlgorithm": "AES-CBC",
        row + "EncryptionKeyLength": "128",
        row + "IntegrityAlgorithm": "HMAC-SHA2-256-128",
        row + "PseudoRandomFunction": "HMAC-SHA2-256",
        row + "DiffieHellmanGroupTransform": "ECP-256",
        row + "NATDetected": "Local",
        row + "CreationTime": "2026-06-01T11:58:20Z",
        row + "ChildSANumberOfEntries": "1",
        child + "Status": "Up",
        child + "InboundSPI": "3221225473",
        child + "OutboundSPI": "7",
        child + "CreationTime": "2026-06-01T11:59:00Z",
        child + "Stats.BytesSent": str(2**40),
        child + "Stats.BytesReceived": "1000",
        child + "Stats.PacketsSent": "20",
        child + "Stats.PacketsReceived": "10",
        paths.INTERFACE + "LastChange": "12",
    }
    assert {path: tree.values[path] for path in told} == told


def test_moment_of_creation_does_not_flicker_with_charons_whole_seconds() -> None:
    tree = security_associations(factory(), UP, WALL, 0)
    later = security_associations(tree, UP, WALL + timedelta(seconds=1.4), 0)
    assert later.values == tree.values
    another = security_associations(tree, UP, WALL + timedelta(seconds=600), 0)
    assert another.values[paths.IKE_SA + "CreationTime"] == "2026-06-01T12:08:20Z"


def test_nobody_knows_when_an_sa_was_made_before_the_clock_is_set() -> None:
    unset = security_associations(factory(), UP, datetime(1970, 1, 1, tzinfo=UTC), 0)
    path = paths.IKE_SA + "CreationTime"
    assert unset.values[path] == "0001-01-01T00:00:00Z"
    assert security_associations(unset, UP, WALL, 0).values[path] == "2026-06-01T11:58:20Z"


def test_tunnel_that_is_away_has_no_children() -> None:
    tree = security_associations(factory(), UP, WALL, 0)
    away = security_associations(tree, Tunnel(Condition.DOWN), WALL, 0)
    assert away.instances[paths.CHILD_SAS] == ()
    assert away.values[paths.IKE_SA + "EncryptionAlgorithm"] == "AES-CBC"


def test_box_without_a_tunnel_has_no_sas() -> None:
    tree = factory(ipsec=None)
    assert security_associations(tree, Tunnel(Condition.DOWN), WALL, 0) is tree


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("AES_GCM_16", "AES-GCM-16"),
        ("3DES_CBC", "3DES"),
        ("CAMELLIA_CBC", "CAMELLIA-CBC"),
        ("HMAC_SHA1_96", "HMAC-SHA1-96"),
        ("PRF_HMAC_SHA2_384", "HMAC-SHA2-384"),
        ("PRF_AES128_CMAC", "AES-128-CMAC"),
        ("MODP_2048", "MODP-2048"),
        ("MODP_1024_160", "MODP-1024-PRIME-160"),
        ("", ""),
    ],
)
def test_algorithm_has_its_name_of_the_standard(word: str, name: str) -> None:
    assert listed(word) == name


def test_algorithms_of_an_sa_are_named_as_those_that_are_allowed() -> None:
    """TR-181 IKEv2SA: it will be one of the profile's."""
    known = supported(("aes128gcm16-prfsha256-ecp256", "aes128-sha256-modp2048"))
    assert {listed(w) for w in ("AES_GCM_16", "AES_CBC")} <= set(known.encryption)
    assert listed("PRF_HMAC_SHA2_256") in known.pseudo_random
    assert listed("HMAC_SHA2_256_128") in known.integrity
    assert {listed(w) for w in ("ECP_256", "MODP_2048")} <= set(known.groups)


def test_what_the_kernel_discarded_is_told_by_its_cause() -> None:
    counted = {
        "InNoStates": 1,
        "InStateProtoError": 2**32 + 2,
        "InStateSeqError": 3,
        "InTmplMismatch": 4,
        "InNoPols": 5,
        "InHdrError": 6,
        "InBufferError": 7,
        "OutPolBlock": 8,
        "OutNoStates": 9,
        "AcquireError": 10,
    }
    tree = discarded(factory(), counted, 11)
    told = {p.removeprefix(paths.IPSEC_STATS): v for p, v in tree.values.items()}
    assert {name: int(value) for name, value in told.items() if name.isalpha()} == {
        "UnknownSPIErrors": 1,
        "IntegrityErrors": 2,
        "ReplayErrors": 3,
        "PolicyErrors": 9,
        "OtherReceiveErrors": 13,
        "ErrorsSent": 27,
        "NegotiationFailures": 11,
    }


def test_kernel_that_does_not_count_says_nothing() -> None:
    before = discarded(factory(), {"InNoStates": 1}, 0)
    after = discarded(before, {}, 2)
    assert after.values[paths.IPSEC_STATS + "UnknownSPIErrors"] == "1"
    assert after.values[paths.IPSEC_STATS + "NegotiationFailures"] == "2"
