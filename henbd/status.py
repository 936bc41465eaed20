"""What henbd believes, wants and is waiting for, as JSON values. The form is in README.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from henbd import __version__
from henbd.control import report_faults, s1, tunnel
from henbd.control.guard import far, near
from henbd.control.reach import Reach
from henbd.control.report_faults import Alarm
from henbd.conversation import Ended
from henbd.cwmp import ledger as ledgers
from henbd.cwmp.transfers import Stage, Transfer
from henbd.model import paths
from henbd.model.types import date_time
from henbd.values import (
    Address,
    Block,
    Charon,
    Connection,
    Kernel,
    Peer,
    Stack,
    Unknown,
    Unreachable,
)
from henbd.waits import waits

if TYPE_CHECKING:
    from henbd.daemon import Daemon


def status(daemon: Daemon) -> dict[str, Any]:
    """Return all there is to know; durations are in seconds, rounded to milliseconds."""
    device, tree = daemon.settlement.settings.device, daemon.memory.tree
    return {
        "version": __version__,
        "device": {
            "manufacturer": device.manufacturer,
            "oui": device.oui,
            "product_class": device.product_class,
            "serial_number": device.serial_number,
        },
        "clock": {
            "set": daemon.clock.is_set,
            "synchronised": daemon.clock.synchronised(),
            "floor": date_time(daemon.clock.floor),
        },
        "hems": _hems(daemon),
        "tunnel": _tunnel(daemon) if daemon.settlement.settings.ipsec else None,
        "guards": _guards(daemon),
        "s1": _s1(daemon),
        "transfers": [
            _transfer(transfer, daemon.clock.monotonic())
            for transfer in daemon.memory.state.transfers
        ],
        "alarms": [_alarm(alarm, daemon.clock.wall()) for alarm in report_faults.current(tree)],
        "waiting_for": [{"for": w.what, "in_s": w.in_s} for w in waits(daemon)],
    }


def summary(values: Mapping[str, Any]) -> str:
    """Return a status in one line, for the service manager."""
    hems, found = values["hems"], values["tunnel"]
    parts = ["registered" if hems["registered"] else "not registered"]
    if found:
        parts.append(" ".join(["tunnel", found["condition"], *found["inner_addresses"]]))
    parts.append("S1 up" if values["s1"]["up"] else "S1 down")
    parts += [f"waiting for {wait['for']}" for wait in values["waiting_for"][:1]]
    return "; ".join(parts)


def _seconds(value: float) -> float:
    return round(value, 3)


def _hems(daemon: Daemon) -> dict[str, Any]:
    now, ledger, tree = daemon.clock.monotonic(), daemon.memory.ledger, daemon.memory.tree
    management, way = daemon.caller.management, daemon.caller.way
    events = ledgers.pending(ledger, tree, management, daemon.boot_id)
    current = daemon.conversation.current
    return {
        "url": daemon.caller.management.url,
        "registered": ledger.hems == daemon.caller.management.url
        and ledger.boot_id == daemon.boot_id,
        "way": {"source": str(way.source), "address": str(way.address)}
        if isinstance(way, Reach)
        else None,
        "connection_request_url": tree.values[paths.CONNECTION_REQUEST_URL],
        "session": current
        and {
            "events": [e.code for e in current.opening.events],
            "acknowledged": current.informed,
            "for_s": _seconds(now - current.started_at),
            "unanswered_for_s": _seconds(now - current.posted_at),
        },
        "sessions": [_ended(session, now) for session in daemon.conversation.past],
        "pending_events": [e.code for e in events],
        "to_tell": {
            p: "" if tree.rows[p].hidden else tree.values[p]
            for p in sorted(ledgers.differing(ledger, tree))
        },
        "failures": ledger.failures,
        "retry_in_s": None
        if ledger.retry_at is None
        else _seconds(max(0.0, ledger.retry_at - now)),
        "periodic_in_s": None
        if ledger.periodic is None
        else _seconds(max(0.0, ledger.periodic.at - now)),
    }


def _ended(session: Ended, now: float) -> dict[str, Any]:
    return {
        "events": [event.code for event in session.opening.events],
        "acknowledged": session.informed,
        "failure": session.failure,
        "ago_s": _seconds(now - session.at),
        "took_s": _seconds(session.at - session.started_at),
    }


def _alarm(alarm: Alarm, wall: datetime) -> dict[str, Any]:
    since = alarm.raised and _seconds((wall - alarm.raised).total_seconds())
    return {"severity": alarm.severity, "text": alarm.text, "since_s": since}


def _transfer(transfer: Transfer, now: float) -> dict[str, Any]:
    """Return a transfer without its URL, in which there may be a secret."""
    queued = transfer.stage is Stage.QUEUED and transfer.at is not None
    return {
        "file_type": transfer.request.file_type,
        "command_key": transfer.request.command_key,
        "stage": transfer.stage.value,
        "in_s": _seconds(max(0.0, (transfer.at or now) - now)) if queued else None,
    }


def _tunnel(daemon: Daemon) -> dict[str, Any]:
    now, witness = daemon.clock.monotonic(), daemon.witness
    charon, judged = witness.observed.charon, witness.tunnel
    wanted = daemon.desired.connection if daemon.desired else None
    return {
        "charon": charon.reason if isinstance(charon, Unknown) else "answers",
        "condition": judged.condition.value,
        "since_s": _seconds(now - daemon.witness.course.tunnel_since),
        "inner_addresses": [str(a) for a in judged.inner],
        "foreign_addresses": [str(a) for a in _foreign(daemon)],
        "stale_addresses": [str(held.address) for held in witness.course.ungranted],
        "gateway": judged.sa.gateway if judged.sa else None,
        "networks": [str(n) for n in judged.networks],
        "one_child": witness.course.gateways.one_child,
        "failures": [
            {"gateway": str(address), "failure": failure.why, "times": failure.count}
            for address, failure in daemon.witness.course.gateways.trials.failures.items()
        ],
        "wanted": {
            "gateway": str(wanted.gateway),
            "connection": wanted.name,
            "child": wanted.child.name,
            "networks": [str(n) for n in wanted.child.networks],
        }
        if isinstance(wanted, Connection)
        else None,
        "ike_sas": [
            {
                "connection": sa.connection,
                "unique_id": sa.unique_id,
                "established": sa.established,
                "gateway": sa.gateway,
                "age_s": sa.age_s,
                "children": [child.name for child in tunnel.installed(sa)],
            }
            for sa in (tunnel.ours(charon) if isinstance(charon, Charon) else ())
        ],
    }


def _foreign(daemon: Daemon) -> list[Address]:
    """Return addresses on charon's own interface that no gateway has granted."""
    charon, kernel = daemon.witness.observed.charon, daemon.witness.observed.kernel
    if not isinstance(charon, Charon) or not isinstance(kernel, Kernel):
        return []
    granted = {a for sa in tunnel.ours(charon) for a in sa.inner}
    bearers = {d.index for d in kernel.devices if d.carries_tunnel and not d.ours}
    return [
        a.address
        for a in kernel.addresses
        if a.device in bearers and a.address not in granted and not a.address.is_link_local
    ]


