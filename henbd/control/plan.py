"""Want − have = actions, in the order in which they must be done. Pure: equal states, no action.

Each call gives what can be done now; the next look sees it done and gives what follows:

    closing guards → child → route → stack told → (it acknowledges) → old child, route, guard go

An Unknown party gets no action, and nothing that rests on it is taken away.
"""

from __future__ import annotations

from collections.abc import Iterator

from henbd.actions import (
    Action,
    AddGuard,
    AddInterface,
    AddRoute,
    RemoveAddress,
    RemoveGuard,
    RemoveInterface,
    RemoveRoute,
    Tell,
    TerminateChild,
)
from henbd.control import negotiation
from henbd.control.guard import far, inner, near
from henbd.control.tunnel import Tunnel
from henbd.values import (
    Block,
    Charon,
    Connection,
    Desired,
    Device,
    Direction,
    Guard,
    Hold,
    Interface,
    Kernel,
    Observed,
    Route,
    S1Link,
    Stack,
    Unknown,
    Unreachable,
)


def plan(desired: Desired, observed: Observed, tunnel: Tunnel) -> list[Action]:
    """Return what is to be done now, in order."""
    kernel, charon, stack = observed.kernel, observed.charon, observed.stack
    if isinstance(kernel, Unknown):
        return []
    missing = missing_guards(desired, kernel)
    actions: list[Action] = [AddGuard(guard) for guard in missing]
    lacking = _interface_lacks(desired.interface, kernel)
    actions += lacking
    actions += [RemoveAddress(held) for held in sorted(desired.stale, key=repr)]
    if isinstance(charon, Charon) and isinstance(desired.connection, Connection):
        actions += negotiation.load(desired.connection, charon)
        if not missing and not lacking and desired.may_initiate:
            actions += negotiation.bring_up(
                desired.connection,
                charon,
                tunnel,
                one=desired.one_child,
                renew=desired.renew,
            )
    own_routes = frozenset(route for route in kernel.routes if route.ours)
    new_routes, old_routes = desired.routes - own_routes, own_routes - desired.routes
    actions += [AddRoute(route) for route in sorted(new_routes, key=repr)]
    if not missing:
        # Before the stack is told: blocks of the other kind of ESP would stand in its way.
        actions += _superseded(desired, kernel)
    if isinstance(stack, Stack):
        makes_room = any(isinstance(action, TerminateChild) for action in actions)
        stands = not missing and not new_routes and not makes_room
        if stands:
            actions += _lead_in(desired, old_routes)
        # Silence needs no path.
        actions += [a for a in _tell(desired, kernel, stack) if stands or a.link is None]
    actions += [RemoveGuard(guard) for guard in _opened(desired, kernel)]
    if _settled(desired, stack):
        if isinstance(charon, Charon) and not isinstance(desired.connection, Unknown):
            actions += negotiation.terminate(desired.connection, desired.rivals, charon)
        actions += [RemoveRoute(route) for route in sorted(old_routes, key=repr)]
        actions += _spare_interfaces(desired.interface, kernel)
        actions += [RemoveGuard(guard) for guard in _spare(desired, kernel, stack)]
    return list(dict.fromkeys(actions))


def _interface_lacks(wanted: Interface | None, kernel: Kernel) -> list[Action]:
    """Return what makes the interface for the inner address, which charon only uses."""
    if wanted is None or any(_is(device, wanted) for device in kernel.devices):
        return []
    # One of ours of that name but of another kind stands in its way.
    in_the_way = [d for d in kernel.devices if d.ours and d.name == wanted.name]
    return [*map(RemoveInterface, in_the_way), AddInterface(wanted)]


def _spare_interfaces(wanted: Interface | None, kernel: Kernel) -> list[Action]:
    return [
        RemoveInterface(device)
        for device in kernel.devices
        if device.ours and (wanted is None or device.name != wanted.name)
    ]


