"""A HeMS that means harm: each session fails cleanly, henbd lives, and does not grow."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.functional.test_hostile_envelopes import READABLE, hostile
from tests.lab.hems.script import Garbage, Status, Step, on_inform
from tests.lab.lab import Lab
from tests.lab.probe import eventually

# What one refused envelope of the largest size may cost at its height, in KiB.
GROWTH_KIB = 48 * 1024

BODIES = {
    **hostile(),
    "nothing but a null": b"\0",
    "control characters": b"<a>\x1b[2J\x07</a>",
    "half an envelope": b"<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Bo",
    "a page for people": b"<html><body>Sign in</body></html>",
}


def height(lab: Lab) -> int:
    """Return how much memory henbd has ever had, in KiB."""
    text = Path(f"/proc/{lab.henbd.pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM"))


def failures(lab: Lab) -> int:
    return lab.henbd.text().count("session failed: ")


@pytest.mark.conformance("C045", "C051")
def test_hostile_answers_fail_their_session_and_no_more(registered: Lab) -> None:
    lab = registered
    before, pid = height(lab), lab.henbd.pid
    for name, body in BODIES.items():
        answers: dict[str, list[Step]] = {"the Inform": [on_inform(Garbage(body))]}
        if name not in READABLE:
            answers["nothing"] = [(Garbage(body),)]
        for to, script in answers.items():
            failed = failures(lab)
            lab.hems.play(script)
            assert lab.call() == 200
            assert eventually(lambda: failures(lab) > failed, 30), f"{name} to {to}"  # noqa: B023
    assert lab.henbd.pid == pid
    assert lab.henbd.running
    assert height(lab) - before < GROWTH_KIB
    lab.hems.play([])
    since = time.monotonic()
    assert lab.call() == 200
    assert lab.log.wait("session-end", 20, since=since).facts["ok"]
    assert lab.status()["s1"]["up"]


@pytest.mark.conformance("C031")
def test_what_an_error_page_says_is_in_the_log(registered: Lab) -> None:
    registered.hems.play([on_inform(Status(403, "your device is not\r\n\x1b[31mknown here"))])
    assert registered.call() == 200
    wanted = "session failed: HTTP 403 your device is not [31mknown here"
    assert eventually(lambda: wanted in registered.henbd.text())
