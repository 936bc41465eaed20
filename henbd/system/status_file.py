"""The status as a file beside the control socket: for readers that start no program each time.

It is whole at every moment, and written when anything in it has changed but running durations.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from henbd.system.whole_file import put

logger = logging.getLogger(__name__)

# In JSON no text can look like this: its quotes are escaped.
DURATION = re.compile(r'(?<=_s": )-?[0-9.]+')


class StatusFile:
    """The file. It has the group of the socket beside it; `wall` tells when it was written."""

    def __init__(self, socket: str, wall: Callable[[], datetime]) -> None:
        self.path = Path(socket).with_name("status.json")
        self._group = os.stat(socket).st_gid
        self._wall = wall
        self._shown = ""
        self._failure: str | None = None

    def show(self, values: Mapping[str, Any]) -> None:
        """Write a status, unless nothing in it but durations differs from the last one."""
        text = json.dumps(values)
        lasting = DURATION.sub("", text)
        if lasting == self._shown:
            return
        head = {"pid": os.getpid(), "at": self._wall().strftime("%Y-%m-%dT%H:%M:%SZ")}
        whole = f"{json.dumps(head)[:-1]}, {text[1:]}\n"
        try:
            put(self.path, whole.encode(), self._group)
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
