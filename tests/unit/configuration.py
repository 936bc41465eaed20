"""What the tests of the configuration share: valid texts, and files in memory."""

from __future__ import annotations

import ssl
import tomllib

from henbd import config
from henbd.errors import Problem
from henbd.settings import Settings
from henbd.toml_lines import line_table

# P-256; subjectAltName is a URI, then 192.0.2.7, then henb.example. `pki --keyid` gave KEY_ID.
CERTIFICATE = ssl.PEM_cert_to_DER_cert("""-----BEGIN CERTIFICATE-----
MIIBuzCCAWGgAwIBAgIUcUAiY+RI+K3SdV+UWaSU/UztKJwwCgYIKoZIzj0EAwIw
HzEOMAwGA1UECgwFaGVuYmQxDTALBgNVBAMMBGhlbmIwIBcNMjYxMTIzMjIzMDA1
WhgPMjEyNjEwMzAyMjMwMDVaMB8xDjAMBgNVBAoMBWhlbmJkMQ0wCwYDVQQDDARo
ZW5iMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE4meWScDeVFZiGVKHijOKlD2/
ekgn14QulLm5IfuPRiU2tCOLd3iQJpEhgJU3KdBFOi3GwJGwwILNvRtyu/UylaN5
MHcwHQYDVR0OBBYEFPX0PQWdHvZab8gMvqsyKQvEB5FdMB8GA1UdIwQYMBaAFPX0
PQWdHvZab8gMvqsyKQvEB5FdMA8GA1UdEwEB/wQFMAMBAf8wJAYDVR0RBB0wG4YF
dXJuOniHBMAAAgeCDGhlbmIuZXhhbXBsZTAKBggqhkjOPQQDAgNIADBFAiEA/ya1
54eyLvHZw21skvVR3PYao8zsYWJZMV0GpzKPcv0CIHUomO+eftq65S+ckPDNRf8h
Q+EDAOAaLVy/f6iI5CPd
-----END CERTIFICATE-----""")
KEY_ID = "f5f43d059d1ef65a6fc80cbeab32290bc407915d"

DIRECT = """\
[device]
manufacturer = "Example"
oui = "00256d"
serial_number = "000001"

[hems]
url = "https://hems.example/cwmp"
"""

TUNNEL = """\
[device]
manufacturer = "Example"
oui = "00256D"
serial_number = "000001"

[hems]
url = "http://10.30.0.3:7547/cwmp"   # a literal
password = "secret"

[connection_request]
path = ""

[ipsec]
gateways = [
    "segw.example",  # the first
    "192.0.2.1",
]
local_id = "henb.example"
remote_id = "segw.example"
certificate_file = "/etc/henbd/henb.pem"
key_file = "/etc/henbd/henb.key"
ca_file = "/etc/henbd/ca.pem"
networks = ["10.30.0.0/16"]
addresses = ["ipv4"]

[s1]
socket = "/run/henbd/s1.sock"

[control]
group = ""
"""


class FakeFiles:
    """Files in memory: certificates, keys by whose they are, and which are open to others."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {
            "/etc/henbd/henb.pem": CERTIFICATE,
            "/etc/henbd/ca.pem": CERTIFICATE,
            "/etc/henbd/chain.pem": CERTIFICATE * 2,
            "/etc/henbd/henb.key": b"key of henb",
            "/etc/henbd/other.key": b"key of somebody else",
            "/etc/henbd/open.key": b"key of henb",
            "/etc/henbd/psk": b"shared secret",
            "/proc/sys/kernel/random/boot_id": b"boot",
            "/etc/srsran/enb.conf": b"[enb]",
        }

    def _read(self, path: str) -> bytes:
        if path not in self.kept:
            raise ValueError(f"{path}: No such file or directory")
        return self.kept[path]

    def certificates(self, path: str) -> tuple[bytes, ...]:
        return (CERTIFICATE,) * (len(self._read(path)) // len(CERTIFICATE))

    def check_closed(self, path: str) -> None:
        if "open" in path:
            raise ValueError(f"{path} is open to others")

    def private_key(self, path: str) -> bytes:
        return self._read(path)

    def check_pair(self, certificate_file: str, key_file: str) -> None:
        if self._read(key_file) != b"key of henb":
            raise ValueError(f"{key_file} does not belong to the certificate {certificate_file}")

    def preshared_key(self, path: str) -> bytes:
        return self._read(path)

    def check_readable(self, path: str) -> None:
        self._read(path)

    def check_boot_id(self, path: str) -> None:
        self._read(path)

    def check_program(self, path: str) -> None:
        if path != "/usr/lib/henbd/hook":
            raise ValueError(f"{path}: no program")

    def check_group(self, name: str) -> None:
        if name != "henbd":
            raise ValueError(f"there is no group {name!r}")


def understood(text: str, mode: int = 0o600) -> Settings | tuple[Problem, ...]:
    return config.settings(tomllib.loads(text), line_table(text), mode, FakeFiles())


def valid(text: str) -> Settings:
    found = understood(text)
    assert isinstance(found, Settings), found
    return found


def changed(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, old
    return text.replace(old, new)
