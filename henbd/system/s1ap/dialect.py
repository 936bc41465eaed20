"""What is particular of a stack with a configuration file of its own (see `configured`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from henbd.values import FarEnd, PeerState, S1Link


@dataclass(frozen=True, slots=True)
class Said:
    """How S1 with a far end is, by what a stack says."""

    state: PeerState
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is particular about a stack.

    `beyond` says what of a link it cannot do, None where it can do all of it. `hear` says what a
    line of it, or an answer, tells of the far ends of a link.
    """

    name: str
    beyond: Callable[[S1Link], str | None]
    hear: Callable[[str, S1Link], Mapping[FarEnd, Said]]