def _is(device: Device, wanted: Interface) -> bool:
    same = (device.name, device.if_id) == (wanted.name, wanted.if_id)
    return device.ours and same and device.carries_tunnel is bool(wanted.if_id)


def missing_guards(desired: Desired, kernel: Kernel) -> list[Guard]:
    """Return the guards that are wanted and do not stand."""
    return _ordered(desired.guards - kernel.guards)


def _ordered(guards: frozenset[Guard]) -> list[Guard]:
    """Return guards in an order that is always the same: the rules first, then what leaves."""
    return sorted(guards, key=_place)


# What the box sends, what it passes on, and what comes in, which alone is no leak.
_URGENCY = {Direction.OUT: 1, Direction.FORWARD: 2, Direction.IN: 3}


def _place(guard: Guard) -> tuple[int, str, str, str]:
    source, destination = str(guard.source), str(guard.destination)
    if isinstance(guard, Unreachable):
        return 0, "", source, destination
    return _URGENCY[guard.direction], str(guard.device), source, destination


def _lead_in(desired: Desired, old_routes: frozenset[Route]) -> Iterator[Action]:
    """Remove the routes past charon's before S1 is told to go inside; the guards stand already."""
    if isinstance(desired.link, S1Link) and desired.link.inside:
        yield from (RemoveRoute(route) for route in old_routes if route.source is None)


def _tell(desired: Desired, kernel: Kernel, stack: Stack) -> Iterator[Tell]:
    """Tell the stack what is wanted, if that is not what it was told last.

    From inside to outside it goes by way of silence: S1 ends while the guards are there, and starts
    when they are gone.
    """
    link = desired.link
    if isinstance(link, Hold) or stack.told == link:
        return
    if isinstance(link, S1Link) and not link.inside:
        if isinstance(stack.told, S1Link) and stack.told.inside:
            yield Tell(None)
            return
        if _cut_off(link, desired, kernel):
            return
    yield Tell(link)


def _cut_off(link: S1Link, desired: Desired, kernel: Kernel) -> bool:
    """Return whether a guard that is to go still stands between the stack and a far end."""
    spare = kernel.guards - desired.guards
    return any(peer.address in far(guard) for peer in link.peers for guard in spare)


def _settled(desired: Desired, stack: Stack | Unknown) -> bool:
    """Return whether nobody uses any longer what is not wanted any longer."""
    if isinstance(desired.link, Hold):
        return False
    if isinstance(stack, Unknown):
        return True
    if desired.link is not None and not desired.link.inside and stack.told is None:
        return stack.acknowledged
    return stack.told == desired.link and stack.acknowledged


def _superseded(desired: Desired, kernel: Kernel) -> Iterator[Action]:
    """Remove blocks that wanted ones have replaced: the kernel's way with ESP became known."""
    covered = {(near(g), far(g)) for g in desired.guards if isinstance(g, Block)}
    for guard in _ordered(kernel.guards - desired.guards):
        if isinstance(guard, Block) and (near(guard), far(guard)) in covered:
            yield RemoveGuard(guard)


def _opened(desired: Desired, kernel: Kernel) -> Iterator[Guard]:
    """Yield the guards that nothing of S1 rests on: they go whatever the stack does."""
    for guard in _ordered(kernel.guards - desired.guards):
        if near(guard) is None and far(guard) in desired.opened:
            yield guard


def _spare(desired: Desired, kernel: Kernel, stack: Stack | Unknown) -> Iterator[Guard]:
    """Yield the guards that may go.

    Without a word of the stack only those of an inner address that no interface bears: no socket
    can send from it.
    """
    present = {a.address for a in kernel.addresses}
    absent = {side for side in inner(kernel.guards) if side.network_address not in present}
    for guard in _ordered(kernel.guards - desired.guards):
        if isinstance(stack, Stack) or not absent.isdisjoint((near(guard), far(guard))):
            yield guard
