"""What others have said, made fit for a log and a terminal."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text on one line that moves no terminal: what cannot be printed is replaced."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
