"""What the HeMS knows and is owed: acknowledged values, pending events, and when to call.

A value and functions that give the next one. No clock: `now` is monotonic seconds. Kept on flash is
what nobody could tell again (`state.document`); the rest is of this process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from henbd.cwmp import schedule as schedules
from henbd.cwmp.events import (
    BOOTSTRAP,
    CONNECTION_REQUEST,
    PERIODIC,
    REBOOT,
    RULES,
    SCHEDULE_INFORM,
    VALUE_CHANGE,
    Kept,
    carried,
    single,
)
from henbd.cwmp.messages import Call
from henbd.cwmp.schedule import Recurring, Scheduled
from henbd.cwmp.structs import Event
from henbd.model.notification import ACTIVE
from henbd.model.tree import Tree
from henbd.values import Management, Moment

# Monotonic time counts from the boot of the box: this has passed.
AT_ONCE = 0.0


@dataclass(frozen=True, slots=True)
class Owed:
    """A request that we owe the HeMS, and the event that announces it until it is answered."""

    event: Event
    call: Call


@dataclass(frozen=True, slots=True)
class Account:
    """As whom we have informed a HeMS."""

    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What one HeMS, that at `hems`, knows and is owed.

    `hems` is empty before any has answered us, as the `account` says; `boot_id` names the boot that
    it was told of.
    `acknowledged` has the values under notification that it knows. `changed` are parameters that
    have changed since, and are told even if they have changed back. `events` are to be told, `sent`
    are those on their way in an Inform; how each is kept say the rules of `events`. `version` is
    the namespace of CWMP that it has acknowledged, `refusals` counts the Informs that it refused
    since; `refused_calls` the sessions in a row in which it refused what we owe it. `fresh`:
    something new came after the last Inform was sent.
    """

    hems: str = ""
    account: Account = field(default_factory=Account)
    boot_id: str = ""
    acknowledged: Mapping[str, str] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    sent: tuple[Event, ...] = ()
    owed: tuple[Owed, ...] = ()
    scheduled: tuple[Scheduled, ...] = ()
    version: str = ""
    refusals: int = 0
    changed: frozenset[str] = frozenset()
    put_off_until: float = 0.0
    fresh: bool = False
    failures: int = 0
    refused_calls: int = 0
    retry_at: float | None = None
    ended_at: float | None = None
    periodic: Recurring | None = None


def noticed(ledger: Ledger, before: Tree, after: Tree) -> Ledger:
    """Return the ledger after the tree changed by itself: what is under notification is marked.

    A change under active notification is a new event, and ends the wait for a retry
    (TR-069 3.2.1.1).
    """
    fresh = {p for p in after.notified if before.values.get(p) != after.values[p]}
    if not fresh:
        return ledger
    cut = any(after.notified[p] == ACTIVE for p in fresh)
    return replace(
        ledger,
        changed=ledger.changed | fresh,
        fresh=ledger.fresh or cut,
        retry_at=None if cut else ledger.retry_at,
    )


def rewritten(ledger: Ledger, tree: Tree, rows: frozenset[str]) -> Ledger:
    """Return the ledger after rows were written anew, though perhaps with the values they had.

    Each of their parameters counts as changed (TR-181 FaultMgmt.ExpeditedEvent), over a restart of
    the daemon too: what the HeMS knew of them is forgotten.
    """
    told = {p for p in tree.notified if p.startswith(tuple(rows))}
    if not told:
        return ledger
    cut = any(tree.notified[p] == ACTIVE for p in told)
    return replace(
        ledger,
        acknowledged={p: v for p, v in ledger.acknowledged.items() if p not in told},
        changed=ledger.changed | told,
        fresh=ledger.fresh or cut,
        retry_at=None if cut else ledger.retry_at,
    )


def with_event(ledger: Ledger, event: Event) -> Ledger:
    """Return the ledger with an event to be told; it ends the wait for a retry."""
    assert RULES[event.code].kept in (Kept.FLASH, Kept.MEMORY), event
    events = single((*ledger.events, event))
    fresh = ledger.fresh or events != ledger.events
    return replace(ledger, events=events, fresh=fresh, retry_at=None)


def owing(ledger: Ledger, event: Event, call: Call) -> Ledger:
    """Return the ledger with a request that the HeMS is owed, as `event` will announce."""
    assert RULES[event.code].kept is Kept.OWED, event
    return replace(ledger, owed=(*ledger.owed, Owed(event, call)), fresh=True, retry_at=None)


def paid(ledger: Ledger, owed: Owed) -> Ledger:
    """Return the ledger after the HeMS has answered a request that it was owed."""
    rest = list(ledger.owed)
    rest.remove(owed)
    return replace(ledger, owed=tuple(rest))


def reboot_ordered(ledger: Ledger, command_key: str) -> Ledger:
    """Return the ledger with M Reboot, which is told with the next boot and no sooner."""
    return replace(ledger, events=(*ledger.events, Event(REBOOT, command_key)))


def called(ledger: Ledger) -> Ledger:
    """Return the ledger after a connection request."""
    return with_event(ledger, CONNECTION_REQUEST)


