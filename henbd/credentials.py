"""Certificates, keys and shared secrets in files, as henbd and charon want them.

Whatever cannot be used raises ValueError, with a text for the operator and never with a secret.
"""

from __future__ import annotations

import base64
import binascii
import grp
import hashlib
import os
import re
import ssl
from ipaddress import ip_address

PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
PRIVATE_KEYS = frozenset({b"PRIVATE KEY", b"EC PRIVATE KEY", b"RSA PRIVATE KEY"})

# What OpenSSL calls it when a key does not belong to a certificate; the last, if of another kind.
MISMATCHES = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})

# What may not be allowed on a file with a secret. Its group may read it: the daemon is not root,
# and its files are root's.
OTHERS = 0o037

# ASN.1 tags (X.680 8.4), and those of X.509 (RFC 5280 4.1, 4.2.1.6).
BIT_STRING, OBJECT_IDENTIFIER = 0x03, 0x06
VERSION, EXTENSIONS = 0xA0, 0xA3
E_MAIL, DNS_NAME, IP_ADDRESS = 0x81, 0x82, 0x87
SUBJECT_ALT_NAME = b"\x55\x1d\x11"


def certificates(path: str) -> tuple[bytes, ...]:
    """Return the certificates in a PEM file, in DER; there is one at least."""
    found = tuple(der for label, der in _pem(path, _read(path)) if label == b"CERTIFICATE")
    if not found:
        raise ValueError(f"{path} holds no certificate in PEM form")
    try:
        for der in found:
            key_id(der)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return found


def private_key(path: str) -> bytes:
    """Return the private key in a PEM file, in DER."""
    content = _read(path)
    if b"ENCRYPTED" in content:
        raise ValueError(f"{path} is encrypted: nobody is there to enter a passphrase")
    for label, der in _pem(path, content):
        if label in PRIVATE_KEYS:
            return der
    raise ValueError(f"{path} holds no private key in PEM form")


def check_pair(certificate_file: str, key_file: str) -> None:
    """See that a private key belongs to a certificate, the first of its file."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
            certificate_file, key_file, password=""
        )
    except ssl.SSLError as error:
        if error.reason in MISMATCHES:
            text = f"{key_file} does not belong to the certificate {certificate_file}"
        else:
            text = f"{key_file}: {error.reason or error}"
        raise ValueError(text) from error
    except OSError as error:
        raise ValueError(f"{key_file}: {error.strerror}") from error


def preshared_key(path: str) -> bytes:
    """Return the secret on the first line of a file.

    As in swanctl.conf(5) it is text, or 0x and hexadecimal digits, or 0s and base64.
    """
    first, _, _ = _read(path).partition(b"\n")
    text = first.strip()
    try:
        if text.startswith(b"0x"):
            text = binascii.unhexlify(text[2:])
        elif text.startswith(b"0s"):
            text = base64.b64decode(text[2:], validate=True)
    except binascii.Error as error:
        raise ValueError(f"{path}: what follows 0x or 0s is not hexadecimal or base64") from error
    if not text:
        raise ValueError(f"{path} holds no secret on its first line")
    return text


def check_closed(path: str) -> None:
    """See that only its owner and its group can read a file, and its owner write it."""
    try:
        mode = os.stat(path).st_mode & 0o777
    except OSError:
        return
    if mode & OTHERS:
        raise ValueError(f"{path} is open to others (mode {mode:04o}): chmod 640")


def check_readable(path: str) -> None:
    """See that a file can be read."""
    _read(path)


def check_boot_id(path: str) -> None:
    """See that a file says which boot this is; none at all would be that of every order."""
    text = _read(path).strip()
    if not text or not text.isascii():
        raise ValueError(f"{path} does not say which boot this is")


def check_group(name: str) -> None:
    """See that there is a group of users of that name."""
    try:
        grp.getgrnam(name)
    except KeyError as error:
        raise ValueError(f"there is no group {name!r}") from error


def check_program(path: str) -> None:
    """See that there is a program at an absolute path."""
    if not os.path.isabs(path):
        raise ValueError(f"{path!r} is not an absolute path")
    if not os.path.isfile(path) or not os.access(path, os.X_OK):
        raise ValueError(f"{path}: no program")


def key_id(certificate: bytes) -> str:
    """Return charon's name for the key of a certificate: the SHA-1 of its public key's bits."""
    try:
        (_, _), (tag, bits) = _elements(_to_be_signed(certificate)[5][1])
        if tag != BIT_STRING or bits[:1] != b"\0":
            raise ValueError("a public key is a string of whole bytes")
    except (ValueError, IndexError) as error:
        raise ValueError("it is no X.509 certificate") from error
    return hashlib.sha1(bits[1:], usedforsecurity=False).hexdigest()


def subject_name(certificate: bytes) -> str | None:
    """Return the first subjectAltName that charon takes for an identity: a name or an address."""
    try:
        for tag, content in _subject_alt_names(certificate):
            if tag in (E_MAIL, DNS_NAME):
                return content.decode("ascii")
            if tag == IP_ADDRESS:
                return str(ip_address(content))
    except (ValueError, IndexError) as error:
        raise ValueError("its subjectAltName cannot be read") from error
    return None


def _subject_alt_names(certificate: bytes) -> list[tuple[int, bytes]]:
    for tag, content in _to_be_signed(certificate)[6:]:
        if tag != EXTENSIONS:
            continue
        for _, extension in _elements(_elements(content)[0][1]):
            parts = _elements(extension)
            if parts[0] == (OBJECT_IDENTIFIER, SUBJECT_ALT_NAME):
                return _elements(_elements(parts[-1][1])[0][1])
    return []


def _to_be_signed(certificate: bytes) -> list[tuple[int, bytes]]:
    """Return what is signed in a certificate, from the serial number on (RFC 5280 4.1)."""
    [(_, whole)] = _elements(certificate)
    fields = _elements(_elements(whole)[0][1])
    return fields[1:] if fields[0][0] == VERSION else fields


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Return tag and content of the DER elements that follow each other (X.690 8.1)."""
    found = []
    while der:
        tag, length, begin = der[0], der[1], 2
        if length & 0x80:
            begin += length & 0x7F
            length = int.from_bytes(der[2:begin], "big")
        if len(der) < begin + length:
            raise ValueError("it is cut off")
        found.append((tag, der[begin : begin + length]))
        der = der[begin + length :]
    return found


def _pem(path: str, content: bytes) -> list[tuple[bytes, bytes]]:
    """Return label and bytes of the PEM blocks of a file (RFC 7468)."""
    try:
        return [
            (label, base64.b64decode(b"".join(text.split()), validate=True))
            for label, text in PEM.findall(content)
        ]
    except binascii.Error as error:
        raise ValueError(f"{path}: it is no PEM: {error}") from error


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
