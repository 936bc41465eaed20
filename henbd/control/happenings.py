"""What differs between two looks, in the words in which a person tells it."""

from __future__ import annotations

from collections.abc import Iterator

from henbd.control.tunnel import Tunnel
from henbd.values import Observed, Peer, S1Link, Unknown

Told = tuple[str, str]


def happenings(
    before: Observed, after: Observed, tunnel_before: Tunnel, tunnel: Tunnel
) -> Iterator[Told]:
    """Yield what has changed: "tunnel", "address" or "S1", and how it is now."""
    if tunnel.condition != tunnel_before.condition:
        gateway = f" with {tunnel.sa.gateway}" if tunnel.sa else ""
        yield "tunnel", f"{tunnel.condition.value}{gateway}"
    for address in tunnel.inner:
        if address not in tunnel_before.inner:
            yield "address", f"{address} came"
    for address in tunnel_before.inner:
        if address not in tunnel.inner:
            yield "address", f"{address} went"
    yield from _s1(before, after)


def _s1(before: Observed, after: Observed) -> Iterator[Told]:
    old, new = before.stack, after.stack
    if isinstance(new, Unknown):
        if new != old:
            yield "S1", new.reason
        return
    if isinstance(old, Unknown):
        yield "S1", f"{new.name} is there"
    told = None if isinstance(old, Unknown) else old.told
    if new.told != told:
        yield "S1", f"{new.name} was told: {_link(new.told)}"
    known = {} if isinstance(old, Unknown) else {peer.far_end: peer for peer in old.peers}
    for peer in new.peers:
        was = known.get(peer.far_end)
        if was is None or (was.state, was.cause) != (peer.state, peer.cause):
            yield "S1", _peer(peer)


def _link(link: S1Link | None) -> str:
    if link is None:
        return "stay down"
    return f"from {link.local} to {', '.join(str(peer.address) for peer in link.peers)}"


def _peer(peer: Peer) -> str:
    cause = f" ({peer.cause})" if peer.cause else ""
    name = f", {peer.mme_name}" if peer.mme_name else ""
    return f"{peer.far_end.address}: {peer.state.value}{cause}{name}"
