"""What the box knows of the time: whether its clock is kept right, and what it shows at least."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from henbd.model.types import CLOCK_IS_SET

# Written into the package when it is built (setup.py), and by nobody else.
RECORD = Path(__file__).parents[1] / "built"

# More than a struct timex has anywhere; and what adjtimex returns of a clock that nobody keeps.
TIMEX_BYTES = 512
TIME_ERROR, FAILED = 5, -1


def built_at(record: Path = RECORD) -> datetime:
    """Return when the program was built; of one that was not, when its source last changed."""
    try:
        at = int(record.read_text(encoding="ascii"))
    except FileNotFoundError:
        at = int(Path(__file__).stat().st_mtime)
    # A builder may have no date either, and then often calls it 1970.
    return max(datetime.fromtimestamp(at, UTC), CLOCK_IS_SET)


def synchronised() -> bool:
    """Return whether somebody keeps the kernel's clock right, by a time server or a receiver.

    A clock that was only put, to what a file had last or by hand, is not (adjtimex(2)).
    """
    return _adjtimex()() not in (TIME_ERROR, FAILED)


@cache
def _adjtimex() -> Callable[[], int]:
    """Return the call. It is asked for each session, and to find it costs more than to make it."""
    # Not needed at the start, which it would make later.
    import ctypes

    # Of a struct timex it reads `modes`, which has to be 0, and fills in the rest.
    timex = ctypes.create_string_buffer(TIMEX_BYTES)
    return partial(ctypes.CDLL(None).adjtimex, timex)
