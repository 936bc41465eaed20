"""The RetryCount of an Inform, held against what the HeMS knows."""

from __future__ import annotations

from enum import Enum


class Outcome(Enum):
    """How an attempt at a session ended, as far as the HeMS can tell."""

    OK = "ok"
    FAILED = "failed by the HeMS"
    UNCLEAR = "left by the HeNB"


class Attempts:
    """How many attempts at a session failed since the last success, as far as the HeMS can know.

    What it spoilt itself did fail. When the CPE went away, it may have failed or been given up, and
    what is given up does not count. Of what never came to the HeMS there may be any number.
    """

    def __init__(self) -> None:
        self._failed = 0
        self._unclear = 0
        self._unbounded = False

    def add(self, outcome: Outcome) -> None:
        """Note the end of an attempt."""
        match outcome:
            case Outcome.OK:
                self.forget()
            case Outcome.FAILED:
                self._failed += 1
            case Outcome.UNCLEAR:
                self._unclear += 1

    def forget(self) -> None:
        """Begin anew, as a CPE does that was started."""
        self._failed, self._unclear, self._unbounded = 0, 0, False

    def unreachable(self) -> None:
        """Note that there may have been attempts that the HeMS did not see."""
        self._unbounded = True

    def check(self, retry_count: int) -> list[str]:
        """Check the RetryCount of an Inform; it is what counts from now on."""
        least, most = self._failed, self._failed + self._unclear
        right = retry_count >= least and (self._unbounded or retry_count <= most)
        self._failed, self._unclear, self._unbounded = retry_count, 0, False
        if right:
            return []
        wanted = f"{least}" if least == most else f"{least} to {most}"
        return [f"RetryCount is {retry_count} instead of {wanted}"]
