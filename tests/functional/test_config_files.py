"""The configuration with real files: certificates, keys, secrets, and who may read them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from henbd import config, credentials
from henbd.errors import ConfigurationError
from henbd.values import Certificate, PresharedKey
from tests.lab.pki import HENB_ID, Pki, make

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return make(tmp_path_factory.mktemp("pki"))


def written(folder: Path, ipsec: str, hems: str = "", mode: int = 0o600) -> str:
    """Return the path of a configuration file with these lines in it."""
    file = folder / "henbd.toml"
    file.write_text(f"""\
[device]
manufacturer = "Example"
oui = "00256D"
serial_number = "000001"
[hems]
url = "https://10.30.0.3/cwmp"
{hems}
[ipsec]
gateways = ["192.0.2.1"]
remote_id = "segw.lab"
{ipsec}
""")
    file.chmod(mode)
    return str(file)


def by_certificate(certificate: Path, key: Path, authority: Path) -> str:
    return f'certificate_file = "{certificate}"\nkey_file = "{key}"\nca_file = "{authority}"'


def problems(path: str) -> list[tuple[int, str, str]]:
    with pytest.raises(ConfigurationError) as raised:
        config.load(path)
    assert raised.value.file == path
    return [(p.line, p.key, p.text) for p in raised.value.problems]


def test_certificates_and_key_are_read(tmp_path: Path, pki: Pki) -> None:
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(
        b"two of them:\n"
        + pki.ike_ca.certificate.read_bytes()
        + pki.tls_ca.certificate.read_bytes()
    )
    tls = (
        f'ca_file = "{pki.tls_ca.certificate}"\n'
        + by_certificate(pki.henb.certificate, pki.henb.key, pki.tls_ca.certificate).rpartition(
            "\n"
        )[0]
    )
    found = config.load(
        written(tmp_path, by_certificate(pki.henb.certificate, pki.henb.key, authorities), tls)
    )
    assert found.hems.key_file == str(pki.henb.key)
    assert found.ipsec is not None
    assert found.ipsec.local_id == HENB_ID
    proof = found.ipsec.credentials
    assert isinstance(proof, Certificate)
    assert proof.certificate == pki.henb.certificate_der
    assert proof.key == pki.henb.key_der
    assert proof.authorities == (pki.ike_ca.certificate_der, pki.tls_ca.certificate_der)


def test_the_key_of_a_certificate_has_the_name_that_strongswan_gives_it(pki: Pki) -> None:
    told = subprocess.run(
        ["pki", "--keyid", "--type", "x509", "--in", str(pki.henb.certificate)],
        capture_output=True,
        check=True,
        text=True,
    )
    first = told.stdout.splitlines()[1].strip()
    assert credentials.key_id(pki.henb.certificate_der) == first.replace(":", "")


@pytest.mark.skipif(not os.path.exists(SYSTEM_AUTHORITIES), reason="no authorities are installed")
def test_every_authority_of_the_system_is_read() -> None:
    found = credentials.certificates(SYSTEM_AUTHORITIES)
    assert len(found) == Path(SYSTEM_AUTHORITIES).read_text().count("BEGIN CERTIFICATE")
    assert len({credentials.key_id(der) for der in found}) > 10


@pytest.mark.parametrize(
    ("content", "secret"),
    [
        ("a secret\n", b"a secret"),
        ("  a secret \r\na comment\n", b"a secret"),
        ("0x00fFa1", b"\x00\xff\xa1"),
        ("0sAP+h\n", b"\x00\xff\xa1"),
        ("0", b"0"),
    ],
)
def test_a_shared_secret_is_written_as_in_swanctl(
    tmp_path: Path, content: str, secret: bytes
) -> None:
    file = tmp_path / "psk"
    file.write_text(content)
    file.chmod(0o600)
    found = config.load(written(tmp_path, f'local_id = "henb"\npsk_file = "{file}"'))
    assert found.ipsec is not None
    assert found.ipsec.credentials == PresharedKey(secret)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "{0} holds no secret on its first line"),
        ("\nsecret", "{0} holds no secret on its first line"),
        ("0x", "{0} holds no secret on its first line"),
        ("0xabc", "{0}: what follows 0x or 0s is not hexadecimal or base64"),
        ("0sAP-h", "{0}: what follows 0x or 0s is not hexadecimal or base64"),
    ],
)
def test_what_is_no_secret_is_refused(tmp_path: Path, content: str, text: str) -> None:
    file = tmp_path / "psk"
    file.write_text(content)
    file.chmod(0o600)
    found = problems(written(tmp_path, f'local_id = "henb"\npsk_file = "{file}"'))
    assert found == [(12, "ipsec.psk_file", text.format(file))]


def test_secrets_that_others_can_open_are_refused(tmp_path: Path, pki: Pki) -> None:
    key, psk = tmp_path / "open.key", tmp_path / "psk"
    key.write_bytes(pki.henb.key.read_bytes())
    key.chmod(0o660)
    chosen = by_certificate(pki.henb.certificate, key, pki.ike_ca.certificate)
    path = written(tmp_path, chosen, 'password = "word"', mode=0o644)
    assert problems(path) == [
        (7, "hems.password", "the file is open to others (mode 0644): chmod 640"),
        (12, "ipsec.key_file", f"{key} is open to others (mode 0660): chmod 640"),
    ]
    psk.write_text("secret")
    psk.chmod(0o604)
    assert problems(written(tmp_path, f'local_id = "henb"\npsk_file = "{psk}"')) == [
        (12, "ipsec.psk_file", f"{psk} is open to others (mode 0604): chmod 640"),
    ]


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, pki: Pki) -> None:
    rsa = tmp_path / "rsa.key"
    run = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    subprocess.run([*run, "-out", str(rsa)], check=True, capture_output=True)
    for key in (pki.gateway.key, rsa):
        chosen = by_certificate(pki.henb.certificate, key, pki.ike_ca.certificate)
        text = f"{key} does not belong to the certificate {pki.henb.certificate}"
        assert problems(written(tmp_path, chosen)) == [(12, "ipsec.key_file", text)]


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path, pki: Pki) -> None:
    for number, options in enumerate((["pkcs8", "-topk8"], ["ec", "-aes128"])):
        key = tmp_path / f"{number}.key"
        run = ["openssl", *options, "-in", str(pki.henb.key), "-out", str(key)]
        subprocess.run([*run, "-passout", "pass:word"], check=True, capture_output=True)
        key.chmod(0o600)
        chosen = by_certificate(pki.henb.certificate, key, pki.ike_ca.certificate)
        text = f"{key} is encrypted: nobody is there to enter a passphrase"
        assert problems(written(tmp_path, chosen)) == [(12, "ipsec.key_file", text)]


def test_files_that_are_none_or_not_pem_are_refused(tmp_path: Path, pki: Pki) -> None:
    der, cut, gone = tmp_path / "der", tmp_path / "cut.pem", tmp_path / "gone"
    der.write_bytes(pki.henb.certificate_der)
    der.chmod(0o600)
    lines = pki.ike_ca.certificate.read_text().splitlines()
    cut.write_text("\n".join([*lines[:4], *lines[-1:]]))
    assert problems(written(tmp_path, by_certificate(der, der, cut))) == [
        (11, "ipsec.certificate_file", f"{der} holds no certificate in PEM form"),
        (12, "ipsec.key_file", f"{der} holds no private key in PEM form"),
        (13, "ipsec.ca_file", f"{cut}: it is no X.509 certificate"),
    ]
    assert problems(written(tmp_path, by_certificate(gone, tmp_path, gone))) == [
        (11, "ipsec.certificate_file", f"{gone}: No such file or directory"),
        (12, "ipsec.key_file", f"{tmp_path}: Is a directory"),
        (13, "ipsec.ca_file", f"{gone}: No such file or directory"),
    ]


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\n"])
def test_a_box_that_does_not_know_which_boot_this_is_is_told_so(
    content: bytes, tmp_path: Path
) -> None:
    """An order to reboot is kept with the boot in which it was given."""
    boot_id, file = tmp_path / "boot_id", Path(written(tmp_path, ""))
    boot_id.write_bytes(content)
    file.write_text(file.read_text().replace("[hems]", f'boot_id_file = "{boot_id}"\n[hems]'))
    text = f"{boot_id} does not say which boot this is"
    assert (5, "device.boot_id_file", text) in problems(str(file))


def test_a_file_that_is_no_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "henbd.toml"
    for content, line in (
        (b"[device]\nx ==1\n", 2),
        (b"[device]\n\nx = 'a\xff'\n", 3),
        (b"[device]\n[device]\n", 2),
        (b"a = [1,\n\n", 2),
    ):
        file.write_bytes(content)
        [(found, key, text)] = problems(str(file))
        assert (found, key) == (line, "TOML")
        assert "at line" not in text


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert problems(str(tmp_path / "gone")) == [(0, "", "No such file or directory")]
    assert problems(str(tmp_path)) == [(0, "", "Is a directory")]
