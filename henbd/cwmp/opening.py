"""The Inform of one session, and what becomes of the ledger as the session goes on and ends.

Values and functions that give the next one. No clock: `now` is monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from henbd.cwmp import versions
from henbd.cwmp.events import BOOTSTRAP, RULES, VALUE_CHANGE, single
from henbd.cwmp.ledger import Account, Ledger, Owed, differing, pending
from henbd.cwmp.schedule import retry_wait
from henbd.cwmp.structs import Event, ParameterValue
from henbd.model.tree import Tree
from henbd.values import Management


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
        version=versions.namespace(
            choice, known, ledger.refusals, booted=ledger.boot_id != boot_id
        ),
        baseline={p: tree.values[p] for p in tree.notified},
        marked=ledger.changed,
        owed=ledger.owed,
    )
    return replace(ledger, events=rest, sent=sent, changed=frozenset(), fresh=False), opening


def _parted(
    events: tuple[Event, ...], told: tuple[Event, ...]
) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
    """Return which of the list an Inform takes along, and which are left."""
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

    One that is new to us is not told what its predecessor was owed when the session began, nor
    called at a time that its predecessor has chosen.
    """
    owed, scheduled = ledger.owed, ledger.scheduled
    if BOOTSTRAP in opening.events:
        known = dict(opening.baseline)
        owed = owed[len(opening.owed) :]  # later ones are at the end
        scheduled = ()
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
        scheduled=scheduled,
    )


def succeeded(ledger: Ledger, now: float) -> Ledger:
    """Return the ledger after a session that came to its proper end."""
    return replace(ledger, failures=0, refused_calls=0, retry_at=None, ended_at=now)


def left_owing(ledger: Ledger, management: Management, now: float, share: float) -> Ledger:
    """Return the ledger after a session in which the HeMS refused a request of ours.

    It came to its proper end, so that RetryCount is 0; what is still owed waits as the table of
    retries has it, or there would be no end of sessions.
    """
    refused = ledger.refused_calls + 1
    wait_s = retry_wait(refused, management, share)
    return replace(
        succeeded(ledger, now),
        refused_calls=refused,
        retry_at=None if ledger.fresh else now + wait_s,
    )


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
