"""The stack: it works by a config, and says so.

One thread calls the public methods; the threads of the peers tell of changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from tests.lab import sctp
from tests.lab.enb.faults import Faults
from tests.lab.enb.messages import (
    LONGEST_LINE,
    VERSION,
    Address,
    Config,
    FarEnd,
    Json,
    Link,
    ProtocolError,
    encode,
)
from tests.lab.enb.peer import S1Peer
from tests.lab.enb.requests import same_enb
from tests.lab.enb.status import Pace, State, Wait
from tests.lab.enb.user_plane import UserPlane

_LOG = logging.getLogger(__name__)


class Outbox(Protocol):
    """Where messages for henbd go; `put` does not wait, and may be called by any thread."""

    def put(self, message: Json | bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """How the stack was started."""

    name: str
    plmns: tuple[str, ...]
    user_plane_peer: Address | None
    pace: Pace
    faults: Faults
    backend: sctp.Backend | None = None
    parameters: tuple[tuple[str, str], ...] = ()


class Stack:
    """All that goes on between a config and the MMEs."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._config = Config(0, None, None)
        self._peers: dict[FarEnd, S1Peer] = {}
        self._waits: dict[FarEnd, Wait] = {}
        self._user_plane: UserPlane | None = None
        self._outbox: Outbox | None = None
        # Held while anything is told, so that what is told is in order.
        self._lock = threading.RLock()

    def attach(self, outbox: Outbox) -> None:
        """Begin to talk to henbd: who we are, then how S1 is."""
        with self._lock:
            self._outbox = outbox
            hello = self._hello()
            self._tell(hello)
            if hello["config"] is not None:
                self._tell(self._status())

    def detach(self) -> None:
        """Talk to nobody. S1 goes on."""
        with self._lock:
            self._outbox = None

    def complain(self, error: ProtocolError) -> None:
        """Tell henbd that a message of its was refused."""
        with self._lock:
            self._tell({"type": "error", "text": str(error)})

    def ping(self) -> None:
        """Ask henbd whether it lives."""
        with self._lock:
            self._tell({"type": "ping"})

    def configure(self, config: Config) -> None:
        """Work by another config, and acknowledge it; raise ProtocolError."""
        before = self._config
        if config.generation <= before.generation:
            raise ProtocolError(
                f"config: generation {config.generation} is not after {before.generation}"
            )
        config = self._completed(config)
        _LOG.info("config %d: %s", config.generation, config.link)
        stay = self._take_over(before.link, config.link)
        self._end(peer for far_end, peer in self._peers.items() if far_end not in stay)
        if self._user_plane is not None and not _allows(config.link, self._user_plane):
            self._stop_user_plane()
        self._options.faults.before_ack()
        with self._lock:
            self._config = config
            self._tell({"type": "ack", "generation": config.generation})
            self._peers = self._with_new_peers(stay)
            self._refresh_user_plane()
            self._tell(self._status())

    def close(self) -> None:
        """End S1 with every peer, gracefully."""
        self._end(self._peers.values())
        self._stop_user_plane()

    def _completed(self, config: Config) -> Config:
        """Return the config with our own PLMNs, if it has none."""
        link = config.link
        if link is None or link.cell.plmns:
            return config
        return replace(
            config, link=replace(link, cell=replace(link.cell, plmns=self._options.plmns))
        )

    def _take_over(self, before: Link | None, after: Link | None) -> dict[FarEnd, S1Peer]:
        """Let the peers that stay know of the new link, and return them."""
        if before is None or after is None:
            return {}
        if before.local != after.local or not same_enb(before.cell, after.cell):
            return {}
        stay = {f: self._peers[f] for f in after.peers if f in self._peers}
        if before.cell != after.cell:
            stay = {f: peer for f, peer in stay.items() if peer.change_cell(after.cell)}
        return stay

    def _with_new_peers(self, stay: dict[FarEnd, S1Peer]) -> dict[FarEnd, S1Peer]:
        """Return the peers of the config, in its order; the new ones begin to try."""
        link = self._config.link
        if link is None:
            return {}
        peers = dict.fromkeys(link.peers)
        return {far_end: stay.get(far_end) or self._begin(far_end, link) for far_end in peers}

    def _begin(self, far_end: FarEnd, link: Link) -> S1Peer:
        options = self._options
        peer = S1Peer(
            far_end,
            options.faults.local or link.local,
            link.cell,
            options.pace,
            self._changed,
            wait=self._waits.pop(far_end, None),
            backend=options.backend,
        )
        peer.start()
        return peer

    def _end(self, peers: Iterable[S1Peer]) -> None:
        """End S1 with these, all at once: each may take its second."""
        ending = list(peers)
        threads = [threading.Thread(target=peer.end) for peer in ending]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = time.monotonic()
        self._waits = {f: wait for f, wait in self._waits.items() if wait.until > now}
        self._waits |= {p.far_end: p.wait for p in ending if p.wait is not None}

    def _changed(self) -> None:
        """Tell how S1 is now; peers call this."""
        with self._lock:
            self._refresh_user_plane()
            self._tell(self._status())

    def _s1_is_up(self) -> bool:
        return any(peer.status.state is State.UP for peer in self._peers.values())

    def _refresh_user_plane(self) -> None:
        """Have the user plane run exactly while S1 is up."""
        link, peer = self._config.link, self._user_plane_peer()
        if link is None or peer is None or not self._s1_is_up():
            self._stop_user_plane()
        elif self._user_plane is None:
            self._user_plane = UserPlane(link.user_plane_local, peer)

    def _stop_user_plane(self) -> None:
        with self._lock:
            if self._user_plane is not None:
                self._user_plane.close()
                self._user_plane = None

    def _user_plane_peer(self) -> Address | None:
        """Return the S-GW, if it can be reached from the local address at all."""
        link, peer = self._config.link, self._options.user_plane_peer
        if link is None or peer is None or peer.version != link.user_plane_local.version:
            return None
        return peer

    def _hello(self) -> Json:
        hello = {
            "type": "hello",
            "version": VERSION,
            "name": self._options.name,
            "generation": self._config.generation,
            "config": self._config.received,
        }
        # A config that hardly fitted its line may not fit ours: henbd then tells it once more.
        return hello if len(encode(hello)) <= LONGEST_LINE else hello | {"config": None}

    def _status(self) -> Json:
        link, up = self._config.link, self._s1_is_up()
        user_plane_peer = self._user_plane_peer()
        return {
            "type": "status",
            "generation": self._config.generation,
            "peers": [self._peer_status(far_end) for far_end in (link.peers if link else ())],
            # No cell is on the air without S1.
            "transmitting": link is not None and link.may_transmit and up,
            "user_plane_peers": [str(user_plane_peer)] if up and user_plane_peer else [],
            "parameters": dict(self._options.parameters),
        }

    def _peer_status(self, far_end: FarEnd) -> Json:
        status = self._peers[far_end].status
        return {
            "address": str(far_end.address),
            "port": far_end.port,
            "state": status.state.value,
            "local": None if status.local is None else str(status.local),
            "cause": status.cause,
            "time_to_wait_s": status.time_to_wait_s,
            "mme_name": status.mme_name,
        }

    def _tell(self, message: Json) -> None:
        if self._outbox is not None:
            for distorted in self._options.faults.distort(message):
                self._outbox.put(distorted)


def _allows(link: Link | None, user_plane: UserPlane) -> bool:
    return link is not None and link.user_plane_local == user_plane.local
