"""What was measured, beside its limit, and what is to be reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median


class Against(Enum):
    """What a goal compares the figure with; the value is how it is written."""

    RATIO = "{:g} ×"
    DIFFERENCE = "+{:g}"
    ABSOLUTE = "{:g}"


@dataclass(frozen=True, slots=True)
class Goal:
    """What the median is to reach, and the 95th percentile; both are held to the limit's median."""

    against: Against
    median: float
    p95: float | None = None

    def __str__(self) -> str:
        text = "≤ " + self.against.value.format(self.median)
        return text if self.p95 is None else f"{text}, p95 ≤ " + self.against.value.format(self.p95)


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table: samples of henbd and of its limit, in the same unit."""

    name: str
    unit: str
    samples: Sequence[float]
    limit_name: str = ""
    limit: Sequence[float] = ()
    goal: Goal | None = None

    @property
    def median(self) -> float:
        """The middle of the samples."""
        return median(self.samples)

    @property
    def p95(self) -> float:
        """What all but one in twenty are below."""
        return quantile(self.samples, 0.95)

    @property
    def ratio(self) -> float | None:
        """How many times the limit the figure is, None where there is none."""
        return self.median / median(self.limit) if self.limit and median(self.limit) else None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached, None where there is none."""
        if self.goal is None:
            return None
        most_p95 = self.goal.p95
        good = self._compared(self.median) <= self.goal.median
        return good and (most_p95 is None or self._compared(self.p95) <= most_p95)

    def _compared(self, value: float) -> float:
        assert self.goal is not None
        match self.goal.against:
            case Against.RATIO:
                return value / median(self.limit)
            case Against.DIFFERENCE:
                return value - median(self.limit)
            case Against.ABSOLUTE:
                return value


def quantile(samples: Sequence[float], share: float) -> float:
    """Return the sample below or at which that share of them is."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
