"""Carries out what ends this process: a reboot or a factory reset, by the HeMS or an operator."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from henbd.cwmp.ledger import Ledger
from henbd.cwmp.orders import NOTHING, Orders
from henbd.cwmp.state import State
from henbd.errors import DoorError
from henbd.memory import Memory
from henbd.model.tree import Tree

logger = logging.getLogger(__name__)

# A box that is told to reboot is down by then; so long no session is begun.
DOWN_WITHIN_S = 60.0

# A box that cannot be rebooted stays reachable: after so many attempts the order is dropped.
MOST_ATTEMPTS = 3


class Doors(Protocol):
    """What only somebody else on the box may do."""

    def reboot(self) -> None:
        """Have the box rebooted; raises DoorError where that cannot even be asked for."""


class Departure:
    """The orders that are pending, and how far they are.

    `fresh` makes the tree of the factory; `held` tells whether an image is being written, and half
    an image starts no box.
    """

    def __init__(
        self,
        memory: Memory,
        doors: Doors,
        boot_id: str,
        fresh: Callable[[], Tree],
        held: Callable[[], bool],
    ) -> None:
        self._memory = memory
        self._doors = doors
        self._boot_id = boot_id
        self._fresh = fresh
        self._held = held
        self._attempts = 0
        self._next_at: float | None = None
        self._leaving = False

    def due(self, now: float) -> bool:
        """Return whether something is ordered that is to be done now: nothing else is begun."""
        orders = self._memory.state.orders
        ordered = orders.factory_reset or orders.reboot == self._boot_id
        return ordered and (self._next_at is None or now >= self._next_at)

    def carry_out(self, now: float) -> bool:
        """Do what is ordered; only while no session goes on. Return whether the tree is another."""
        if not self.due(now) or self._held():
            return False
        self._leaving, self._next_at = False, None
        reset = self._memory.state.orders.factory_reset
        if reset and not self._reset():
            self._next_at = now + DOWN_WITHIN_S
            return False
        if self._memory.state.orders.reboot == self._boot_id:
            self._reboot(now)
        return reset

    def _reboot(self, now: float) -> None:
        if self._attempts >= MOST_ATTEMPTS:
            logger.error("the box does not reboot as ordered: reboot it")
            self._memory.commit(replace(self._memory.state, orders=NOTHING))
            self._attempts = 0
            return
        self._attempts += 1
        self._next_at = now + DOWN_WITHIN_S
        logger.info("rebooting, as ordered")
        try:
            self._doors.reboot()
            self._leaving = True
        except DoorError as error:
            logger.error("reboot: %s", error)

    def _reset(self) -> bool:
        """Forget what the HeMS has made of the box; what it left the factory with stays."""
        orders = Orders(reboot=self._boot_id)
        state = State(self._fresh(), Ledger(), self._memory.state.secret, orders)
        logger.info("factory reset, as ordered")
        return self._memory.commit(state) is None

    def leaving(self, now: float) -> bool:
        """Return whether the box is about to go down, and no session is worth while."""
        return self._leaving and self._next_at is not None and now < self._next_at

    def wake_at(self) -> float | None:
        """Return when there is something to do by time; None: not before something else ends."""
        return None if self._held() else self._next_at