def _guards(daemon: Daemon) -> dict[str, Any]:
    kernel, wanted = daemon.witness.observed.kernel, daemon.desired
    standing = kernel.guards if isinstance(kernel, Kernel) else frozenset()
    missing = (wanted.guards if wanted else frozenset()) - standing
    return {
        "kernel": kernel.reason if isinstance(kernel, Unknown) else "answers",
        "standing": sorted({_protects(guard) for guard in standing}),
        "missing": sorted({_protects(guard) for guard in missing}),
    }


def _protects(guard: Unreachable | Block) -> str:
    inner = near(guard)
    return f"to {far(guard)}" if inner is None else f"from {inner}"


def _s1(daemon: Daemon) -> dict[str, Any]:
    stack, asked = daemon.witness.observed.stack, daemon.settlement.asked
    return {
        "inside": asked.s1_inside,
        "far_ends": list(asked.far_ends),
        "port": asked.port,
        "mode": asked.mode.value,
        "admin_state": asked.admin_state,
        **(NO_STACK if isinstance(stack, Unknown) else _stack(stack)),
    }


NO_STACK: dict[str, Any] = {
    "up": False,
    "stack": None,
    "told": None,
    "acknowledged": False,
    "transmitting": False,
    "peers": [],
}


def _stack(stack: Stack) -> dict[str, Any]:
    told = stack.told
    return {
        "up": s1.up(stack),
        "stack": stack.name,
        "told": told and {"local": str(told.local), "peers": [str(p.address) for p in told.peers]},
        "acknowledged": stack.acknowledged,
        "transmitting": stack.transmitting,
        "peers": [_peer(peer) for peer in stack.peers],
    }


def _peer(peer: Peer) -> dict[str, Any]:
    return {
        "address": str(peer.far_end.address),
        "port": peer.far_end.port,
        "state": peer.state.value,
        "local": None if peer.local is None else str(peer.local),
        "cause": peer.cause,
        "time_to_wait_s": peer.time_to_wait_s,
        "mme_name": peer.mme_name,
    }
