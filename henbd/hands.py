"""What is done to the world: each action by the party whose it is, at a pace that spares it."""

from __future__ import annotations

import logging

from henbd.actions import (
    Action,
    AddGuard,
    AddInterface,
    AddRoute,
    Initiate,
    RemoveAddress,
    RemoveGuard,
    RemoveInterface,
    RemoveRoute,
    Tell,
)
from henbd.control import pacing
from henbd.control.pacing import Pace
from henbd.errors import KernelError, StoreError
from henbd.parties import Parties
from henbd.values import Address, Connection, Desired, Guard, Network

logger = logging.getLogger(__name__)

# A flash that takes no writing is tried again so late: each time costs it something.
KEEP_AGAIN_S = 60.0


class Hands:
    """Does actions. Keeps how often each was done, and with which gateway each Initiate is."""

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._pace = Pace()
        self._guard_pace = Pace()
        self._keep_again_at = 0.0
        self._initiated: dict[str, Address] = {}

    def close(self, missing: list[Guard], now: float) -> tuple[frozenset[Guard], bool]:
        """Put in guards; return those that now stand, and whether any was tried."""
        actions = [AddGuard(guard) for guard in missing]
        chosen, self._guard_pace = pacing.paced(self._guard_pace, actions, now)
        closed = frozenset(action.guard for action in chosen if self._do(action))
        return closed, bool(chosen)

    def keep(self, networks: frozenset[Network], now: float) -> None:
        """Have these networks guarded from the very beginning of the next boot."""
        if self._parties.guard_file.kept == networks or now < self._keep_again_at:
            return
        try:
            self._parties.guard_file.keep(networks)
        except StoreError as error:
            logger.error("guards not kept for the next boot: %s", error)
            self._keep_again_at = now + KEEP_AGAIN_S

    def act(self, planned: list[Action], wanted: Desired, now: float) -> bool:
        """Do what is planned; return whether there was anything.

        One failure does not stop the rest.
        """
        chosen, self._pace = pacing.paced(self._pace, planned, now, frozenset(self._initiated))
        for action in chosen:
            if isinstance(action, Initiate):
                assert isinstance(wanted.connection, Connection)
                self._initiated[action.connection] = wanted.connection.gateway
            self._do(action)
        return bool(chosen)

    def ended(self, connection: str, now: float) -> Address | None:
        """Return the gateway with which an Initiate that has ended was."""
        self._pace = pacing.ended(self._pace, connection, now)
        return self._initiated.pop(connection, None)

    @property
    def negotiating(self) -> frozenset[Address]:
        """The gateways about which there is no answer yet."""
        return frozenset(self._initiated.values())

    def times(self, after: float) -> list[float]:
        """Return when actions may be done again, as far as that is after a time."""
        return pacing.times(self._pace, after) + pacing.times(self._guard_pace, after)

    def _do(self, action: Action) -> bool:
        """Have an action done; return whether it was, as far as that shows at once."""
        match action:
            case (
                AddGuard()
                | RemoveGuard()
                | AddRoute()
                | RemoveRoute()
                | AddInterface()
                | RemoveInterface()
                | RemoveAddress()
            ):
                try:
                    self._parties.kernel.perform(action)
                except KernelError as error:
                    logger.error("%s", error)
                    return False
            case Tell():
                self._parties.stack.perform(action)
            case _:
                assert self._parties.charon is not None
                self._parties.charon.perform(action)
        return True
