"""What becomes of alarms: raised, changed and cleared, and the events that tell of it.

Want − have: what is the case is compared with what is raised. An alarm that comes and goes is held
for longer each time, so that neither the flash nor the HeMS is told more than about twice an hour.
No clock: `now` is monotonic seconds, `at` the dateTime of the moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from henbd.control.alarms import DISABLED, EXPEDITED, KINDS, LOGGED, MOST_RAISED, QUEUED, Finding

NEW, CHANGED, CLEARED = "NewAlarm", "ChangedAlarm", "ClearedAlarm"

# Events enough for the story of an outage; each is ten parameters of the tree.
MOST_HISTORY = 32
# Twice as many alarms as can be raised at a time.
MOST_TOLD = 2 * MOST_RAISED

# What is over for so long is over. If it comes back within QUIET_S, it has to be over for twice as
# long the next time.
HOLD_S = 60.0
LONGEST_HOLD_S = 3600.0
QUIET_S = 6 * 3600.0

# TR-181: AdditionalText.
LONGEST_TEXT = 256


@dataclass(frozen=True, slots=True)
class Raised:
    """A row of CurrentAlarm; `kind` is the number of its row of SupportedAlarm."""

    identifier: int
    kind: int
    raised_at: str
    changed_at: str
    instance: str
    text: str


@dataclass(frozen=True, slots=True)
class Event:
    """A row of HistoryEvent, ExpeditedEvent or QueuedEvent."""

    at: str
    identifier: int
    notification: str
    kind: int
    instance: str
    text: str
    raised_at: str


@dataclass(frozen=True, slots=True)
class Ring:
    """A table of events: row after row, and then from the first one again; `next` is from 0."""

    events: tuple[Event, ...] = ()
    next: int = 0


@dataclass(frozen=True, slots=True)
class Faults:
    """The alarms that are raised, and what has been told of them; `next` identifies the next."""

    next: int = 1
    raised: tuple[Raised, ...] = ()
    history: Ring = field(default_factory=Ring)
    expedited: Ring = field(default_factory=Ring)
    queued: Ring = field(default_factory=Ring)


NOTHING = Faults()


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Whether one kind counts as the case, and when that turns if nothing changes.

    `hold_s` is for how long it must be over to be over, `over_since` when it last was.
    """

    counts: bool = False
    turns_at: float | None = None
    hold_s: float = HOLD_S
    over_since: float | None = None


Suspicions = Mapping[int, Suspicion]


def suspected(faults: Faults) -> Suspicions:
    """Return what a process begins with: what is raised counts."""
    raised = {alarm.kind for alarm in faults.raised}
    return {number: Suspicion(counts=number in raised) for number in KINDS}


def judged(
    suspicions: Suspicions, found: Mapping[int, Finding], now: float, share: float
) -> Suspicions:
    """Return the suspicions after a look; `share` in [0, 1) spreads those of many boxes.

    About what cannot be said nothing turns. An alarm that is raised becomes a lesser one at once.
    """
    after: dict[int, Suspicion] = {}
    for number, before in suspicions.items():
        worse = any(after[other].counts for other in after if _same_problem(other, number))
        after[number] = _after(number, before, found[number], now, share, worse=worse)
    return after


def _same_problem(one: int, other: int) -> bool:
    return KINDS[one].problem == KINDS[other].problem


def _after(
    number: int, before: Suspicion, finding: Finding, now: float, share: float, *, worse: bool
) -> Suspicion:
    said = finding is None or isinstance(finding, str)
    is_so = isinstance(finding, str)
    if not said or is_so is before.counts:
        return before if before.turns_at is None else replace(before, turns_at=None)
    wait_s = before.hold_s if before.counts else KINDS[number].patience_s * (not worse)
    turns_at = now + wait_s * (1 + share) if before.turns_at is None else before.turns_at
    if now < turns_at:
        return replace(before, turns_at=turns_at)
    if not is_so:
        return replace(before, counts=False, turns_at=None, over_since=now)
    again = before.over_since is not None and now < before.over_since + QUIET_S
    hold_s = min(2 * before.hold_s, LONGEST_HOLD_S) if again else HOLD_S
    return replace(before, counts=True, turns_at=None, hold_s=hold_s)


