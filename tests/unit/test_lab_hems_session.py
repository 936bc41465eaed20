"""The HeMS's dialogue: scripts are played, and what is said is kept. No sockets."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from tests.lab.hems import messages
from tests.lab.hems.attempts import Outcome
from tests.lab.hems.cpe import STATUS_OK, fault, id_of, inform, message
from tests.lab.hems.rpc import Methods, Reboot, Set
from tests.lab.hems.script import (
    Chunked,
)
from tests.unit.hems_table import METHODS, SET, TRANSFER, Table


def test_session_without_script_is_inform_and_goodbye() -> None:
    table = Table()
    informed = table.hand(inform())
    assert b"<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes>" in informed.response.body
    assert id_of(informed.response.body) == "cpe-1"
    goodbye = table.hand()
    assert (goodbye.response.status, goodbye.response.body) == (HTTPStatus.NO_CONTENT, b"")
    (session,) = table.reception.sessions
    assert session.outcome is Outcome.OK
    assert [exchange.body for exchange in session.exchanges] == [inform(), b""]
    assert table.violations == []
    assert [event.kind for event in table.log.events()] == [
        "Inform",
        "InformResponse",
        "session-end",
    ]


def test_inform_is_told_with_its_facts() -> None:
    table = Table()
    table.hand(inform(retry_count=0))
    (event,) = table.log.events("Inform")
    assert event.text.startswith(
        "Inform  0 BOOTSTRAP, 1 BOOT  DeviceId 00256D/HeNB/000001  from 10.99.0.1"
    )
    assert event.facts["source"] == ("10.99.0.1", 4001)
    assert event.facts["events"] == [("0 BOOTSTRAP", ""), ("1 BOOT", "")]
    assert event.facts["first_byte_at"] == 1.0
    assert event.facts["parameters"]["Device.RootDataModelVersion"] == ""


def test_line_of_an_inform_shows_what_is_new() -> None:
    table = Table()
    for address in ("10.99.0.1", "10.99.0.1", "10.99.0.7"):
        values = dict.fromkeys(table.house.forced, "") | {"Device.IP": address}
        table.connect()
        table.hand(inform((("4 VALUE CHANGE", ""),), _one_row(values)))
        table.hand()
    shown = ["Device.IP=" in event.text for event in table.log.events("Inform")]
    assert shown == [True, False, True]
    assert table.log.events("Inform")[-1].text.endswith("from 10.99.0.1  Device.IP=10.99.0.7")
    assert table.violations == []


def _one_row(values: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("{i}", "1"): value for name, value in values.items()}


def test_script_is_played_in_order_and_its_answers_kept() -> None:
    table = Table([SET, (Methods(), Chunked()), Reboot("why")])
    table.hand(inform())
    request = table.hand()
    assert b"<cwmp:SetParameterValues><ParameterList" in request.response.body
    request = table.respond(request, "SetParameterValuesResponse", STATUS_OK)
    assert request.manners == (Chunked(),)
    request = table.respond(request, "GetRPCMethodsResponse", METHODS)
    assert b"<CommandKey>why</CommandKey>" in request.response.body
    goodbye = table.respond(request, "RebootResponse")
    assert goodbye.response.status == HTTPStatus.NO_CONTENT
    (session,) = table.reception.sessions
    assert session.answers == [
        messages.SetParameterValuesResponse(0),
        messages.GetRPCMethodsResponse(("Reboot",)),
        messages.Bare("RebootResponse"),
    ]
    assert table.violations == []


def test_secrets_are_not_told() -> None:
    table = Table([Set({"Device.ManagementServer.Password": ("sesame", "xsd:string")})])
    table.hand(inform())
    assert b"sesame" in table.hand().response.body
    assert not any("sesame" in event.text for event in table.log.events())


def test_fault_is_an_answer_too() -> None:
    table = Table([SET])
    table.hand(inform())
    request = table.hand()
    table.hand(fault(9003, [("Device.A", 9007)], id=id_of(request.response.body)))
    (event,) = table.log.events("SetParameterValuesResponse")
    assert event.facts["fault"].parameters[0].code == 9007
    assert "Device.A 9007" in event.text
    assert table.violations == []


def test_requests_of_the_cpe_are_answered() -> None:
    table = Table()
    table.hand(inform())
    answer = table.hand(message("TransferComplete", TRANSFER, id="a"))
    assert b"<cwmp:TransferCompleteResponse/>" in answer.response.body
    assert id_of(answer.response.body) == "a"
    answer = table.hand(message("GetRPCMethods", id="b"))
    assert b"<string>TransferComplete</string>" in answer.response.body
    answer = table.hand(message("X_00256D_Sing", id="c"))
    assert b"<FaultCode>8000</FaultCode>" in answer.response.body
    assert table.hand().response.status == HTTPStatus.NO_CONTENT
    (session,) = table.reception.sessions
    assert [type(request).__name__ for request in session.requests] == [
        "TransferComplete",
        "Bare",
        "Other",
    ]
    assert table.violations == []
