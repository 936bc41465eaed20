"""What the HeMS orders, by a whole henbd; it checks each word by the schema of its version."""

from __future__ import annotations

import re
import time

import pytest

from henbd.model import paths
from tests.lab.hems.messages import (
    AddObjectResponse,
    Fault,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetRPCMethodsResponse,
    Message,
)
from tests.lab.hems.rpc import (
    Add,
    Delete,
    FactoryReset,
    Get,
    GetAttributes,
    Methods,
    Names,
    Reboot,
    ScheduleInform,
    Set,
    SetAttributes,
)
from tests.lab.hems.script import Namespace, Status, Step, on_inform
from tests.lab.hems.session import Session
from tests.lab.lab import Lab
from tests.lab.probe import eventually

URN = "urn:dslforum-org:cwmp-{}"
ROW = paths.PLMN_LIST + "2."


def order(lab: Lab, *requests: Step) -> float:
    """Have the HeMS call, and make these requests in the session; return when that has ended."""
    # No session that goes on or comes for another reason is to be taken for this one.
    lab.calm(1)
    since = time.monotonic()
    lab.hems.play(list(requests))
    assert lab.call() == 200
    called = lab.log.wait("Inform", 20, since=since)
    return lab.log.wait("session-end", 20, since=called.at).at


def namespace(session: Session) -> str:
    """Return the version of CWMP in which a session was begun."""
    found = re.search(rb"urn:dslforum-org:cwmp-(1-\d)", session.exchanges[0].body)
    return found[1].decode() if found else ""


def answers(lab: Lab) -> list[Message]:
    """Return what the last session has answered."""
    return list(lab.hems.sessions[-1].answers)


@pytest.mark.conformance("C034", "C035", "C147")
def test_each_version_is_answered_in_its_own_namespace(registered: Lab) -> None:
    """The fixture sees that nothing was wrong with any of it."""
    requests = (
        Methods(),
        Names("", next_level=True),
        Names("Device.", next_level=False),
        Get([""]),
        SetAttributes({paths.TAC: 1}),
        GetAttributes([paths.TAC]),
        Add(paths.PLMN_LIST, "row"),
        Set({ROW + "PLMNID": ("00102", "xsd:string")}, "set"),
        Delete(ROW, "gone"),
        Get(["Device.Nonsense"]),
    )
    for number, version in enumerate(("1-0", "1-1", "1-2")):
        order(registered, *((request, Namespace(URN.format(version))) for request in requests))
        said = answers(registered)
        assert len(said) == len(requests)
        assert isinstance(said[0], GetRPCMethodsResponse)
        assert isinstance(said[2], GetParameterNamesResponse)
        assert isinstance(said[3], GetParameterValuesResponse)
        assert isinstance(said[5], GetParameterAttributesResponse)
        # Numbers are not used again.
        assert isinstance(said[6], AddObjectResponse)
        assert said[6].instance_number == 2 + number
        assert isinstance(said[-1], Fault)
        assert said[-1].code == 9005


@pytest.mark.conformance("C077", "C143")
def test_reboot_is_done_after_the_session_and_told_with_the_next_boot(registered: Lab) -> None:
    lab = registered
    order(lab, Reboot("the key"), Get([paths.TAC]))
    assert eventually(lambda: lab.reboots.exists() and lab.reboots.read_text() == "\n", 10)
    lab.henbd.stop()
    lab.set_boot_id()
    since = time.monotonic()
    lab.henbd.start()
    inform = lab.log.wait("Inform", 20, since=since)
    assert {("1 BOOT", ""), ("M Reboot", "the key")} <= set(inform.facts["events"])
    lab.log.wait("session-end", 20, since=inform.at)
    assert order(lab, Methods())
    assert lab.reboots.read_text() == "\n"


@pytest.mark.conformance("C144")
def test_factory_reset_is_a_bootstrap_of_the_same_box(registered: Lab) -> None:
    lab = registered
    order(lab, Set({paths.TAC: ("7", "xsd:unsignedInt")}, "key"), FactoryReset())
    assert eventually(lambda: lab.reboots.exists(), 10)
    lab.henbd.stop()
    lab.set_boot_id()
    since = time.monotonic()
    lab.hems.play([Get([paths.TAC, paths.S1_SERVERS])])
    lab.henbd.start()
    inform = lab.log.wait("Inform", 20, since=since)
    assert inform.facts["events"] == [("0 BOOTSTRAP", ""), ("1 BOOT", "")]
    assert inform.facts["parameters"][paths.PARAMETER_KEY] == ""
    lab.log.wait("session-end", 20, since=inform.at)
    (got,) = answers(lab)
    assert isinstance(got, GetParameterValuesResponse)
    assert got.values == {paths.TAC: "0", paths.S1_SERVERS: ""}


@pytest.mark.conformance("C145")
def test_scheduled_inform_comes_though_henbd_was_killed_meanwhile(registered: Lab) -> None:
    lab = registered
    ordered = order(lab, ScheduleInform(4, "later"))
    lab.henbd.kill()
    lab.henbd.start()
    inform = lab.log.wait(
        "Inform", 20, since=ordered, where=lambda e: ("3 SCHEDULED", "") in e.facts["events"]
    )
    assert ("M ScheduleInform", "later") in inform.facts["events"]
    assert inform.at - ordered >= 2


@pytest.mark.conformance("C057")
@pytest.mark.parametrize("status", [400, 500])
def test_hems_that_knows_1_0_alone_is_spoken_to_in_it(lab: Lab, status: int) -> None:
    lab.hems.play([on_inform(Status(status, "unknown namespace"))])
    lab.start()
    lab.log.wait("session-end", 40, where=lambda e: e.facts["ok"])
    assert [namespace(session) for session in lab.hems.sessions[:2]] == ["1-2", "1-0"]
    lab.henbd.restart()
    assert eventually(lambda: lab.answers() and lab.status()["hems"]["way"] is not None, 20)
    order(lab, Methods())
    assert namespace(lab.hems.sessions[-1]) == "1-0"
