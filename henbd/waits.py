"""What is not yet as it should be, in words, and by when it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from henbd.control import s1, trials
from henbd.control.course import bare
from henbd.control.gateway_turns import on_trial, turn_ends_at
from henbd.control.gateways import asked_again_at
from henbd.control.guard import networks
from henbd.control.negotiation import narrowed
from henbd.control.selectors import gateways
from henbd.control.tunnel import installed
from henbd.model.types import date_time
from henbd.values import (
    Address,
    Charon,
    Connection,
    Desired,
    Hold,
    IkeSa,
    Interface,
    Kernel,
    Network,
    PeerState,
    S1Link,
    Unknown,
)

if TYPE_CHECKING:
    from henbd.daemon import Daemon


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that is not yet as it should be; `in_s`: by then at the latest it goes on."""

    what: str
    in_s: float | None = None


def waits(daemon: Daemon) -> Iterator[Wait]:
    """Yield what henbd is waiting for, the first cause first."""
    if not daemon.clock.is_set:
        yield Wait(_clock_to_be_set(daemon.clock.floor))
    departure = daemon.departure
    if departure.leaving(daemon.clock.monotonic()):
        yield Wait("the box to reboot, as ordered", _left(daemon, departure.wake_at()))
    elif departure.due(daemon.clock.monotonic()):
        what = "image to be written" if daemon.carrier.writing else "session to end"
        yield Wait(f"the {what}: then the box reboots, as ordered")
    yield from _waits_for_gateways(daemon)
    yield from _waits_for_tunnel(daemon)
    yield from _waits_for_hems(daemon)
    yield from _waits_for_s1(daemon)


def _clock_to_be_set(floor: datetime) -> str:
    """Return what is waited for, and how certificates are judged meanwhile."""
    return (
        f"the clock to be set: of the HeMS's certificate counts that it ends after"
        f" {date_time(floor)}, and charon judges the gateway's by the clock as it is"
    )


def _waits_for_gateways(daemon: Daemon) -> Iterator[Wait]:
    ipsec, known = daemon.settlement.settings.ipsec, daemon.witness.course.gateways
    if ipsec is not None and known.fallen_back:
        yield Wait(
            "{} to work; {} is used until then".format(*on_trial(known)),
            _left(daemon, turn_ends_at(known, daemon.witness.tunnel, ipsec)),
        )
    if ipsec is not None and known.refused:
        again_s = _left(daemon, asked_again_at(known, ipsec))
        if again_s is not None:
            networks = ", ".join(map(str, known.refused))
            yield Wait(f"the gateway to grant a child to {networks}, which it has refused", again_s)


def _waits_for_tunnel(daemon: Daemon) -> Iterator[Wait]:
    observed, tunnel = daemon.witness.observed, daemon.witness.tunnel
    charon, wanted = observed.charon, daemon.desired
    if isinstance(observed.kernel, Unknown):
        yield Wait(observed.kernel.reason)
    if isinstance(charon, Unknown):
        yield Wait(charon.reason)
    else:
        yield from _waits_for_charon(charon)
    if wanted is None:
        return
    if wanted.interface is not None and _is_taken(wanted.interface, observed.kernel):
        yield Wait(f"the name {wanted.interface.name}: an interface of somebody else bears it")
    if isinstance(wanted.connection, Unknown):
        yield Wait(wanted.connection.reason)
    elif wanted.connection is not None and isinstance(charon, Charon) and not tunnel.up:
        gateway, condition = wanted.connection.gateway, tunnel.condition.value
        again_s = _left(daemon, trials.until(daemon.witness.course.gateways.trials, gateway))
        alone = "" if again_s is None else ", tried again"
        yield Wait(f"the tunnel with {gateway}: {condition}{alone}", again_s)
        for network in sorted(map(str, _around(gateway, wanted))):
            yield Wait(f"{gateway} to be let out: it lies in {network}, which is guarded")
    if tunnel.up and daemon.witness.course.unprotected_since is not None:
        policies = None if isinstance(observed.kernel, Unknown) else observed.kernel.protected
        inner = ", ".join(sorted(map(str, bare(tunnel, policies or frozenset()))))
        yield Wait(f"a policy of charon's for {inner}: the kernel has none")
    if isinstance(wanted.connection, Connection) and tunnel.sa is not None:
        yield from _waits_for_selectors(wanted.connection, tunnel.sa, one=wanted.one_child)


