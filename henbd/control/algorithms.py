"""Proposals of IKE and ESP as TR-181 has their algorithms: what we support, and what is allowed.

A proposal is charon's word for a set of algorithms, such as `aes128-sha256-modp2048`. TR-181
Device.IPsec has a list of names for each kind. An algorithm that has no name there is always
allowed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Device.IPsec.IKEv2SupportedEncryptionAlgorithms and the like, by charon's words.
ENCRYPTION = {
    r"aes\d*ctr": "AES-CTR",
    r"aes\d*gcm8": "AES-GCM-8",
    r"aes\d*gcm12": "AES-GCM-12",
    r"aes\d*gcm(16)?": "AES-GCM-16",
    r"aes\d*ccm8": "AES-CCM-8",
    r"aes\d*ccm12": "AES-CCM-12",
    r"aes\d*ccm(16)?": "AES-CCM-16",
    r"aes\d*(cbc)?": "AES-CBC",
    r"camellia\d*": "CAMELLIA-CBC",
    r"3des": "3DES",
    r"null": "NULL",
}
PSEUDO_RANDOM = {
    "prfsha1": "HMAC-SHA1",
    "prfsha256": "HMAC-SHA2-256",
    "prfsha384": "HMAC-SHA2-384",
    "prfsha512": "HMAC-SHA2-512",
    "prfaesxcbc": "AES-128-XCBC",
    "prfaescmac": "AES-128-CMAC",
}
INTEGRITY = {
    "sha1": "HMAC-SHA1-96",
    "sha256": "HMAC-SHA2-256-128",
    "aesxcbc": "AES-XCBC-96",
    "aescmac": "AES-CMAC-96",
}
GROUPS = {
    "modp1024s160": "MODP-1024-PRIME-160",
    "modp2048s224": "MODP-2048-PRIME-224",
    "modp2048s256": "MODP-2048-PRIME-256",
    r"modp(\d+)": r"MODP-\1",
    r"ecp(\d+)": r"ECP-\1",
}


# What charon names in a list of SAs otherwise than TR-181, beside `_` for `-`.
LISTED = {
    "3DES_CBC": "3DES",
    "PRF_AES128_XCBC": "AES-128-XCBC",
    "PRF_AES128_CMAC": "AES-128-CMAC",
    "MODP_1024_160": "MODP-1024-PRIME-160",
    "MODP_2048_224": "MODP-2048-PRIME-224",
    "MODP_2048_256": "MODP-2048-PRIME-256",
}


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Names of TR-181, by kind, in the order of preference."""

    encryption: tuple[str, ...] = ()
    pseudo_random: tuple[str, ...] = ()
    integrity: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


def algorithms(proposal: str) -> Algorithms:
    """Return what a proposal is made of.

    Without a pseudo-random function of its own it takes the one of its integrity algorithm, as
    charon does.
    """
    words = proposal.split("-")
    functions = _names(words, PSEUDO_RANDOM) or _names([f"prf{w}" for w in words], PSEUDO_RANDOM)
    return Algorithms(
        _names(words, ENCRYPTION), functions, _names(words, INTEGRITY), _names(words, GROUPS)
    )


def listed(word: str) -> str:
    """Return an algorithm of an SA, as charon lists it, by its name in TR-181."""
    return LISTED.get(word) or word.removeprefix("PRF_").replace("_", "-")


def supported(proposals: tuple[str, ...]) -> Algorithms:
    """Return every algorithm of these proposals, each once."""
    parts = [algorithms(proposal) for proposal in proposals]
    return Algorithms(
        tuple(dict.fromkeys(name for part in parts for name in part.encryption)),
        tuple(dict.fromkeys(name for part in parts for name in part.pseudo_random)),
        tuple(dict.fromkeys(name for part in parts for name in part.integrity)),
        tuple(dict.fromkeys(name for part in parts for name in part.groups)),
    )


def allowed(proposals: tuple[str, ...], permitted: Algorithms) -> tuple[str, ...]:
    """Return the proposals all of whose algorithms are permitted, in their order."""
    return tuple(p for p in proposals if _within(algorithms(p), permitted))


def _within(part: Algorithms, permitted: Algorithms) -> bool:
    return (
        set(part.encryption) <= set(permitted.encryption)
        and set(part.pseudo_random) <= set(permitted.pseudo_random)
        and set(part.integrity) <= set(permitted.integrity)
        and set(part.groups) <= set(permitted.groups)
    )


def _names(words: list[str], known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of those words that have one."""
    found = []
    for word in words:
        pattern = next((p for p in known if re.fullmatch(p, word)), None)
        if pattern is not None:
            found.append(re.sub(pattern, known[pattern], word))
    return tuple(found)
