"""Which rows a Home eNodeB is expected to have, and why some of them are left out."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("left_out.tsv")
EXPECTED = ("mission", "expected")
ALL = "*"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows that are left out: parameters of an object, or `*` for all that is below a path."""

    path: str
    names: tuple[str, ...]
    reason: str

    def covers(self, row: str) -> bool:
        """Return whether a row is one of these."""
        if self.names == (ALL,):
            # A table's counter, which stands beside it, goes with it.
            counter = self.path.removesuffix(".") + "NumberOfEntries"
            return row.startswith(self.path) or row == counter
        return row.startswith(self.path) and row.removeprefix(self.path) in self.names


def left_out() -> list[LeftOut]:
    """Return what is left out, line by line of the file."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    split = [line.split("\t") for line in lines]
    return [LeftOut(path, tuple(names.split()), reason) for path, names, reason in split]


def expected() -> Iterable[str] | None:
    """Return the paths that are expected of a Home eNodeB, None where the list is not at hand."""
    folder = os.environ.get("HENBD_REFERENCE")
    file = Path(folder or "/nowhere") / "datamodel.tsv"
    if not file.exists():
        return None
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()]
    where = rows[0].index("relevance")
    return [row[0] for row in rows[1:] if row[where] in EXPECTED]
