"""A certificate made on the spot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.lab.hems import TlsFiles


def self_signed(folder: Path, name: str = "IP:127.0.0.1") -> TlsFiles:
    """Make a certificate that is its own issuer, for that name; skip the test without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    files = TlsFiles(folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=hems", "-addext", f"subjectAltName={name}"),
            *("-keyout", str(files.key), "-out", str(files.certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return files
