"""When this program was built: what a clock shows that is set, it shows later."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from henbd.model.types import CLOCK_IS_SET

# Written into the package when it is built (setup.py), and by nobody else.
RECORD = Path(__file__).parents[1] / "built"


def built_at(record: Path = RECORD) -> datetime:
    """Return when the program was built; of one that was not, when its source last changed."""
    try:
        at = int(record.read_text(encoding="ascii"))
    except FileNotFoundError:
        at = int(Path(__file__).stat().st_mtime)
    # A builder may have no date either, and then often calls it 1970.
    return max(datetime.fromtimestamp(at, UTC), CLOCK_IS_SET)
