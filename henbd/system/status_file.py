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

from henbd.system.whole_file import put

logger = logging.getLogger(__name__)


class StatusFile:
    """The file. It has the group of the socket beside it; `wall` tells when it was written."""

    def __init__(self, socket: str, wall: Callable[[], datetime]) -> None:
        self.path = Path(socket).with_name("status.json")
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
            put(self.path, text.encode() + b"\n", self._group)
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


def _lasting(value: Any) -> Any:
    """Return a status without its durations, of which only matters whether they are there."""
    if isinstance(value, Mapping):
        return {k: v is None if k.endswith("_s") else _lasting(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_lasting(item) for item in value]
    return value
