"""Where S1 is to be: from which address, to which far ends, or left as it is, or down."""

from __future__ import annotations

from henbd.control import trials
from henbd.control.abilities import ABILITIES
from henbd.control.course import Course
from henbd.control.routing import held_inside, outer_source
from henbd.control.tunnel import Tunnel
from henbd.settings import S1Settings
from henbd.values import (
    Address,
    FarEnd,
    Hold,
    Kernel,
    Observed,
    PeerState,
    Provisioned,
    S1Link,
    S1Mode,
    Stack,
    Unknown,
)


def link(
    asked: Provisioned,
    settings: S1Settings,
    observed: Observed,
    tunnel: Tunnel,
    ends: tuple[FarEnd, ...],
    course: Course,
    now: float,
) -> S1Link | Hold | None:
    """Return where S1 is to be, None to keep it down, HOLD while its path may well come back."""
    if not asked.far_ends or waits_for_admin_state(asked, settings):
        return None
    found = _link(asked, observed, tunnel, ends, course, now)
    if found is None and _may_come_back(settings, observed, course, now, inside=asked.s1_inside):
        return Hold.HOLD
    return found


def waits_for_admin_state(asked: Provisioned, settings: S1Settings) -> bool:
    """Return whether S1 stays down because the radio may not transmit."""
    waits = settings.wait_for_admin_state or not ABILITIES[settings.adapter].silent
    return waits and not asked.admin_state


def _link(
    asked: Provisioned,
    observed: Observed,
    tunnel: Tunnel,
    ends: tuple[FarEnd, ...],
    course: Course,
    now: float,
) -> S1Link | None:
    """Return the link that there is a path for now."""
    assert isinstance(observed.kernel, Kernel)
    local: Address | None = None
    reached = []
    for end in ends:
        source = (
            tunnel.source_for(end.address)
            if asked.s1_inside
            else _outside(end.address, observed.kernel)
        )
        # One link has one local address: far ends of the other family have to wait.
        if source is not None and source == (local or source):
            local = source
            reached.append(end)
    if local is None:
        return None
    if asked.mode is S1Mode.ONE:
        reached = [_one(reached, observed, course, now)]
    return S1Link(local, tuple(reached), asked.s1_inside, asked.admin_state, asked.cell)


def _outside(address: Address, kernel: Kernel) -> Address | None:
    """Return the source that reaches a far end past the tunnel, None while that holds it."""
    return None if held_inside(address, kernel) else outer_source(address, kernel)


# A far end that works, or is being tried: S1 stays with it.
KEPT = (PeerState.UP, PeerState.SETUP, PeerState.CONNECTING)


def _one(reached: list[FarEnd], observed: Observed, course: Course, now: float) -> FarEnd:
    """Return the one far end to be connected (S1ConnectionMode One): in order, past failures.

    One that works is kept, until the first is due again.
    """
    by_address = {end.address: end for end in reached}
    stack = observed.stack
    peers = stack.peers if isinstance(stack, Stack) else ()
    if course.return_at is not None and now >= course.return_at and _idle(stack):
        return reached[0]
    for state in KEPT:
        for peer in peers:
            if peer.state is state and peer.far_end.address in by_address:
                return by_address[peer.far_end.address]
    chosen = trials.choose(list(by_address), course.far_ends, now)
    assert chosen is not None
    return by_address[chosen]


def _idle(stack: Stack | Unknown) -> bool:
    """Return whether nobody would notice that S1 ends."""
    return isinstance(stack, Stack) and not stack.user_plane_peers


def _may_come_back(
    settings: S1Settings, observed: Observed, course: Course, now: float, *, inside: bool
) -> bool:
    """Return whether S1 is to be left as it is although there is no path that we know of.

    A charon that does not answer is no reason to end S1 while its address is there.
    """
    stack = observed.stack
    if not isinstance(stack, Stack) or stack.told is None or stack.told.inside is not inside:
        return False
    assert isinstance(observed.kernel, Kernel)
    present = any(a.address == stack.told.local for a in observed.kernel.addresses)
    if isinstance(observed.charon, Unknown) and present:
        return True
    since = now if course.pathless_since is None else course.pathless_since
    return now < since + settings.hold_s


def up(stack: Stack | Unknown) -> bool:
    """Return whether S1 is up with a peer, from the address that was asked for.

    SCTP up is not S1 up: only an answered S1 Setup is (TS 36.413 8.7.3).
    """
    if isinstance(stack, Unknown) or stack.told is None:
        return False
    local = stack.told.local
    return any(
        peer.state is PeerState.UP
        and (peer.local == local or (peer.local is None and stack.acknowledged))
        for peer in stack.peers
    )
