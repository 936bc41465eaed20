"""`henbd trace`: what HeMS and HeNB have said to each other, and what happened meanwhile."""

from __future__ import annotations

import json
import signal
from typing import Any

from henbd.trace_document import BLOT
from tests.functional.henb.test_command_line import run
from tests.lab.hems.rpc import Set
from tests.lab.hems.script import Hang, on_inform
from tests.lab.lab import Lab
from tests.lab.probe import eventually

PASSWORD = "Device.ManagementServer.ConnectionRequestPassword"


def trace(lab: Lab, *arguments: str) -> str:
    return run("trace", *arguments, "--socket", str(lab.control_socket)).stdout


def sessions(lab: Lab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(trace(lab, "--json"))["sessions"]
    return found


def test_a_registration_is_told_message_by_message(registered: Lab) -> None:
    assert eventually(lambda: len(sessions(registered)) >= 2, 20)
    first, second = sessions(registered)[:2]
    assert [message["name"] for message in first["messages"]] == [
        "Inform",
        "InformResponse",
        "",
        "SetParameterValues",
        "SetParameterValuesResponse",
        "",
    ]
    assert [h["text"] for h in first["happenings"]][-1] == "10.99.0.1 came"
    assert any("up, mme-1" in h["text"] for h in second["happenings"])
    times = [message["in_s"] for message in first["messages"]]
    assert times == sorted(times)
    text = trace(registered, "--last", "1")
    assert text.count("session ") == 1
    assert "Inform ───" in text


def test_a_session_that_hangs_is_seen_while_it_hangs(registered: Lab) -> None:
    registered.calm()
    registered.hems.play([on_inform(Hang())])
    assert registered.call() in (200, 204)
    assert eventually(lambda: sessions(registered)[-1]["number"] is None, 20)
    last = sessions(registered)[-1]
    assert (last["events"], last["took_s"]) == (["6 CONNECTION REQUEST"], None)
    assert [message["name"] for message in last["messages"]] == ["Inform"]
    assert "it goes on" in trace(registered)


def test_what_was_said_is_there_after_a_violent_death(registered: Lab) -> None:
    assert eventually(lambda: len(sessions(registered)) >= 2, 20)
    before = sessions(registered)
    registered.henbd.send(signal.SIGKILL)
    assert eventually(lambda: not registered.henbd.running)
    assert sessions(registered) == before
    assert "session 1, " in trace(registered)
    registered.henbd.start()
    assert eventually(registered.answers, 20)
    assert eventually(lambda: registered.status()["hems"]["way"] is not None, 20)
    assert registered.call() in (200, 204)
    assert eventually(lambda: len(sessions(registered)) > len(before), 20)
    assert sessions(registered)[: len(before)] == before


def test_a_password_that_the_hems_sets_is_blotted_out(registered: Lab) -> None:
    known = len(sessions(registered))
    secret = "a password by the HeMS <&>"
    registered.hems.play([Set({PASSWORD: (secret, "xsd:string")})])
    assert registered.call() in (200, 204)
    assert eventually(lambda: len(sessions(registered)) > known, 20)
    texts = [trace(registered, form) for form in ("--json", "--html", "--last=9")]
    assert not [text for text in texts if "a password by the HeMS" in text]
    bodies = [m["body"] for s in sessions(registered) for m in s["messages"]]
    assert [body for body in bodies if PASSWORD in body and BLOT in body]
