"""The events of an Inform as data: where each is kept, and when it is off the list.

TR-069 3.7.1.5 with table 7, TR-196 Annex B.2. An event that is not here cannot be raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from henbd.cwmp.structs import Event

BOOTSTRAP = Event("0 BOOTSTRAP")
BOOT = Event("1 BOOT")
PERIODIC = Event("2 PERIODIC")
SCHEDULED = Event("3 SCHEDULED")
VALUE_CHANGE = Event("4 VALUE CHANGE")
CONNECTION_REQUEST = Event("6 CONNECTION REQUEST")
TRANSFER_COMPLETE = Event("7 TRANSFER COMPLETE")
AUTONOMOUS_TRANSFER_COMPLETE = Event("10 AUTONOMOUS TRANSFER COMPLETE")
# None of the security gateways, none of the S1 far ends can be had (the OUI is that of 3GPP).
SECURITY_GATEWAY_REQUIRED = Event("X 00256D 3GPP Reprovision Required: SecGW")
FAP_GATEWAY_REQUIRED = Event("X 00256D 3GPP Reprovision Required: FAPGW")

REBOOT = "M Reboot"
SCHEDULE_INFORM = "M ScheduleInform"
DOWNLOAD = "M Download"
UPLOAD = "M Upload"

# A.3.3.1: what does not fit waits for the next Inform.
MOST_EVENTS = 64


class Kept(Enum):
    """Where a pending event is to be found, and by what it is delivered."""

    DERIVED = "seen from what the HeMS knows; delivered by InformResponse"
    FLASH = "on the ledger's list, on flash; delivered by InformResponse"
    MEMORY = "on the ledger's list, gone with the process; delivered by InformResponse"
    OWED = "with the request that we owe, on flash; delivered by the response to that"


@dataclass(frozen=True, slots=True)
class Rule:
    """How an event is kept. `several`: each occurrence is told, with its CommandKey.

    `retried`: it is told again when its session fails. `companion` is the code of the single event
    that has to go with it: told along where that is derived from it, else only together with that.
    """

    kept: Kept
    several: bool = False
    retried: bool = True
    companion: str = ""


# In the order in which an Inform has them.
RULES = {
    BOOTSTRAP.code: Rule(Kept.DERIVED),
    BOOT.code: Rule(Kept.DERIVED),
    PERIODIC.code: Rule(Kept.FLASH),
    SCHEDULED.code: Rule(Kept.DERIVED),
    VALUE_CHANGE.code: Rule(Kept.DERIVED),
    CONNECTION_REQUEST.code: Rule(Kept.MEMORY, retried=False),
    TRANSFER_COMPLETE.code: Rule(Kept.DERIVED),
    AUTONOMOUS_TRANSFER_COMPLETE.code: Rule(Kept.OWED),
    REBOOT: Rule(Kept.FLASH, several=True, companion=BOOT.code),
    SCHEDULE_INFORM: Rule(Kept.FLASH, several=True, companion=SCHEDULED.code),
    DOWNLOAD: Rule(Kept.OWED, several=True, companion=TRANSFER_COMPLETE.code),
    UPLOAD: Rule(Kept.OWED, several=True, companion=TRANSFER_COMPLETE.code),
    SECURITY_GATEWAY_REQUIRED.code: Rule(Kept.FLASH),
    FAP_GATEWAY_REQUIRED.code: Rule(Kept.FLASH),
}
ORDER = {code: number for number, code in enumerate(RULES)}


def single(events: Iterable[Event]) -> tuple[Event, ...]:
    """Return events without the repetitions of those that are told once."""
    found: list[Event] = []
    for event in events:
        if RULES[event.code].several or event not in found:
            found.append(event)
    return tuple(found)


def carried(found: Iterable[Event], *, boot: bool) -> tuple[Event, ...]:
    """Return what an Inform carries of these, with their companions, in order.

    `boot`: this Inform tells of a boot; events that go with 1 BOOT wait for that.
    """
    events = [BOOT] if boot else []
    for event in found:
        companion = RULES[event.code].companion
        if companion == BOOT.code and not boot:
            continue
        if companion:
            events.append(Event(companion))
        events.append(event)
    ordered = sorted(single(events), key=lambda event: ORDER[event.code])
    return tuple(ordered[:MOST_EVENTS])
