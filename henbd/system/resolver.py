"""Host names to addresses, each looked up on a thread of its own.

A look-up cannot be stopped, and lasts long where no name server answers; on its own thread it holds
up nobody else.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from types import MappingProxyType

from henbd.control.refusal import literal
from henbd.system.doorbell import Doorbell
from henbd.system.worker import Mailbox, Worker
from henbd.values import Address

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look-up brought; without addresses, `problem` says why."""

    host: str
    addresses: tuple[Address, ...]
    problem: str | None


class Resolver:
    """Answers questions in its own time; `rung` is called when an answer changed something."""

    def __init__(self, doorbell: Doorbell, rung: Callable[[], None]) -> None:
        self._rung = rung
        self._mailbox: Mailbox[Found] = Mailbox(doorbell, self._found)
        self._names: dict[str, tuple[Address, ...]] = {}
        self._problems: dict[str, str | None] = {}
        self._open: set[str] = set()

    @property
    def names(self) -> Mapping[str, tuple[Address, ...]]:
        """Return the answers so far, best address first; empty for a host without any."""
        return MappingProxyType(self._names)

    def ask(self, host: str) -> None:
        """Look a host up, unless that is being done.

        An address needs no looking up: its answer is there at once, and nothing rings for it.
        """
        known = literal(host)
        if known is not None:
            self._names[host] = (known,)
        elif host not in self._open:
            self._open.add(host)
            worker = Worker(f"look up {host}", look_up, self._mailbox)
            worker.put(0, host)
            worker.retire()

    def close(self) -> None:
        """Take no more answers."""
        self._mailbox.close()

    def _found(self, _number: int, found: Found) -> None:
        host = found.host
        self._open.discard(host)
        before, known = self._names.get(host), found.addresses
        if before and (not known or frozenset(known) == frozenset(before)):
            # Name servers turn the addresses round: in another order they are the same.
            known = before
        if found.problem != self._problems.get(host):
            kept = f", still taken for {_listed(known)}" if found.problem and known else ""
            if found.problem:
                logger.warning("%s: %s%s", host, found.problem, kept)
            self._problems[host] = found.problem
        if known == before:
            return
        if known:
            logger.info("%s: %s", host, _listed(known))
        self._names[host] = known
        self._rung()


def look_up(host: str) -> Found:
    """Ask the system for the addresses of a host. Blocks."""
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        return Found(host, (), str(error.strerror).lower())
    except (OSError, ValueError) as error:
        # ValueError: no name server would be asked for such a name.
        return Found(host, (), str(error))
    addresses = (ip_address(answer[4][0]) for answer in answers)
    return Found(host, tuple(dict.fromkeys(addresses)), None)


def _listed(addresses: tuple[Address, ...]) -> str:
    return ", ".join(map(str, addresses))
