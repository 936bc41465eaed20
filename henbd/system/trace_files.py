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
    number: int
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
                kept = _numbers(self._directory)
                self._ring = deque(
                    _Kept(n, os.stat(_file(self._directory, n)).st_size) for n in kept
                )
            number = self._ring[-1].number + 1 if self._ring else 1
            content = json.dumps({"number": number, **document}).encode()
            put(_file(self._directory, number), content, self._group)
            self._ring.append(_Kept(number, len(content)))
            self._prune(self._ring)
        except OSError as error:
            self._ring = None
            failure = str(error.strerror)
            if failure != self._failure:
                logger.warning("%s: %s", self._directory, failure)
            self._failure = failure
        else:
            self._failure = None

    def _prune(self, ring: deque[_Kept]) -> None:
        """Drop the oldest files that there is no more room for; the last one stays."""
        size = sum(kept.size for kept in ring)
        while len(ring) > MOST_FILES or (len(ring) > 1 and size > MOST_BYTES):
            oldest = ring.popleft()
            size -= oldest.size
            with contextlib.suppress(FileNotFoundError):
                os.unlink(_file(self._directory, oldest.number))

    def _make_directory(self) -> None:
        if self._directory.is_dir():
            return
        self._directory.mkdir()
        os.chown(self._directory, -1, self._group)
        self._directory.chmod(DIRECTORY_MODE)


def directory_beside(socket: str) -> Path:
    """Return where the recorded sessions of the daemon with this control socket are."""
    return Path(socket).with_name("trace")


def kept(socket: str) -> list[dict[str, Any]]:
    """Return the recorded sessions, the oldest first; raises OSError where they may not be read."""
    directory, found = directory_beside(socket), []
    for number in _numbers(directory):
        # The ring may turn while it is read.
        with contextlib.suppress(FileNotFoundError, ValueError):
            found.append(json.loads(Path(_file(directory, number)).read_bytes()))
    return found


def _file(directory: Path, number: int) -> str:
    # By a Path for each session the interpreter would come to know ever more names.
    return f"{directory}/{number:06}.json"


def _numbers(directory: Path) -> list[int]:
    """Return which files of the ring are there; what else is there is not ours."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    stems = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return sorted(int(stem) for stem in stems if stem.isdecimal() and f"{int(stem):06}" == stem)
