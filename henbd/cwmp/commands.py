"""What the HeMS orders that is done later: Reboot, FactoryReset, ScheduleInform."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from henbd.cwmp import ledger as ledgers
from henbd.cwmp import schedule
from henbd.cwmp.events import MOST_EVENTS
from henbd.cwmp.requests import Reboot, ScheduleInform
from henbd.cwmp.rules import check_key
from henbd.cwmp.state import State
from henbd.errors import CwmpFault, FaultCode
from henbd.values import Moment

T = TypeVar("T")


def reboot(request: Reboot, state: State, boot_id: str) -> State:
    """Return the state with a reboot that is done after the session; raises CwmpFault."""
    check_key(request.command_key, "CommandKey")
    _check_room(state)
    ledger = ledgers.reboot_ordered(state.ledger, request.command_key)
    return replace(state, ledger=ledger, orders=replace(state.orders, reboot=boot_id))


def factory_reset(state: State) -> State:
    """Return the state with a factory reset that is done after the session."""
    return replace(state, orders=replace(state.orders, factory_reset=True))


def schedule_inform(request: ScheduleInform, state: State, now: Moment) -> State:
    """Return the state with an Inform that is due after a delay; raises CwmpFault."""
    check_key(request.command_key, "CommandKey")
    if request.delay_s < 1:
        raise CwmpFault(FaultCode.INVALID_ARGUMENTS, "DelaySeconds is not greater than 0")
    _check_room(state)
    entry = schedule.scheduled(request.command_key, request.delay_s, now)
    ledger = replace(state.ledger, scheduled=(*state.ledger.scheduled, entry))
    return replace(state, ledger=ledger)


def withdrawn(state: State, before: State, after: State) -> State:
    """Return the state without what one request has ordered, between two former states.

    What it has set stays: that is read back.
    """
    ledger, orders = state.ledger, state.orders
    if after.orders.reboot != before.orders.reboot:
        orders = replace(orders, reboot=before.orders.reboot)
    if after.orders.factory_reset != before.orders.factory_reset:
        orders = replace(orders, factory_reset=before.orders.factory_reset)
    ledger = replace(
        ledger,
        events=_without(ledger.events, before.ledger.events, after.ledger.events),
        scheduled=_without(ledger.scheduled, before.ledger.scheduled, after.ledger.scheduled),
    )
    transfers = _without(state.transfers, before.transfers, after.transfers)
    return replace(state, ledger=ledger, orders=orders, transfers=transfers)


def _without(now: tuple[T, ...], before: tuple[T, ...], after: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(entry for entry in now if entry in before or entry not in after)


def _check_room(state: State) -> None:
    """See that the events that are to come fit into one Inform; raises CwmpFault."""
    if len(state.ledger.events) + len(state.ledger.scheduled) >= MOST_EVENTS:
        raise CwmpFault(FaultCode.RESOURCES_EXCEEDED, f"{MOST_EVENTS} commands are pending")
