"""The recorded sessions as files in memory (/run), beside the control socket: a ring of them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from henbd.system.whole_file import put

logger = logging.getLogger(__name__)

# As the control socket: for root, our own user and its group.
DIRECTORY_MODE = 0o750

MOST_FILES = 20
MOST_BYTES = 1_048_576


class TraceFiles:
    """The ring; what an earlier process has left in it counts."""

    def __init__(self, socket: str) -> None:
        self._directory = directory_beside(socket)
        self._group = os.stat(socket).st_gid
        self._failure: str | None = None

    def keep(self, document: Mapping[str, Any]) -> None:
        """Add a session, and drop the oldest ones that there is no more room for."""
        try:
            self._make_directory()
            files = _files(self._directory)
            number = int(files[-1].stem) + 1 if files else 1
            content = json.dumps({"number": number, **document}).encode()
            put(self._directory / f"{number:06}.json", content, self._group)
            self._prune()
        except OSError as error:
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

    def _prune(self) -> None:
        room = MOST_BYTES
        for place, file in enumerate(reversed(_files(self._directory))):
            room -= file.stat().st_size
            if place >= MOST_FILES or (place and room < 0):
                file.unlink()


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
    numbers = (name.removesuffix(".json") for name in names if name.endswith(".json"))
    return [directory / f"{number}.json" for number in sorted(numbers) if number.isdecimal()]
