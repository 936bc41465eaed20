"""Certificates, keys and secrets with a real charon: what it takes, believes, and gives back."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from henbd import credentials
from henbd.actions import UnloadKey, UnloadSecret
from henbd.control.tunnel import KEY_MARK
from henbd.values import Connection, Credentials
from tests.functional.charon.charon_loop import (
    Ground,
    by_certificate,
    by_secret,
    child,
    connection,
    ground,
)
from tests.lab.namespaces import run
from tests.lab.pki import HENB_ID, KeyPair, Pki
from tests.lab.probe import ping
from tests.lab.topology import MME

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root"),
]

# A gateway calls itself as it is asked for.
ANY_NAME = "%any"

TO_MME = child("net-1", f"{MME}/32")


# Of the pki tool and of openssl: PKCS#1, SEC 1 and PKCS#8.
KEYS = {
    "rsa": ("pki", "--gen", "--type", "rsa", "--size", "2048"),
    "rsa in PKCS#8": ("openssl", "genpkey", "-algorithm", "RSA"),
    "P-256": ("pki", "--gen", "--type", "ecdsa", "--size", "256"),
    "P-384": ("pki", "--gen", "--type", "ecdsa", "--size", "384"),
    "P-384 in PKCS#8": ("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "group:P-384"),
    "Ed25519": ("pki", "--gen", "--type", "ed25519"),
    "Ed448": ("openssl", "genpkey", "-algorithm", "Ed448"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> dict[str, KeyPair]:
    """Make a key of each kind, and a certificate of the HeNB for it."""
    folder, pairs = tmp_path_factory.mktemp("keys"), {}
    for number, (kind, command) in enumerate(KEYS.items()):
        pair = KeyPair(folder / f"{number}.pem", folder / f"{number}.key")
        form = ("--outform", "pem") if command[0] == "pki" else ()
        pair.key.write_text(run(*command, *form))
        pair.key.chmod(0o600)
        certificate = run(
            *("pki", "--issue", "--type", "priv", "--in", str(pair.key), "--outform", "pem"),
            *("--cacert", str(pki.ike_ca.certificate), "--cakey", str(pki.ike_ca.key)),
            *("--dn", f"O=henbd lab, CN={HENB_ID}", "--san", HENB_ID),
        )
        pair.certificate.write_text(certificate)
        pairs[kind] = pair
    return pairs


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_of_each_kind_brings_the_tunnel_up(
    here: Ground, made: dict[str, KeyPair], kind: str
) -> None:
    pair = made[kind]
    credentials.check_pair(str(pair.certificate), str(pair.key))
    (certificate,) = credentials.certificates(str(pair.certificate))
    proof = replace(
        by_certificate(pair, here.pki.ike_ca),
        key=credentials.private_key(str(pair.key)),
        key_id=credentials.key_id(certificate),
    )
    here.loop.bring_up(connection(proof, TO_MME))
    assert here.loop.loaded().keys == {proof.key_id}
    ping(here.lab.henb, MME)


def test_a_certificate_below_an_intermediate_is_shown_with_it(here: Ground) -> None:
    """The gateway knows the authority at the top alone."""
    below = by_certificate(here.pki.henb_below, here.pki.ike_ca)
    assert here.loop.initiate(loaded(here, replace(below, intermediates=()), "henbd-bare"))
    here.loop.bring_up(connection(below, TO_MME))
    ping(here.lab.henb, MME)


def test_a_gateway_below_an_intermediate_is_believed(tmp_path: Path, pki: Pki) -> None:
    with ground(tmp_path, replace(pki, gateway=pki.gateway_below)) as here:
        here.loop.bring_up(connection(here.credentials, TO_MME))
        ping(here.lab.henb, MME)


def test_another_gateway_of_the_same_authority_is_not_believed(tmp_path: Path, pki: Pki) -> None:
    with ground(tmp_path, replace(pki, gateway=pki.gateway_other)) as here:
        here.gateway.introduce(ANY_NAME)
        assert here.loop.initiate(loaded(here, here.credentials)) is not None
        assert here.loop.see().sas == ()
        assert "public key found for 'segw.lab'" in here.charon.log.read_text()


def loaded(here: Ground, proof: Credentials, name: str = "henbd-1") -> Connection:
    wanted = connection(proof, TO_MME, name=name)
    here.loop.load(wanted)
    return wanted


def test_what_is_unloaded_is_gone_and_nothing_else(here: Ground) -> None:
    vici = here.charon.vici
    vici.load_key(here.pki.henb_stranger.key_der)
    vici.load_secret("an operator's", "secret", ["somebody"])
    (others,) = here.loop.loaded().keys
    wanted = connection(here.credentials, TO_MME)
    wanted = replace(wanted, secret_id=KEY_MARK + here.credentials.key_id)
    here.loop.bring_up(wanted)
    found = here.loop.loaded()
    assert found.keys == {others, here.credentials.key_id}
    assert found.secrets == {"an operator's", wanted.secret_id}
    here.loop.shell.perform(UnloadKey(here.credentials.key_id))
    here.loop.shell.perform(UnloadSecret(wanted.secret_id))
    found = here.loop.loaded()
    assert (found.keys, found.secrets) == ({others}, {"an operator's"})
    # What it was negotiated with is needed no more.
    ping(here.lab.henb, MME)


def test_the_mark_of_a_key_authenticates_nobody(tmp_path: Path, pki: Pki) -> None:
    """It has an owner that is nobody's identity, and a content that nobody can guess."""
    with ground(tmp_path, pki, psk="open sesame") as here:
        here.loop.load(connection(by_certificate(here.pki.henb, here.pki.ike_ca), TO_MME))
        wanted = connection(by_secret("something else"), TO_MME, name="henbd-2")
        here.loop.load(wanted)
        assert here.loop.initiate(wanted) is not None
