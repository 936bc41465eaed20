"""The recorded sessions as files in memory (/run), beside the control socket: a ring of them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from henbd.system.whole_file import put

logger = logging.getLogger(__name__)

# As the control socket: for root, our own user and its group.
DIRECTORY_MODE = 0o750

MOST_FILES = 20
MOST_BYTES = 1_048_576


@dataclass(frozen=True, slots=True)
class _Kept:
    file: Path
    size: int


class TraceFiles:
    """The ring; what an earlier process has left in it counts.

    The folder is read once, and again after something has failed: nobody else writes to it.
    """

    def __init__(self, socket: str) -> None:
        self._directory = directory_beside(socket)
        self._group = os.stat(socket).st_gid
        self._failure: str | None = None
        self._ring: deque[_Kept] | None = None

    def keep(self, document: Mapping[str, Any]) -> None:
        """Add a session, and drop the oldest ones that there is no more room for."""
        try:
            if self._ring is None:
                self._make_directory()
                self._ring = deque(_Kept(f, f.stat().st_size) for f in _files(self._directory))
            number = int(self._ring[-1].file.stem) + 1 if self._ring else 1
            content = json.dumps({"number": number, **document}).encode()
            file = self._directory / f"{number:06}.json"
            put(file, content, self._group)
            self._ring.append(_Kept(file, len(content)))
            _prune(self._ring)
        except OSError as error:
            self._ring = None
            failure = str(error.strerror)
            if failure != self._failure:
                logger.warning("%s: %s", self._directory, failure)
            self._failure = failure
        else:
            self._failure = None

    def _make_directory(self) -> None:
        if self._directory.is_dir():
            return
        self._directory.mkdir()
        os.chown(self._directory, -1, self._group)
        self._directory.chmod(DIRECTORY_MODE)


def _prune(ring: deque[_Kept]) -> None:
    """Drop the oldest files that there is no more room for; the last one stays."""
    size = sum(kept.size for kept in ring)
    while len(ring) > MOST_FILES or (len(ring) > 1 and size > MOST_BYTES):
        oldest = ring.popleft()
        size -= oldest.size
        oldest.file.unlink(missing_ok=True)


def directory_beside(socket: str) -> Path:
    """Return where the recorded sessions of the daemon with this control socket are."""
    return Path(socket).with_name("trace")


def kept(socket: str) -> list[dict[str, Any]]:
    """Return the recorded sessions, the oldest first; raises OSError where they may not be read."""
    found = []
    for file in _files(directory_beside(socket)):
        # The ring may turn while it is read.
        with contextlib.suppress(FileNotFoundError, ValueError):
            found.append(json.loads(file.read_bytes()))
    return found


def _files(directory: Path) -> list[Path]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    numbers = sorted((stem for stem in stems if stem.isdecimal()), key=int)
    return [directory / f"{number}.json" for number in numbers]
