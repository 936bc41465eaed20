"""Small tables of a test of its own: blanks between the columns, and `-` for nothing."""

from __future__ import annotations

from henbd.model.table import Table, parse

HEADER = "path type access facets default flags role"


def table_of(text: str) -> Table:
    """Return the table of these lines: path, type, access, facets, default, flags, role."""
    lines = [HEADER, "Device. object R - - - -", *text.strip().splitlines()]
    return parse("\t".join("" if c == "-" else c for c in line.split()) for line in lines)
