"""What is in force: the configuration, and what the HeMS has provisioned; and what waits to be.

Either takes effect after the session that is going on: nothing cuts the branch on which it sits.
"""

from __future__ import annotations

import logging

from henbd.control import factory, intent, wording
from henbd.memory import Memory
from henbd.model.tree import Tree
from henbd.settings import Settings

logger = logging.getLogger(__name__)


class Settlement:
    """What is in force now, `settings` and what they and the HeMS `asked` for; and what waits."""

    def __init__(self, settings: Settings, memory: Memory) -> None:
        self._memory = memory
        self._provisioning = memory.tree.provisioning
        self._next: Settings | None = None
        self.settings = settings
        self.asked = intent.provisioned(memory.tree, settings)

    @property
    def latest(self) -> Settings:
        """The configuration that was taken last; it may wait."""
        return self._next or self.settings

    def put(self, settings: Settings) -> None:
        """Take another configuration, to be in force later."""
        self._next = settings

    @property
    def waits(self) -> bool:
        """Whether there is anything that is not in force yet."""
        return self._provisioned_anew or self._next is not None

    @property
    def _provisioned_anew(self) -> bool:
        return self._memory.tree.provisioning is not self._provisioning

    def take_effect(self) -> bool:
        """Have in force what waits; return whether the configuration is another one."""
        if not self.waits:
            return False
        another, self._next = self._next, None
        if another is not None:
            self.settings = another
            # The factory's part of the tree.
            self._memory.adopt(
                factory.factory_tree(self._memory.tree.table, another, self._memory.state.secret)
            )
        self._provisioning = self._memory.tree.provisioning
        asked = intent.provisioned(self._memory.tree, self.settings)
        if asked != self.asked:
            logger.info("provisioned: %s", wording.provisioned(asked))
        self.asked = asked
        return another is not None

    def as_new(self) -> Tree:
        """Return the tree as a factory reset leaves it."""
        state = self._memory.state
        return factory.after_reset(state.tree, self.settings, state.secret)
