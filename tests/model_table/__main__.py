"""Write the table of the data model anew from the standard and our choices.

    HENBD_REFERENCE=FOLDER python -m tests.model_table

FOLDER has the Broadband Forum's data models in `bbf/`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import henbd
from tests.model_table.choices import FILE, choices, chosen_rows
from tests.model_table.lines import lines
from tests.model_table.standard import standard

TABLE = Path(henbd.__file__).parent / "model/tables/device.tsv"


def main() -> int:
    """Write the table; return the exit status."""
    known = standard()
    if known is None:
        print("HENBD_REFERENCE names no folder with the official data models", file=sys.stderr)
        return 1
    rows = chosen_rows(known, choices(FILE.read_text(encoding="utf-8")))
    TABLE.write_text("".join(f"{line}\n" for line in lines(rows)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
