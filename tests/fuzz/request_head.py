"""The head of an HTTP request, whole and in pieces."""

from __future__ import annotations

from henbd.system.request_head import LONGEST_HEAD, parse


def fuzz(data: bytes) -> None:
    """Read one request after the other; what is complete is not read otherwise for what follows."""
    rest = data
    while (found := parse(rest)) is not None:
        head, left = found
        assert len(left) < len(rest)
        consumed = rest[: len(rest) - len(left)]
        if left:
            assert parse(consumed) == (head, b"")
        rest = left
    assert len(rest) <= LONGEST_HEAD
