"""SIGHUP: the configuration file is read again, and taken while tunnel and S1 stay up."""

from __future__ import annotations

import logging
from collections.abc import Callable

from henbd import config, logs
from henbd.control import reconfigure
from henbd.daemon import Daemon
from henbd.errors import ConfigurationError
from henbd.settings import Settings
from henbd.system.acs import TlsFiles

logger = logging.getLogger(__name__)


def tls_files(settings: Settings) -> TlsFiles:
    """Return the files that TLS with the HeMS needs."""
    hems = settings.hems
    return TlsFiles(hems.ca_file, hems.certificate_file, hems.key_file)


def reload(file: str, daemon: Daemon, trust: Callable[[TlsFiles], None]) -> None:
    """Have the daemon go on by what is in the file now; one with mistakes changes nothing.

    `trust` gives the exchanges with the HeMS their files anew: these may have been renewed.
    """
    before = daemon.settlement.latest
    try:
        settings, waiting = reconfigure.taken(before, config.load(file))
        trust(tls_files(settings))
    except ConfigurationError as error:
        for line in error.lines():
            logger.error("%s", line)
        logger.error("%s: not taken, the configuration stays as it was", file)
        return
    logger.info("%s: read again", file)
    for key in waiting:
        logger.warning("%s: %s takes effect with the next start", file, key)
    if settings.log != before.log:
        logs.configure(settings.log.level, settings.log.target)
    daemon.reconfigure(settings)
