"""Keys and certificates of the lab, made on the spot with `openssl` and strongSwan's `pki`.

Two hierarchies and a stranger: the IKE CA for gateway and HeNB, the TLS CA for the HeMS, and a CA
that nobody trusts. All keys are ECDSA on P-256.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.lab.namespaces import run

GATEWAY_ID = "segw.lab"
HENB_ID = "henb1.lab"
HEMS_NAME = "hems.lab"
HEMS_ADDRESS = "10.30.0.3"

_VALID_DAYS = 3650
_COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path

    @property
    def certificate_der(self) -> bytes:
        """The certificate as VICI takes it."""
        return self.chain_der[0]

    @property
    def chain_der(self) -> list[bytes]:
        """All certificates of the file, its own and those above it."""
        end = "-----END CERTIFICATE-----"
        *blocks, _ = self.certificate.read_text().split(end)
        return [ssl.PEM_cert_to_DER_cert((block + end).strip()) for block in blocks]

    @property
    def key_der(self) -> bytes:
        """The key as VICI takes it."""
        lines = self.key.read_text().splitlines()
        return base64.b64decode("".join(line for line in lines if not line.startswith("-----")))


@dataclass(frozen=True, slots=True)
class Pki:
    """Every certificate of the lab; the name of a field is the name of its files."""

    ike_ca: KeyPair
    gateway: KeyPair
    henb: KeyPair
    henb_next: KeyPair
    """A second one of the same identity, for rotation."""

    ike_sub_ca: KeyPair
    gateway_below: KeyPair
    henb_below: KeyPair
    """Below a CA that is below the IKE CA, whose certificate is in the file too."""

    gateway_other: KeyPair
    """Of the IKE CA, but another gateway's."""

    stranger_ca: KeyPair
    henb_stranger: KeyPair
    """The HeNB's identity, vouched for by a CA that the gateway does not know."""

    tls_ca: KeyPair
    hems: KeyPair
    hems_wrong_name: KeyPair
    hems_expired: KeyPair
    hems_stranger: KeyPair


def make(folder: Path) -> Pki:
    """Return the certificates in that folder, made if they are not there yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = [field.name for field in fields(Pki)]
    pki = Pki(**{n: KeyPair(folder / f"{n}.pem", folder / f"{n}.key") for n in names})
    if not (folder / _COMPLETE).exists():
        for command in _commands(pki):
            run(*command)
        _expire(pki.hems_expired, pki.tls_ca)
        for below in (pki.gateway_below, pki.henb_below):
            with below.certificate.open("a") as file:
                file.write(pki.ike_sub_ca.certificate.read_text())
        (folder / _COMPLETE).touch()
    return pki


def _commands(pki: Pki) -> Iterator[tuple[str, ...]]:
    """Yield the calls of openssl that make all but the expired certificate."""
    yield _ca(pki.ike_ca, "lab IKE CA")
    yield _ca(pki.tls_ca, "lab TLS CA")
    yield _ca(pki.stranger_ca, "a CA that nobody knows")
    yield _ca(pki.ike_sub_ca, "lab IKE CA of one maker", pki.ike_ca)
    yield _leaf(pki.gateway, pki.ike_ca, GATEWAY_ID, f"DNS:{GATEWAY_ID}")
    yield _leaf(pki.gateway_below, pki.ike_sub_ca, GATEWAY_ID, f"DNS:{GATEWAY_ID}")
    yield _leaf(pki.gateway_other, pki.ike_ca, "other.lab", "DNS:other.lab")
    for henb, issuer in (
        (pki.henb, pki.ike_ca),
        (pki.henb_next, pki.ike_ca),
        (pki.henb_below, pki.ike_sub_ca),
        (pki.henb_stranger, pki.stranger_ca),
    ):
        yield _leaf(henb, issuer, HENB_ID, f"DNS:{HENB_ID}")
    server = ("-addext", "extendedKeyUsage=serverAuth")
    right = f"DNS:{HEMS_NAME},IP:{HEMS_ADDRESS}"
    yield (*_leaf(pki.hems, pki.tls_ca, HEMS_NAME, right), *server)
    yield (*_leaf(pki.hems_stranger, pki.stranger_ca, HEMS_NAME, right), *server)
    yield (*_leaf(pki.hems_wrong_name, pki.tls_ca, "other.lab", "DNS:other.lab"), *server)


def _ca(pair: KeyPair, name: str, issuer: KeyPair | None = None) -> tuple[str, ...]:
    signed = ("-CA", str(issuer.certificate), "-CAkey", str(issuer.key)) if issuer else ()
    return (
        *_new_key(pair, name),
        *signed,
        *("-addext", "basicConstraints=critical,CA:TRUE"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )


def _leaf(pair: KeyPair, issuer: KeyPair, name: str, subject_names: str) -> tuple[str, ...]:
    return (
        *_new_key(pair, name),
        *("-CA", str(issuer.certificate), "-CAkey", str(issuer.key)),
        *("-addext", "basicConstraints=CA:FALSE"),
        *("-addext", f"subjectAltName={subject_names}"),
    )


def _new_key(pair: KeyPair, name: str) -> tuple[str, ...]:
    # openssl makes the key file with mode 0600 of its own accord.
    return (
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-keyout", str(pair.key), "-out", str(pair.certificate)),
        *("-subj", f"/O=henbd lab/CN={name}", "-days", str(_VALID_DAYS)),
    )


def _expire(pair: KeyPair, issuer: KeyPair) -> None:
    """Make a HeMS certificate that was valid until yesterday; `openssl req` can only begin now."""
    run(
        *("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-out", str(pair.key)),
    )
    now = datetime.now(UTC)
    date_form = "%Y%m%d%H%M%S"
    certificate = run(
        *("pki", "--issue", "--type", "priv", "--in", str(pair.key), "--outform", "pem"),
        *("--cacert", str(issuer.certificate), "--cakey", str(issuer.key)),
        *("--dn", f"O=henbd lab, CN={HEMS_NAME}", "--flag", "serverAuth"),
        *("--san", HEMS_NAME, "--san", HEMS_ADDRESS, "--dateform", date_form),
        *("--not-before", (now - timedelta(days=30)).strftime(date_form)),
        *("--not-after", (now - timedelta(days=1)).strftime(date_form)),
    )
    pair.certificate.write_text(certificate)
