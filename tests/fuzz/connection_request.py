"""Connection requests of somebody who does not know the password."""

from __future__ import annotations

from http import HTTPStatus

from henbd.system.connection_request import Caller, Gate, encode
from henbd.system.request_head import parse


def called() -> bool:
    """Fail: nobody may come so far."""
    raise AssertionError("let in")


def fuzz(data: bytes) -> None:
    """Answer every request; none is let in, and each answer is one head of HTTP."""
    gate = Gate(b"k" * 32, called)
    gate.caller = Caller("/d1b2", "00256D-HeNB-1", "secret word")
    rest = data
    while (found := parse(rest)) is not None:
        request, rest = found
        reply = gate.answer(request, 1000.0)
        assert reply.status is not HTTPStatus.OK
        assert encode(reply).count(b"\r\n\r\n") == 1
