"""Certificates, keys and secrets that are renewed in their files are taken without being told."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace

from henbd import config
from henbd.daemon import Daemon
from henbd.errors import ConfigurationError
from henbd.reload import tls_files
from henbd.settings import Settings
from henbd.system.acs import TlsFiles

logger = logging.getLogger(__name__)

# What tells a file from the one that was there before: inode, size, time of its last change.
Sight = tuple[int, int, int] | None


class Renewal:
    """Looks at the files every `audit_s`; they are read only when one of them has changed.

    A pair of which one half is renewed is no pair: it is taken when the other half has come.
    """

    def __init__(
        self, file: str, daemon: Callable[[], Daemon], trust: Callable[[TlsFiles], None]
    ) -> None:
        self._file = file
        self._daemon = daemon
        self._trust = trust
        self._at: float | None = None
        self._seen: Mapping[str, Sight] = {}

    def wake_at(self) -> float | None:
        """Return when the files are looked at again, in monotonic seconds."""
        return self._at

    def tick(self, now: float) -> None:
        """Look at the files if it is time."""
        if self._at is not None and now < self._at:
            return
        settings = self._daemon().settlement.latest
        first = self._at is None
        self._at = now + (settings.ipsec.audit_s if settings.ipsec else settings.hems.session_s)
        seen = {path: _sight(path) for path in credential_files(settings)}
        if first or seen == self._seen or self._renew(settings):
            self._seen = seen

    def _renew(self, before: Settings) -> bool:
        """Take what is in the files now; return whether it could be."""
        try:
            found = config.load(self._file)
            self._trust(tls_files(before))
        except ConfigurationError as error:
            for line in error.lines():
                logger.warning("%s", line)
            return False
        if before.ipsec is None or found.ipsec is None:
            return True
        if before.ipsec.credentials != found.ipsec.credentials:
            logger.info("certificate, key or secret renewed: %s", found.ipsec.credential_files)
            renewed = replace(before.ipsec, credentials=found.ipsec.credentials)
            self._daemon().reconfigure(replace(before, ipsec=renewed))
        return True


def credential_files(settings: Settings) -> tuple[str, ...]:
    """Return the files in which there is a certificate, a key or a secret."""
    hems = (settings.hems.ca_file, settings.hems.certificate_file, settings.hems.key_file)
    ipsec = settings.ipsec.credential_files if settings.ipsec else ()
    return (*filter(None, hems), *ipsec)


def _sight(path: str) -> Sight:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
