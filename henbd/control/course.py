"""What one look cannot show: who failed lately, and since when something has been the case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from henbd.control import trials
from henbd.control.trials import Trials
from henbd.control.tunnel import Tunnel
from henbd.values import Desired, Observed, PeerState, S1Link, Stack, Unknown


@dataclass(frozen=True, slots=True)
class Course:
    """The course of things up to now; times are monotonic.

    `pathless_since`: since when S1 has had no path, None while it has one. `stack_lost_since`: the
    same for the word of the stack. `tunnel_since`: since when the tunnel has been as it is.
    """

    tunnel_since: float
    pathless_since: float | None
    stack_lost_since: float | None
    gateways: Trials = field(default_factory=Trials)
    far_ends: Trials = field(default_factory=Trials)


def noted(
    course: Course, observed: Observed, tunnel: Tunnel, before: Tunnel, now: float, share: float
) -> Course:
    """Return the course after a look; `before` is how the tunnel was in the last one."""
    if (tunnel.condition, tunnel.inner) != (before.condition, before.inner):
        course = replace(course, tunnel_since=now)
    if isinstance(observed.stack, Unknown):
        since = now if course.stack_lost_since is None else course.stack_lost_since
        return replace(course, stack_lost_since=since)
    far_ends = _judged(course.far_ends, observed.stack, now, share)
    return replace(course, stack_lost_since=None, far_ends=far_ends)


def _judged(far_ends: Trials, stack: Stack, now: float, share: float) -> Trials:
    """Return the trials of the far ends after what the stack says; TimeToWait is obeyed."""
    for peer in stack.peers:
        address = peer.far_end.address
        if peer.state is PeerState.UP:
            far_ends = trials.succeeded(far_ends, address)
        elif peer.state is PeerState.FAILED:
            far_ends = trials.failed(far_ends, address, now, share, peer.time_to_wait_s)
    return far_ends


def wanted(course: Course, desired: Desired, now: float) -> Course:
    """Return the course after it is known what is wanted now."""
    if isinstance(desired.link, S1Link):
        return replace(course, pathless_since=None)
    if course.pathless_since is None:
        return replace(course, pathless_since=now)
    return course


def stack_lost(course: Course, hold_s: float, now: float) -> bool:
    """Return whether the stack has been silent for so long that S1 must be taken for down."""
    since = course.stack_lost_since
    return since is not None and now >= since + hold_s


def times(course: Course, hold_s: float, after: float) -> Iterator[float]:
    """Yield when time alone will change something, as far as that is after a time."""
    for since in (course.pathless_since, course.stack_lost_since):
        if since is not None and since + hold_s > after:
            yield since + hold_s
    yield from trials.times(course.gateways, after)
    yield from trials.times(course.far_ends, after)
