"""What the HeMS knows and is owed: acknowledged values, pending events, and when to call.

A value and functions that give the next one. No clock: `now` is monotonic seconds. Kept on flash is
what nobody could tell again (`Ledger.kept`); the rest is of this process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from henbd.cwmp import schedule as schedules
from henbd.cwmp import versions
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
from henbd.cwmp.messages import Call, Event, ParameterValue
from henbd.cwmp.schedule import Scheduled, retry_wait
from henbd.model.notification import ACTIVE
from henbd.model.tree import Tree
from henbd.values import Management, Moment


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
    since. `fresh`: something new came after the last Inform was sent.
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
    retry_at: float | None = None
    ended_at: float | None = None
    periodic: tuple[int, str] | None = None
    periodic_at: float | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The Inform of one session, the marks that it takes along, and the requests that follow it."""

    hems: str
    account: Account
    boot_id: str
    events: tuple[Event, ...]
    parameters: tuple[ParameterValue, ...]
    retry_count: int
    version: str
    baseline: Mapping[str, str]
    marked: frozenset[str]
    owed: tuple[Owed, ...]


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
        return replace(ledger, periodic=None, periodic_at=None)
    schedule = (management.interval_s, management.reference_time)
    if schedule == ledger.periodic and (ledger.periodic_at or 0.0) > now.monotonic:
        return ledger
    at = schedules.next_periodic(*schedule, now)
    if schedule != ledger.periodic:
        return replace(ledger, periodic=schedule, periodic_at=at)
    if at - now.monotonic < management.interval_s / 2:
        # The wall clock lags behind the monotonic one: this is the Inform that was due just now.
        at += management.interval_s
    return replace(with_event(ledger, PERIODIC), periodic_at=at)


def timed_at(ledger: Ledger) -> float | None:
    """Return when the next event comes by time, None where none does."""
    times = [entry.at for entry in ledger.scheduled]
    return min((at for at in (ledger.periodic_at, *times) if at is not None), default=None)


def pending(ledger: Ledger, tree: Tree, management: Management, boot_id: str) -> tuple[Event, ...]:
    """Return the events that an Inform would carry now."""
    boot = ledger.boot_id != boot_id
    if ledger.hems != management.url:
        # A new HeMS is owed nothing of what the former one was.
        return carried([BOOTSTRAP], boot=boot)
    found = [*ledger.events, *(owed.event for owed in ledger.owed)]
    if differing(ledger, tree):
        found.append(VALUE_CHANGE)
    return carried(found, boot=boot)


def wake_at(
    ledger: Ledger, tree: Tree, management: Management, boot_id: str, now: float
) -> float | None:
    """Return when the next Inform is due, in monotonic seconds; None: not by time.

    `now` or earlier means that it is due. Active notifications wait
    DefaultActiveNotificationThrottle after a session's end, where they are all there is to tell
    (TR-181 Device.ManagementServer), but not when they are retried (TR-069 3.2.1.1).
    """
    if not management.enabled or not management.url:
        return None
    due = _due(ledger, tree, management, boot_id, now)
    if due is None or CONNECTION_REQUEST in ledger.events:
        return due
    return max(due, ledger.put_off_until)


def _due(
    ledger: Ledger, tree: Tree, management: Management, boot_id: str, now: float
) -> float | None:
    events = pending(ledger, tree, management, boot_id)
    urgent = [e for e in events if e != VALUE_CHANGE]
    active = any(tree.notified[p] == ACTIVE for p in differing(ledger, tree))
    if not urgent and not active:
        return timed_at(ledger)
    if ledger.retry_at is not None:
        return min(ledger.retry_at, timed_at(ledger) or ledger.retry_at)
    if urgent or ledger.ended_at is None or ledger.failures:
        return now
    return ledger.ended_at + management.throttle_s


