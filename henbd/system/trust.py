"""By what rules a HeMS is believed to be the one it says it is: TLS, its authorities, our own key.

To read all authorities of a system takes 20 ms of a start; who speaks no TLS need not.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime

from henbd.errors import ConfigurationError, Problem
from henbd.system.failures import describe

# X509_V_FLAG_NO_CHECK_TIME of OpenSSL's x509_vfy.h, which ssl has no name for.
NO_CHECK_TIME = 0x200000


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. No authorities: those of the system; no certificate: we show none."""

    ca_file: str | None
    certificate_file: str | None
    key_file: str | None


NO_FILES = TlsFiles(None, None, None)


class Trust:
    """The contexts that come of these files; each is made when it is first asked for."""

    def __init__(self, files: TlsFiles) -> None:
        """Take files as they are now; raises ConfigurationError for files of no use."""
        self._files = files
        self._contexts: dict[bool, ssl.SSLContext] = {}
        if files != NO_FILES:
            # What is wrong with them shows now, and they may be gone later.
            self.context(check_dates=True)
            self.context(check_dates=False)

    def context(self, *, check_dates: bool) -> ssl.SSLContext:
        """Return the context of all connections, always the same one.

        Without `check_dates` a certificate may be out of date, or not yet valid, but nothing else.
        """
        made = self._contexts.get(check_dates)
        if made is None:
            made = self._contexts[check_dates] = _context(self._files)
            if not check_dates:
                made.verify_flags |= NO_CHECK_TIME
        return made


def ends_at(secured: ssl.SSLSocket) -> datetime:
    """Return when the certificate ends that was verified on a connection."""
    certificate = secured.getpeercert()
    assert certificate is not None
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def _context(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.ca_file)
    except OSError as error:
        raise _unusable(str(files.ca_file), describe(error)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if files.certificate_file is None:
        return context
    try:
        # Without a password OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(files.certificate_file, files.key_file, password="")
    except OSError as error:
        why = f"no certificate with the key {files.key_file}: {describe(error)}"
        raise _unusable(files.certificate_file, why) from error
    return context


def _unusable(file: str, why: str) -> ConfigurationError:
    return ConfigurationError(file, (Problem(0, "", why),))
