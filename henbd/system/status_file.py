"""The status as a file beside the control socket: for readers that start no program each time.

It is whole at every moment, and written when anything in it has changed but running durations.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

# As the control socket: root, our own user and its group.
FILE_MODE = 0o640


class StatusFile:
    """The file. It has the group of the socket beside it; `wall` tells when it was written."""

    def __init__(self, socket: str, wall: Callable[[], datetime]) -> None:
        self.path = Path(socket).with_name("status.json")
        self._new = self.path.with_suffix(".json.new")
        self._group = os.stat(socket).st_gid
        self._wall = wall
        self._shown: Any = None
        self._failure: str | None = None

    def show(self, values: Mapping[str, Any]) -> None:
        """Write a status, unless nothing in it but durations differs from the last one."""
        lasting = _lasting(values)
        if lasting == self._shown:
            return
        at = self._wall().strftime("%Y-%m-%dT%H:%M:%SZ")
        text = json.dumps({"pid": os.getpid(), "at": at, **values})
        try:
            self._write(text.encode() + b"\n")
        except OSError as error:
            failure = str(error.strerror)
            if failure != self._failure:
                logger.warning("%s: %s", self.path, failure)
            self._failure = failure
            return
        self._shown, self._failure = lasting, None

    def clear(self) -> None:
        """Remove the file: nobody is there of whom it would be true."""
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def _write(self, content: bytes) -> None:
        """Put a file in the place of the one before; it is for this boot, so nothing is synced."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._new)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(self._new, flags, 0), "wb") as file:
            os.fchown(file.fileno(), -1, self._group)
            os.fchmod(file.fileno(), FILE_MODE)
            file.write(content)
        os.rename(self._new, self.path)


def _lasting(value: Any) -> Any:
    """Return a status without its durations, of which only matters whether they are there."""
    if isinstance(value, Mapping):
        return {k: v is None if k.endswith("_s") else _lasting(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value
