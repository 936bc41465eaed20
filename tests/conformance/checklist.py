"""The checklist: its entries, and those that are left out for a reason that is written down."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

# The entries are C001 to this one; their texts are in the reference, where that is at hand.
LAST = 175

LEFT_OUT = Path(__file__).with_name("left_out.tsv")

_ROW = re.compile(r"\| (C\d{3}) \| ([A-Z ]+) \| (.+?) \| [^|]* \|$", re.M)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: its number, how binding it is, and what it says; "" where that is not known."""

    number: str
    level: str = ""
    text: str = ""

    @property
    def binding(self) -> bool:
        """Whether something has to be said of it; without its level that is to be assumed."""
        return self.level not in ("MAY", "SHOULD")


def entries() -> tuple[Entry, ...]:
    """Return the entries, with their texts where HENBD_REFERENCE names a folder that has them."""
    known = {}
    if reference := os.environ.get("HENBD_REFERENCE"):
        text = Path(reference, "cwmp-checklist.md").read_text(encoding="utf-8")
        known = {row[1]: Entry(row[1], row[2], row[3]) for row in _ROW.finditer(text)}
    numbers = [f"C{number:03d}" for number in range(1, LAST + 1)]
    return tuple(known.get(number, Entry(number)) for number in numbers)


def left_out() -> dict[str, str]:
    """Return the reasons by entry; raises ValueError for a line that is none."""
    reasons: dict[str, str] = {}
    for line in LEFT_OUT.read_text(encoding="utf-8").splitlines():
        number, _, reason = line.partition("\t")
        if not re.fullmatch(r"C\d{3}", number) or not reason.endswith(".") or number in reasons:
            raise ValueError(f"{LEFT_OUT.name}: {line!r}")
        reasons[number] = reason
    return reasons