def _around(gateway: Address, wanted: Desired) -> set[Network]:
    """Return the guarded networks that a gateway lies in."""
    return {network for network in networks(wanted.guards) if gateway in network}


def _is_taken(wanted: Interface, kernel: Kernel | Unknown) -> bool:
    devices = () if isinstance(kernel, Unknown) else kernel.devices
    return any(device.name == wanted.name and not device.ours for device in devices)


def _waits_for_charon(charon: Charon) -> Iterator[Wait]:
    """Yield what charon refuses to be given; what it refuses to let go of does no harm."""
    for command, why in charon.refused.items():
        if command.startswith("load-"):
            yield Wait(f"charon to take a {command}, which it refuses: {why}")


def _waits_for_selectors(wanted: Connection, sa: IkeSa, *, one: bool) -> Iterator[Wait]:
    """Yield what the gateway does not grant as it was asked for."""
    carried = any(child.name == wanted.child.name for child in installed(sa))
    if one and not carried:
        yield Wait(f"{wanted.gateway} to grant another child: it allows one at a time")
    if carried:
        for network in narrowed(sa, wanted):
            yield Wait(f"{wanted.gateway} to let us reach {network}: it grants less than was asked")


def _waits_for_hems(daemon: Daemon) -> Iterator[Wait]:
    ledger, last = daemon.memory.ledger, daemon.conversation.last
    again_s = _left(daemon, ledger.retry_at)
    trial = daemon.caller.serving.trial
    if trial is not None and trial.back:
        yield Wait(
            f"{trial.url} to answer; {ledger.hems} is used until it is tried again",
            _left(daemon, trial.until),
        )
    elif trial is not None:
        yield Wait(
            f"{trial.url} to answer, or {ledger.hems} is used again", _left(daemon, trial.until)
        )
    expires_at = daemon.conversation.expires_at(daemon.settlement.settings.hems.session_s)
    if expires_at is not None:
        yield Wait("an answer of the HeMS", _left(daemon, expires_at))
    elif isinstance(daemon.caller.way, Unknown):
        yield Wait(f"a way to the HeMS: {daemon.caller.way.reason}")
    elif again_s is not None:
        why = f" ({last.failure})" if last and last.failure else ""
        yield Wait(f"the next attempt to reach the HeMS{why}", again_s)


def _waits_for_s1(daemon: Daemon) -> Iterator[Wait]:
    stack, wanted = daemon.witness.observed.stack, daemon.desired
    if not daemon.settlement.asked.far_ends:
        yield Wait("the HeMS to provision S1SigLinkServerList")
    yield from _waits_for_another_far_end(daemon)
    if isinstance(stack, Unknown):
        yield Wait(stack.reason)
        return
    if s1.waits_for_admin_state(daemon.settlement.asked, daemon.settlement.settings.s1):
        yield Wait("the HeMS to set AdminState")
    if wanted is not None and isinstance(wanted.link, Hold):
        yield _wait_for_path(daemon)
    if stack.told is not None and not stack.acknowledged:
        yield Wait(f"{stack.name} to acknowledge {_link(stack.told)}")
    for peer in stack.peers:
        if peer.state is not PeerState.UP:
            cause = f" ({peer.cause})" if peer.cause else ""
            yield Wait(
                f"S1 with {peer.far_end.address}: {peer.state.value}{cause}",
                _left(daemon, trials.until(daemon.witness.course.far_ends, peer.far_end.address)),
            )


def _waits_for_another_far_end(daemon: Daemon) -> Iterator[Wait]:
    asked, observed = daemon.settlement.asked, daemon.witness.observed
    unguarded = gateways(asked.gateways, observed) if asked.s1_inside else frozenset()
    for host in asked.far_ends:
        if not unguarded.isdisjoint(observed.names.get(host, ())):
            yield Wait(f"{host} to be elsewhere: it is where a security gateway is")


def _wait_for_path(daemon: Daemon) -> Wait:
    since = daemon.witness.course.pathless_since
    until = None if since is None else since + daemon.settlement.settings.s1.hold_s
    return Wait("a path for S1, which is left as it is meanwhile", _left(daemon, until))


def _left(daemon: Daemon, until: float | None) -> float | None:
    """Return the seconds until a monotonic time, None where it has passed or there is none."""
    left_s = 0.0 if until is None else until - daemon.clock.monotonic()
    return round(left_s, 3) if left_s > 0 else None


def _link(link: S1Link) -> str:
    return f"S1 from {link.local} to {', '.join(str(p.address) for p in link.peers)}"
