"""The URL, the challenges and the redirects of a HeMS."""

from __future__ import annotations

from henbd.errors import ExchangeError
from henbd.system import digest
from henbd.system.target import redirected, target

HOME = target("https://hems.lab/acs", "henb", "word")


def fuzz(data: bytes) -> None:
    """Read a header of each kind; no redirect leaves TLS, and another host is known as one."""
    text = data.decode("latin-1")
    challenge = digest.best(text.split("\n"), basic=True)
    assert challenge is None or challenge.scheme in ("basic", "digest")
    try:
        there = redirected(HOME, text)
    except ExchangeError:
        return
    assert there.scheme == "https"
    assert there.led == (there.host != HOME.host)
    assert all(value.isprintable() for value in map(str, there.request.headers.values()))
