"""References: parameters whose value names rows by their path (TR-106 3.2.4)."""

from __future__ import annotations


def without_row(value: str, gone: str) -> str | None:
    """Return a list of references without those to a row and to what is in it, None if no such.

    `gone` ends in a dot; references do not.
    """
    items = value.split(",")
    kept = [item for item in items if not f"{item}.".startswith(gone)]
    return None if len(kept) == len(items) else ",".join(kept)
