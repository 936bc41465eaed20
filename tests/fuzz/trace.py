"""Bodies of a HeMS as `henbd trace` keeps them: no password stays in them, whatever is around."""

from __future__ import annotations

from henbd.trace_document import blotted

SECRET = "hunter22"
PAIR = f"<Name>Device.X.Password</Name><Value>{SECRET}</Value>"


def fuzz(data: bytes) -> None:
    """Blot a body with a password in it, by its name and as a secret that is known."""
    around = data.decode("utf-8", "replace")
    assert SECRET not in blotted(around + SECRET, frozenset({SECRET}), lambda _: False)
    if SECRET not in around and "<" not in around:
        found = blotted(around + PAIR + around, frozenset(), lambda path: path.endswith("Password"))
        assert SECRET not in found
