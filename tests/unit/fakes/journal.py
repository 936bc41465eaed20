"""All actions of the daemons, in the order in which they were done."""

from __future__ import annotations

from henbd.actions import Action
from tests.unit.fakes.clockwork import KilledError


class Journal:
    """What was done. `kill_before` n: the daemon is killed when it is about to do one more."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.kill_before: int | None = None

    def note(self, action: Action) -> None:
        """Write an action down; called before it has any effect."""
        if self.kill_before is not None and len(self.actions) >= self.kill_before:
            self.kill_before = None
            raise KilledError
        self.actions.append(action)
