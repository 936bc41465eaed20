"""Small questions that tests ask of the lab: is it reached, has it become true."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tests.lab.events import PATIENCE
from tests.lab.namespaces import Address, CommandFailed, Namespace


def ping(where: Namespace, to: Address, *options: str) -> None:
    """Have an echo answered; raise CommandFailed if it is not."""
    where.run("ping", "-n", "-c", "1", "-W", str(int(2 * PATIENCE)), *options, str(to))


def unanswered(where: Namespace, to: Address, *options: str) -> bool:
    """Return whether an echo request is not answered in time, or cannot even be sent."""
    # Half a millisecond is usual; the whole second is ping's least, emulated three.
    wait_s = math.ceil(PATIENCE / 5)
    try:
        where.run("ping", "-n", "-c", "1", "-W", str(wait_s), *options, str(to))
    except CommandFailed:
        return True
    return False


def eventually(fact: Callable[[], object], within_s: float = 5) -> bool:
    """Return whether it becomes true in time."""
    deadline = time.monotonic() + within_s * PATIENCE
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01 * PATIENCE)
    return True
