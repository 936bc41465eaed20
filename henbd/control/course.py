"""What one look cannot show: who failed lately, and since when something has been the case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from henbd.control import trials
from henbd.control.gateways import Gateways
from henbd.control.guard import sources
from henbd.control.history import History
from henbd.control.trials import Trials
from henbd.control.tunnel import Tunnel, installed
from henbd.values import (
    Address,
    Desired,
    EspMode,
    InterfaceAddress,
    Observed,
    PeerState,
    S1Link,
    Stack,
    Unknown,
)

# S1 with another than the first far end goes back to it after this, doubled with each failure of
# the first: the attempt costs the S1 that there is, and tells the HeMS of it.
FIRST_RETURN_S = 900.0
LONGEST_RETURN_S = 4 * 3600.0
MOST_DOUBLINGS = 4

# charon puts an address on the interface before it tells of it, and takes it away after.
STALE_S = 2.0

# No rekeying takes charon's policies away for so long. A new child has its own within milliseconds:
# if it still seems to have none at the end, we cannot see them, and it is believed.
LOST_S, BELIEVED_S = 1.0, 6.0

# A charon that restarts is back long before this.
CHARON_LOST_S = 30.0


@dataclass(frozen=True, slots=True)
class Course:
    """The course of things up to now; times are monotonic.

    `pathless_since`: since when S1 has had no path, None while it has one. `stack_lost_since`: the
    same for the word of the stack, `charon_lost_since` for that of charon. `tunnel_since`: since
    when the tunnel has been as it is. `return_at`: when S1 is due back with the first far end, None
    while it is not with another. `hems_outside`: the HeMS is reached outside the tunnel, for none
    can be had. `ungranted`: since when an address has been there that no gateway grants any more,
    or on an interface of ours that none ever has. `protected`: charon's policies for the inner
    addresses were seen; `unprotected_since`: since when one is missing though the tunnel is up.
    """

    tunnel_since: float
    pathless_since: float | None
    stack_lost_since: float | None
    gateways: Gateways = field(default_factory=Gateways)
    far_ends: Trials = field(default_factory=Trials)
    history: History = field(default_factory=dict)
    return_at: float | None = None
    hems_outside: bool = False
    ungranted: Mapping[InterfaceAddress, float] = field(default_factory=dict)
    charon_lost_since: float | None = None
    protected: bool = False
    unprotected_since: float | None = None


def noted(
    course: Course, observed: Observed, tunnel: Tunnel, before: Tunnel, now: float, share: float
) -> Course:
    """Return the course after a look; `before` is how the tunnel was in the last one."""
    course = _protected(course, observed, tunnel, now)
    same = (tunnel.condition, tunnel.inner) == (before.condition, before.inner)
    return replace(
        course,
        tunnel_since=course.tunnel_since if same else now,
        ungranted=_ungranted(course, observed, tunnel, now),
        charon_lost_since=_lost_since(course.charon_lost_since, observed.charon, now),
        stack_lost_since=_lost_since(course.stack_lost_since, observed.stack, now),
        far_ends=_judged(course.far_ends, observed.stack, now, share),
    )


def _lost_since(before: float | None, party: object, now: float) -> float | None:
    if not isinstance(party, Unknown):
        return None
    return now if before is None else before


def _ungranted(
    course: Course, observed: Observed, tunnel: Tunnel, now: float
) -> Mapping[InterfaceAddress, float]:
    charon, kernel = observed.charon, observed.kernel
    if isinstance(charon, Unknown) or isinstance(kernel, Unknown):
        return course.ungranted
    granted = {address for sa in charon.sas for address in sa.inner}
    own = {device.index for device in kernel.devices if device.ours}
    # What is guarded was granted once; with the tunnel up, another has come in its place.
    left = sources(kernel) if tunnel.up else set()
    return {
        held: course.ungranted.get(held, now)
        for held in kernel.addresses
        if held.address not in granted
        and (held.address in left or (held.device in own and not held.address.is_link_local))
    }


def stale(course: Course, now: float) -> frozenset[InterfaceAddress]:
    """Return the addresses that a charon which was killed has left, wherever it had put them."""
    return frozenset(a for a, since in course.ungranted.items() if now >= since + STALE_S)


def _protected(course: Course, observed: Observed, tunnel: Tunnel, now: float) -> Course:
    """Return the course with what the kernel's policies show; while the tunnel is away, nothing."""
    charon, kernel = observed.charon, observed.kernel
    if not tunnel.up or isinstance(charon, Unknown) or isinstance(kernel, Unknown):
        return course
    if kernel.protected is None or charon.mode is not EspMode.POLICY:
        return course
    if not bare(tunnel, kernel.protected):
        return replace(course, protected=True, unprotected_since=None)
    since = course.unprotected_since
    return replace(course, unprotected_since=now if since is None else since)


