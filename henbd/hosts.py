"""The host names that matter now: when each is looked up, and again."""

from __future__ import annotations

from collections.abc import Iterable

from henbd.control.refusal import literal
from henbd.parties import Names

# A name that had no address is looked up again so soon: the way out may have come up meanwhile.
NAMES_AGAIN_S = 10.0


class Hosts:
    """Has names looked up. An address needs no look-up, but is in the answers like a name."""

    def __init__(self, names: Names, now: float) -> None:
        self._names = names
        self._asked_at = now

    def ask(self, hosts: Iterable[str], now: float) -> None:
        """Look up these names anew."""
        self._asked_at = now
        for host in hosts:
            self._names.ask(host)

    def ask_missing(self, hosts: Iterable[str], now: float) -> None:
        """Look up those of the names that have no address yet."""
        self.ask([host for host in hosts if not self._names.names.get(host)], now)

    def wake_at(self, hosts: Iterable[str]) -> float | None:
        """Return when names are to be looked up again, None while all have addresses."""
        known = self._names.names
        missing = any(not known.get(host) and not literal(host) for host in hosts)
        return self._asked_at + NAMES_AGAIN_S if missing else None
