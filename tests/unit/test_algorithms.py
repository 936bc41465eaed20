"""Charon's proposals in the words of TR-181."""

from __future__ import annotations

from henbd.control.algorithms import Algorithms, algorithms, allowed, supported


def test_proposals_are_taken_apart() -> None:
    sha256 = ("HMAC-SHA2-256",)
    for proposal, wanted in {
        "aes128gcm16-prfsha256-ecp256": Algorithms(("AES-GCM-16",), sha256, (), ("ECP-256",)),
        "aes256gcm16-prfsha384-ecp384": Algorithms(
            ("AES-GCM-16",), ("HMAC-SHA2-384",), (), ("ECP-384",)
        ),
        "aes128-sha256-modp2048": Algorithms(
            ("AES-CBC",), sha256, ("HMAC-SHA2-256-128",), ("MODP-2048",)
        ),
        "aes256ctr-aesxcbc-modp2048s224": Algorithms(
            ("AES-CTR",), ("AES-128-XCBC",), ("AES-XCBC-96",), ("MODP-2048-PRIME-224",)
        ),
        "aes192gcm8-aes192ccm12-x25519": Algorithms(("AES-GCM-8", "AES-CCM-12")),
        "aes-sha512-curve25519": Algorithms(("AES-CBC",), ("HMAC-SHA2-512",)),
        "null-sha1": Algorithms(("NULL",), ("HMAC-SHA1",), ("HMAC-SHA1-96",)),
        "nonsense": Algorithms(),
    }.items():
        assert algorithms(proposal) == wanted, proposal


def test_supported_is_each_once_in_the_order_of_preference() -> None:
    both = supported(("aes128gcm16-prfsha256-ecp256", "aes256gcm16-prfsha384-ecp256"))
    assert both == Algorithms(("AES-GCM-16",), ("HMAC-SHA2-256", "HMAC-SHA2-384"), (), ("ECP-256",))


def test_proposal_is_allowed_when_every_part_of_it_is() -> None:
    proposals = ("aes128-sha256-ecp256", "aes128-sha1-modp1024", "x25519")
    assert allowed(proposals, supported(proposals)) == proposals
    assert allowed(proposals, supported(proposals[:1])) == ("aes128-sha256-ecp256", "x25519")
    assert allowed(proposals, Algorithms()) == ("x25519",)
