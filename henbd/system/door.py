"""What only somebody else on the box may do: each is a command of the system's.

Whether our user may have it done is for the system to say: polkit on systemd, ubus on OpenWrt.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from henbd.errors import DoorError, StackError
from henbd.system.doorbell import Doorbell
from henbd.system.process import Process

logger = logging.getLogger(__name__)


class Door:
    """Runs the commands, and does not wait for them; what they complain of is in the log."""

    def __init__(self, reboot: Sequence[str], doorbell: Doorbell) -> None:
        self._reboot = reboot
        self._doorbell = doorbell
        self._running: Process | None = None

    def reboot(self) -> None:
        """Have the box rebooted; raises DoorError where the command cannot be run."""
        if self._running is not None:
            return
        try:
            self._running = Process(
                self._reboot, self._doorbell, _ignored, self._complained, self._ended
            )
        except StackError as error:
            raise DoorError(str(error)) from error

    def _complained(self, line: str) -> None:
        logger.warning("%s: %s", self._reboot[0], line)

    def _ended(self, status: int) -> None:
        self._running = None
        if status:
            logger.error("%s ended with %d: the box is not rebooted", self._reboot[0], status)


def _ignored(_output: bytes) -> None:
    """Let what the command says be: only its complaints matter."""
