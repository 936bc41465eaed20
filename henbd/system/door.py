"""What only somebody else on the box may do: each is a command of the system's."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from henbd.errors import DoorError

REBOOT = ("/sbin/reboot",)


class Door:
    """Runs the commands, and does not wait for them."""

    def __init__(self, reboot: Sequence[str]) -> None:
        self._reboot = reboot
        self._running: subprocess.Popen[bytes] | None = None

    def reboot(self) -> None:
        """Have the box rebooted; raises DoorError where the command cannot be run."""
        if self._running is not None and self._running.poll() is None:
            return
        try:
            # A session of its own: the end of henbd is not to be that of the command.
            self._running = subprocess.Popen(
                self._reboot, stdin=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            raise DoorError(f"{self._reboot[0]}: {error.strerror}") from error