def opened(
    ledger: Ledger,
    tree: Tree,
    management: Management,
    boot_id: str,
    informed: Callable[[frozenset[str]], frozenset[str]],
    *,
    choice: str,
) -> tuple[Ledger, Opening]:
    """Return the Inform that is due, and the ledger while it is on its way.

    `informed` tells which parameters go with events of these codes, `choice` is the version of
    CWMP, or "auto".
    """
    known = ledger.version if ledger.hems == management.url else ""
    events = pending(ledger, tree, management, boot_id)
    chosen = differing(ledger, tree) if VALUE_CHANGE in events else frozenset()
    chosen |= informed(frozenset(event.code for event in events))
    told = (*tree.forced, *sorted(chosen.difference(tree.forced)))
    sent, rest = _parted(ledger.events, events)
    opening = Opening(
        hems=management.url,
        account=Account(management.username, management.password),
        boot_id=boot_id,
        events=events,
        parameters=tuple(
            ParameterValue(p, "" if row.hidden else tree.values[p], row.type.wire)
            for p in told
            for row in (tree.rows[p],)
        ),
        retry_count=ledger.failures,
        version=versions.namespace(choice, known, ledger.refusals),
        baseline={p: tree.values[p] for p in tree.notified},
        marked=ledger.changed,
        owed=ledger.owed,
    )
    return replace(ledger, events=rest, sent=sent, changed=frozenset(), fresh=False), opening


def _parted(
    events: tuple[Event, ...], told: tuple[Event, ...]
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return which of the list an Inform takes along, and which are left; BOOTSTRAP takes all."""
    if BOOTSTRAP in told:
        return events, ()
    left, sent, rest = list(told), [], []
    for event in events:
        if event in left:
            left.remove(event)
            sent.append(event)
        else:
            rest.append(event)
    return tuple(sent), tuple(rest)


def acknowledged(ledger: Ledger, opening: Opening) -> Ledger:
    """Return the ledger after InformResponse: the HeMS knows the values that were sent.

    One that is new to us is not told what its predecessor was owed when the session began.
    """
    owed = ledger.owed
    if BOOTSTRAP in opening.events:
        known = dict(opening.baseline)
        owed = owed[len(opening.owed) :]  # later ones are at the end
    else:
        sent = {p.name for p in opening.parameters}
        # Rows that have gone, and what is no longer under notification, are forgotten with this.
        known = {
            p: opening.baseline[p] if p in sent else ledger.acknowledged[p]
            for p in opening.baseline
            if p in sent or p in ledger.acknowledged
        }
    return replace(
        ledger,
        hems=opening.hems,
        account=opening.account,
        boot_id=opening.boot_id,
        version=opening.version,
        refusals=0,
        acknowledged=known,
        sent=(),
        owed=owed,
    )


def succeeded(ledger: Ledger, now: float) -> Ledger:
    """Return the ledger after a session that came to its proper end."""
    return replace(ledger, failures=0, retry_at=None, ended_at=now)


def given_up(ledger: Ledger, opening: Opening, *, informed: bool) -> Ledger:
    """Return the ledger after a session that we ended ourselves; no failed attempt."""
    if informed:
        return ledger
    return replace(
        ledger,
        changed=ledger.changed | opening.marked,
        events=single((*ledger.sent, *ledger.events)),
        sent=(),
    )


def failed(
    ledger: Ledger,
    opening: Opening,
    management: Management,
    now: float,
    share: float,
    *,
    informed: bool,
    refused: bool = False,
) -> Ledger:
    """Return the ledger after a session that failed; `share` in [0, 1) spreads the retry.

    `refused`: the HeMS would not have the Inform, perhaps not in this version of CWMP.
    """
    failures = ledger.failures + 1
    retried = tuple(event for event in ledger.sent if RULES[event.code].retried)
    ledger = given_up(replace(ledger, sent=retried), opening, informed=informed)
    return replace(
        ledger,
        failures=failures,
        refusals=ledger.refusals + 1 if refused else ledger.refusals,
        # What came during the session has not been tried yet, and ends the wait (TR-069 3.2.1.1).
        retry_at=None if ledger.fresh else now + retry_wait(failures, management, share),
    )
