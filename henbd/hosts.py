"""The host names that matter now: when each is looked up, and again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from henbd.control.reach import hems_host
from henbd.control.refusal import literal
from henbd.parties import Names
from henbd.settings import HemsSettings
from henbd.values import Management, Provisioned

# A name that had no address is looked up again so soon: the way out may have come up meanwhile.
NAMES_AGAIN_S = 10.0


def needed(
    hems: HemsSettings, management: Management, asked: Provisioned, good: Iterable[str]
) -> list[str]:
    """Return the hosts whose addresses matter; `good` are the gateways that are fallen back to."""
    called = "" if hems.address else hems_host(management)
    hosts = (*asked.gateways, *good, *asked.far_ends, called)
    return list(dict.fromkeys(host for host in hosts if host))


class Hosts:
    """Has names looked up. An address needs no look-up, but is in the answers like a name."""

    def __init__(self, names: Names, now: float) -> None:
        self._names = names
        self._asked_at = self._all_asked_at = now
        self._due_at: float | None = None

    def ask(self, hosts: Iterable[str], now: float) -> None:
        """Look up these names anew."""
        self._asked_at = self._all_asked_at = now
        for host in hosts:
            self._names.ask(host)

    def ask_due(self, hosts: Sequence[str], now: float, resolve_s: float) -> None:
        """Look up the names whose time has come: all of them, or those without an address."""
        if now >= self._all_asked_at + resolve_s:
            self.ask(hosts, now)
        elif now >= self._asked_at + NAMES_AGAIN_S:
            self._asked_at = now
            for host in hosts:
                if not self._names.names.get(host):
                    self._names.ask(host)
        self._due_at = self._next(hosts, resolve_s)

    def wake_at(self) -> float | None:
        """Return when names are to be looked up again, None where there is no name."""
        return self._due_at

    def _next(self, hosts: Sequence[str], resolve_s: float) -> float | None:
        names = [host for host in hosts if not literal(host)]
        if not names:
            return None
        again_at = self._all_asked_at + resolve_s
        if all(self._names.names.get(name) for name in names):
            return again_at
        return min(again_at, self._asked_at + NAMES_AGAIN_S)
