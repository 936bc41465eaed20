"""The user plane as far as it shows: an Echo Request to the S-GW every second."""

from __future__ import annotations

import logging
import threading

from tests.lab import gtpu
from tests.lab.enb.messages import Address

_LOG = logging.getLogger(__name__)

_INTERVAL_S = 1.0


class UserPlane:
    """Sends from one local address to one S-GW, from its making to `close`."""

    def __init__(self, local: Address, peer: Address) -> None:
        self.local = local
        self._peer = peer
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"s1-u {peer}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send no more; the local address is not used any longer when this returns."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        client = gtpu.Client(self.local, self._peer)
        try:
            while not self._ending.is_set():
                try:
                    client.ask()
                except OSError as error:
                    # A guard, a missing route: as good as lost on the way.
                    _LOG.debug("s1-u %s from %s: %s", self._peer, self.local, error.strerror)
                self._ending.wait(_INTERVAL_S)
                if client.answered():
                    _LOG.debug("s1-u %s answers %s", self._peer, self.local)
        finally:
            client.close()
