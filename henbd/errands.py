"""What a transfer is to the shell that carries it: which types, and what to do.

`measured` makes a performance file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from henbd.control import backup
from henbd.cwmp import files
from henbd.cwmp.transfer_requests import Download
from henbd.cwmp.transfers import Transfer
from henbd.model.tree import Tree
from henbd.settings import Settings
from henbd.system.carriage import Errand, FetchDocument, FetchImage, Security, Send, SendLog
from henbd.system.courier import Server
from henbd.system.trust import TlsFiles

Measured = Callable[[], bytes]


def downloads(settings: Settings) -> frozenset[str]:
    """Return the file types that the HeMS can have this box fetch."""
    known = {files.CONFIGURATION_DOWNLOAD}
    return frozenset(known | {files.IMAGE} if settings.transfers.firmware_install else known)


def uploads(settings: Settings) -> frozenset[str]:
    """Return the file types that this box can send."""
    known = {*files.CONFIGURATIONS, files.PERFORMANCE}
    return frozenset(known.union(files.LOGS) if settings.transfers.log_command else known)


def origin(url: str) -> str:
    """Return the beginning of a URL, for people; the path may be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def security(settings: Settings, passed: datetime | None) -> Security:
    """Return how file servers are believed: as the HeMS is; `passed` see henbd.clock."""
    hems = settings.hems
    shown = TlsFiles(hems.ca_file, hems.certificate_file, hems.key_file)
    return Security(shown, passed)


def errand(
    transfer: Transfer,
    tree: Tree,
    settings: Settings,
    passed: datetime | None,
    measured: Measured,
) -> Errand:
    """Return what is to be done first for a transfer."""
    request, chosen = transfer.request, settings.transfers
    server = Server(request.url, request.username, request.password)
    believed = security(settings, passed)
    if isinstance(request, Download):
        if request.file_type == files.CONFIGURATION_DOWNLOAD:
            return FetchDocument(server, believed, request.file_size)
        return FetchImage(
            server,
            believed,
            request.file_size,
            chosen.most_bytes,
            chosen.directory,
            chosen.firmware_verify,
            chosen.firmware_check,
        )
    if request.file_type in files.LOGS:
        return SendLog(server, believed, chosen.log_command)
    if request.file_type == files.PERFORMANCE:
        return Send(server, believed, measured())
    content = json.dumps(backup.backup(tree), indent=1).encode()
    return Send(server, believed, content)