def times(suspicions: Suspicions, after: float) -> Iterator[float]:
    """Yield when time alone will change something, as far as that is after a time."""
    for suspicion in suspicions.values():
        if suspicion.turns_at is not None and suspicion.turns_at > after:
            yield suspicion.turns_at


def wanted(suspicions: Suspicions, mechanisms: Mapping[int, str]) -> tuple[int, ...]:
    """Return which kinds are to be raised: of each problem the worst that counts.

    `mechanisms` has the ReportingMechanism of each kind; one that is disabled is ignored.
    """
    found: dict[str, int] = {}
    for number, suspicion in suspicions.items():
        if suspicion.counts and mechanisms[number] != DISABLED:
            found.setdefault(KINDS[number].problem, number)
    return tuple(found.values())


def happened(
    faults: Faults,
    kinds: tuple[int, ...],
    texts: Mapping[int, str],
    instances: Mapping[int, str],
    at: str,
) -> tuple[Event, ...]:
    """Return what has to be told to get from the alarms that are raised to those of these kinds.

    `texts` has words about each kind, `instances` the name of the object that it is about.
    """
    events, identifier = [], faults.next
    raised = {KINDS[alarm.kind].problem: alarm for alarm in faults.raised}
    for kind in kinds:
        alarm = raised.pop(KINDS[kind].problem, None)
        if alarm is not None and alarm.kind == kind:
            continue
        text = texts.get(kind, "")[:LONGEST_TEXT]
        if alarm is None:
            events.append(Event(at, identifier, NEW, kind, instances[kind], text, at))
            identifier += 1
        else:
            told = (alarm.identifier, CHANGED, kind, alarm.instance, text, alarm.raised_at)
            events.append(Event(at, *told))
    events += [
        Event(at, a.identifier, CLEARED, a.kind, a.instance, a.text, a.raised_at)
        for a in raised.values()
    ]
    return tuple(events)


def after(faults: Faults, events: tuple[Event, ...], mechanisms: Mapping[int, str]) -> Faults:
    """Return the faults after these events, each told by the mechanism of its kind."""
    for event in events:
        mechanism = mechanisms[event.kind]
        faults = _raised(faults, event)
        if mechanism in (EXPEDITED, QUEUED, LOGGED):
            faults = replace(faults, history=_entered(faults.history, event))
        if mechanism == EXPEDITED:
            faults = replace(faults, expedited=_told(faults.expedited, event))
        if mechanism == QUEUED:
            faults = replace(faults, queued=_told(faults.queued, event))
    return faults


def _raised(faults: Faults, event: Event) -> Faults:
    others = tuple(alarm for alarm in faults.raised if alarm.identifier != event.identifier)
    if event.notification == CLEARED:
        return replace(faults, raised=others)
    alarm = Raised(
        event.identifier, event.kind, event.raised_at, event.at, event.instance, event.text
    )
    return replace(faults, next=max(faults.next, event.identifier + 1), raised=(*others, alarm))


def _entered(ring: Ring, event: Event, most: int = MOST_HISTORY) -> Ring:
    events = list(ring.events)
    events[ring.next : ring.next + 1] = [event]
    return Ring(tuple(events), (ring.next + 1) % most)


def _told(ring: Ring, event: Event) -> Ring:
    """Return a table in which each alarm has one row (its unique key), with its last event."""
    for place, former in enumerate(ring.events):
        if former.identifier == event.identifier:
            return replace(ring, events=(*ring.events[:place], event, *ring.events[place + 1 :]))
    return _entered(ring, event, MOST_TOLD)
