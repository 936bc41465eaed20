"""What became of S1 with each far end up to now: attempts, failures, and since when it is so.

A stack says how S1 is; what it has said before is kept here, for the HeMS and the operator.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from henbd.values import FarEnd, Peer, PeerState, Stack, Unknown

# An attempt is going on; there is none; one has ended.
TRYING = (PeerState.CONNECTING, PeerState.SETUP)
RESTING = (PeerState.DOWN, PeerState.FAILED)
OUTCOMES = (PeerState.UP, PeerState.FAILED)


@dataclass(frozen=True, slots=True)
class Past:
    """S1 with one far end.

    `peer` is what was said of it last, `since` when (wall clock) its state became that. `cause` is
    why S1 failed or ended last, `time_to_wait_s` that of the last failure. `refused`: the last
    attempt that had a path has failed.
    """

    peer: Peer
    since: datetime
    attempts: int = 0
    failures: int = 0
    cause: str | None = None
    time_to_wait_s: int | None = None
    refused: bool = False


History = Mapping[FarEnd, Past]


def noted(
    history: History,
    far_ends: Iterable[FarEnd],
    stack: Stack | Unknown,
    wall: datetime,
    *,
    has_path: bool,
) -> History:
    """Return the history after a look, of the far ends that matter now, in their order.

    A failure without a path says nothing of the far end.
    """
    said = {} if isinstance(stack, Unknown) else {peer.far_end: peer for peer in stack.peers}
    found: dict[FarEnd, Past] = {}
    for far_end in far_ends:
        before = history.get(far_end, Past(Peer(far_end, PeerState.DOWN), wall))
        # About a far end that the stack was not told nothing is known but that it is left alone.
        peer = said.get(far_end, Peer(far_end, PeerState.DOWN))
        if isinstance(stack, Unknown):
            found[far_end] = before
        else:
            found[far_end] = _after(before, peer, wall, has_path=has_path)
    return found


def _after(before: Past, peer: Peer, wall: datetime, *, has_path: bool) -> Past:
    past = before if peer == before.peer else replace(before, peer=peer)
    was, state = before.peer.state, peer.state
    if state is was:
        return past
    # A short attempt may be over before it is seen.
    begun = state in TRYING and was not in TRYING
    missed = state in OUTCOMES and was in RESTING
    past = replace(past, since=wall, attempts=past.attempts + (begun or missed))
    if state is PeerState.UP:
        return replace(past, refused=False)
    if state is PeerState.FAILED:
        return replace(
            past,
            failures=past.failures + 1,
            cause=peer.cause,
            time_to_wait_s=peer.time_to_wait_s,
            refused=past.refused or has_path,
        )
    # Why S1 ended is told with the end.
    return past if peer.cause is None else replace(past, cause=peer.cause)


def all_refused(history: History) -> bool:
    """Return whether S1 cannot be had: each far end that there is has failed lately."""
    return bool(history) and all(past.refused for past in history.values())
