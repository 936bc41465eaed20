"""What henbd needs of whatever it talks to a S1AP stack with.

Three adapters stand beside this: `native` speaks our protocol, `hook` runs a program, `configured`
rewrites a stack's own file and has it started anew: what is particular of it is a Dialect.
"""

from __future__ import annotations

from typing import Protocol

from henbd.actions import Tell
from henbd.values import Stack, Unknown


class S1Adapter(Protocol):
    """Tells one S1AP stack where to register, and what it says of that.

    It rings when what `observe` returns has changed.
    """

    def observe(self) -> Stack | Unknown:
        """Return what the stack said last; Unknown while there is none that says anything."""

    def perform(self, action: Tell) -> None:
        """Tell the stack; that it was told shows in what is observed from now on."""

    def wake_at(self) -> float | None:
        """Return when there is something to do, in monotonic seconds."""

    def tick(self, now: float) -> None:
        """Do what is due."""

    def close(self) -> None:
        """Let go of the stack, which goes on as it is, unless it is our own child."""
