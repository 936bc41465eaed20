"""The one place where the durable state lives, and the one door through which it changes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from henbd.cwmp import ledger as ledgers
from henbd.cwmp.ledger import Ledger
from henbd.cwmp.state import State, document, reconfigured
from henbd.errors import StoreError
from henbd.model.tree import Tree

logger = logging.getLogger(__name__)


class Store(Protocol):
    """Where documents outlive the process."""

    def save(self, document: Mapping[str, Any]) -> None:
        """Make a document durable, or raise StoreError; one that is there already costs nothing."""


class Memory:
    """The current state. `report` changes it in memory, `commit` on flash first."""

    def __init__(self, state: State, store: Store) -> None:
        self.state = state
        self.unstored: str | None = None
        """Why the flash did not take the last state that was to be kept; None if it did."""
        self._store = store

    @property
    def tree(self) -> Tree:
        """The current tree."""
        return self.state.tree

    @property
    def ledger(self) -> Ledger:
        """The current ledger."""
        return self.state.ledger

    def report(self, tree: Tree) -> None:
        """Make a tree current that differs in what was read of the world; the ledger notices."""
        before = self.state.tree
        if tree is before:
            return
        # Only what somebody wants to hear of: counters change at every look.
        for path in tree.notified:
            if before.values.get(path) != tree.values[path]:
                logger.info("%s: %s", path, tree.values[path] or "(empty)")
        self.state = replace(
            self.state, tree=tree, ledger=ledgers.noticed(self.state.ledger, before, tree)
        )

    def adopt(self, factory: Tree) -> None:
        """Make the current state stand on another factory tree: the configuration has changed."""
        self.state, lost = reconfigured(factory, self.state)
        for path in lost:
            logger.warning("%s: does not fit the new configuration, dropped", path)

    def account(self, ledger: Ledger) -> None:
        """Make a ledger current that differs in what need not outlive the process."""
        if ledger is not self.state.ledger:
            self.state = replace(self.state, ledger=ledger)

    def record(self, ledger: Ledger) -> str | None:
        """Make a ledger current, and durable if the flash takes it; return why it does not.

        What the HeMS acknowledged counts all the same: told twice is better than not told.
        """
        return self.keep(replace(self.state, ledger=ledger))

    def keep(self, state: State) -> str | None:
        """Make a state current, and durable if the flash takes it; return why it does not."""
        self.state = state
        return self._save(state)

    def remember(self, gateways: tuple[str, ...]) -> None:
        """Keep the list of gateways that worked last, even if the flash does not take it."""
        if gateways != self.state.gateways:
            self.state = replace(self.state, gateways=gateways)
            self._save(self.state)

    def try_again(self) -> None:
        """Have the flash take what it did not."""
        self._save(self.state)

    def commit(self, state: State) -> str | None:
        """Make a state durable, then current; return why not, and then nothing is set."""
        problem = self._save(state)
        if problem is None:
            self.state = state
        return problem

    def _save(self, state: State) -> str | None:
        """Write a state to flash if it differs from what is there; return why it cannot."""
        try:
            self._store.save(document(state))
        except StoreError as error:
            if str(error) != self.unstored:
                logger.error("not stored: %s; free or mend the flash", error)
            self.unstored = str(error)
            return self.unstored
        self.unstored = None
        return None
