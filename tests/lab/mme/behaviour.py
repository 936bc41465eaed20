"""What an MME does with a request, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from tests.lab.s1ap import Cause

T = TypeVar("T")

_UNKNOWN_PLMN = Cause("misc", "unknown-PLMN")


@dataclass(frozen=True, slots=True)
class Accept:
    """Answer that all is well. To a configuration update the fields do not matter."""

    mme_name: str | None = "mme-1"
    plmns: tuple[str, ...] = ("00101",)
    group_id: int = 2
    code: int = 1
    capacity: int = 255


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a failure."""

    cause: Cause = _UNKNOWN_PLMN
    time_to_wait_s: int | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Take the request, and never answer."""


@dataclass(frozen=True, slots=True)
class Abort:
    """End the association instead of an answer."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer with these bytes."""

    answer: bytes = b"\xff\xff"


Behaviour = Accept | Refuse | Silence | Abort | Garbage


def next_of(behaviours: list[T]) -> T:
    """Take the first of a list, but leave the last one where it is."""
    return behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