def without_wait(ledger: Ledger) -> Ledger:
    """Return the ledger with no wait for a retry: the way to the HeMS has just come up."""
    return replace(ledger, retry_at=None)


def turned(ledger: Ledger) -> Ledger:
    """Return the ledger when another HeMS is to be called: what this one was not told is discarded.

    TR-069 3.7.1.5 has it so when the URL changes; what happens later goes along with 0 BOOTSTRAP.
    """
    return replace(ledger, events=())


def put_off(ledger: Ledger, until: float) -> Ledger:
    """Return the ledger with no Inform before a time, unless the HeMS calls.

    The way to it has come up for us, and perhaps for very many others at the same moment.
    """
    return replace(ledger, put_off_until=until)


def taught(ledger: Ledger, tree: Tree, paths: frozenset[str]) -> Ledger:
    """Return the ledger after the HeMS itself set these parameters: it knows their values."""
    known = {p: tree.values[p] for p in paths & tree.notified.keys()}
    return replace(
        ledger,
        acknowledged={**ledger.acknowledged, **known},
        changed=ledger.changed - paths,
    )


def differing(ledger: Ledger, tree: Tree) -> frozenset[str]:
    """Return the parameters under notification that the HeMS does not know as they are."""
    known = ledger.acknowledged
    # Absence is no value: a row that is new and empty has nothing to tell.
    different = {p for p in tree.notified if known.get(p, "") != tree.values[p]}
    return frozenset(different | (ledger.changed & tree.notified.keys()))


def advanced(ledger: Ledger, management: Management, now: Moment) -> Ledger:
    """Return the ledger as time has moved it: with 2 PERIODIC and 3 SCHEDULED once they are due."""
    placed = tuple(schedules.placed(entry, now) for entry in ledger.scheduled)
    if placed != ledger.scheduled:
        ledger = replace(ledger, scheduled=placed)
    due = [entry for entry in placed if entry.at is not None and entry.at <= now.monotonic]
    for entry in due:
        ledger = with_event(ledger, Event(SCHEDULE_INFORM, entry.command_key))
    if due:
        ledger = replace(ledger, scheduled=tuple(e for e in placed if e not in due))
    return _with_periodic(ledger, management, now)


def _with_periodic(ledger: Ledger, management: Management, now: Moment) -> Ledger:
    if management.interval_s is None:
        return ledger if ledger.periodic is None else replace(ledger, periodic=None)
    periodic = schedules.recurring(
        ledger.periodic, management.interval_s, management.reference_time, now
    )
    if periodic.at <= now.monotonic:
        ledger, periodic = with_event(ledger, PERIODIC), schedules.repeated(periodic, now)
    return ledger if periodic is ledger.periodic else replace(ledger, periodic=periodic)


def timed_at(ledger: Ledger) -> float | None:
    """Return when the next event comes by time, None where none does."""
    times = [entry.at for entry in ledger.scheduled if entry.at is not None]
    if ledger.periodic is not None:
        times.append(ledger.periodic.at)
    return min(times, default=None)


def pending(ledger: Ledger, tree: Tree, management: Management, boot_id: str) -> tuple[Event, ...]:
    """Return the events that an Inform would carry now."""
    return _pending(ledger, differing(ledger, tree), management, boot_id)


def _pending(
    ledger: Ledger, different: frozenset[str], management: Management, boot_id: str
) -> tuple[Event, ...]:
    boot = ledger.boot_id != boot_id
    if ledger.hems != management.url:
        # It is owed no answers of its predecessor's, and learns all values with this. What happens
        # before it has answered is for it (see `turned`).
        return carried([BOOTSTRAP, *ledger.events], boot=boot)
    found = [*ledger.events, *(owed.event for owed in ledger.owed)]
    if different:
        found.append(VALUE_CHANGE)
    return carried(found, boot=boot)


def wake_at(ledger: Ledger, tree: Tree, management: Management, boot_id: str) -> float | None:
    """Return when the next Inform is due, in monotonic seconds; None: not by time.

    What has passed, as AT_ONCE has, means that it is due. Active notifications wait
    DefaultActiveNotificationThrottle after a session's end, where they are all there is to tell
    (TR-181 Device.ManagementServer), but not when they are retried (TR-069 3.2.1.1).
    """
    if not management.enabled or not management.url:
        return None
    due = _due(ledger, tree, management, boot_id)
    if due is None or CONNECTION_REQUEST in ledger.events:
        return due
    return max(due, ledger.put_off_until)


def _due(ledger: Ledger, tree: Tree, management: Management, boot_id: str) -> float | None:
    different = differing(ledger, tree)
    events = _pending(ledger, different, management, boot_id)
    urgent = [e for e in events if e != VALUE_CHANGE]
    active = any(tree.notified[p] == ACTIVE for p in different)
    if not urgent and not active:
        return timed_at(ledger)
    if ledger.retry_at is not None:
        return min(ledger.retry_at, timed_at(ledger) or ledger.retry_at)
    if urgent or ledger.ended_at is None or ledger.failures:
        return AT_ONCE
    return ledger.ended_at + management.throttle_s