def bare(tunnel: Tunnel, protected: frozenset[Address]) -> frozenset[Address]:
    """Return the inner addresses without a policy, of the families that a child is there for."""
    children = () if tunnel.sa is None else installed(tunnel.sa)
    families = {network.version for child in children for network in child.networks}
    return frozenset(a for a in tunnel.inner if a.version in families) - protected


def flushed(course: Course, now: float) -> bool:
    """Return whether somebody has taken policies of charon's out of the kernel."""
    since = course.unprotected_since
    return course.protected and since is not None and LOST_S <= now - since < BELIEVED_S


def _judged(far_ends: Trials, stack: Stack | Unknown, now: float, share: float) -> Trials:
    """Return the trials of the far ends after what the stack says; TimeToWait is obeyed."""
    for peer in () if isinstance(stack, Unknown) else stack.peers:
        address = peer.far_end.address
        if peer.state is PeerState.UP:
            far_ends = trials.succeeded(far_ends, address)
        elif peer.state is PeerState.FAILED:
            far_ends = trials.failed(far_ends, address, now, share, peer.time_to_wait_s)
    return far_ends


def remembered(course: Course, history: History, now: float, share: float) -> Course:
    """Return the course with what became of S1 up to now; `share` in [0, 1) spreads returns."""
    first = next(iter(history), None)
    up = {end for end, past in history.items() if past.peer.state is PeerState.UP}
    if first is None or not up or first in up:
        return replace(course, history=history, return_at=None)
    if course.return_at is not None:
        return replace(course, history=history)
    failure = course.far_ends.failures.get(first.address)
    doublings = min(failure.count - 1, MOST_DOUBLINGS) if failure else 0
    wait_s = min(FIRST_RETURN_S * 2**doublings, LONGEST_RETURN_S) * (1 + share)
    return replace(course, history=history, return_at=now + wait_s)


def wanted(course: Course, desired: Desired, now: float) -> Course:
    """Return the course after it is known what is wanted now."""
    pathless = not isinstance(desired.link, S1Link)
    if pathless is (course.pathless_since is not None):
        return course
    return replace(course, pathless_since=now if pathless else None)


def stack_lost(course: Course, hold_s: float, now: float) -> bool:
    """Return whether the stack has been silent for so long that S1 must be taken for down."""
    since = course.stack_lost_since
    return since is not None and now >= since + hold_s


def charon_lost(course: Course, now: float) -> bool:
    """Return whether charon has been silent for so long that no tunnel can be had."""
    since = course.charon_lost_since
    return since is not None and now >= since + CHARON_LOST_S


def times(course: Course, hold_s: float, after: float) -> Iterator[float]:
    """Yield when time alone will change something, as far as that is after a time."""
    for since, patience_s in (
        (course.pathless_since, hold_s),
        (course.stack_lost_since, hold_s),
        (course.charon_lost_since, CHARON_LOST_S),
        (course.unprotected_since, LOST_S),
    ):
        if since is not None and since + patience_s > after:
            yield since + patience_s
    yield from (at + STALE_S for at in course.ungranted.values() if at + STALE_S > after)
    if course.return_at is not None and course.return_at > after:
        yield course.return_at
    yield from trials.times(course.far_ends, after)
