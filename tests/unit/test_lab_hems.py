"""The HeMS's checks of single messages: every breach is seen, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.hems import messages, rpc
from tests.lab.hems.check import check_answer, check_inform
from tests.lab.hems.cpe import CWMP_1_2, PARAMETERS, STATUS_OK, fault, inform, message, value_list
from tests.lab.hems.soap import NAMESPACES, Envelope, SoapError, envelope, parse


def changed(body: bytes, old: str, new: str) -> bytes:
    """Return a message with one thing replaced, which must be in it."""
    assert re.search(old.encode(), body), old
    return re.sub(old.encode(), new.encode(), body, count=1)


def breaches_of(body: bytes) -> list[str]:
    """Return what is wrong with an Inform."""
    said = parse(body)
    assert isinstance(said.message, messages.Inform)
    return [*said.violations, *check_inform(said.message)]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_correct_inform_is_read_whole(namespace: str) -> None:
    said = parse(inform((("2 PERIODIC", ""), ("M Reboot", "k")), namespace=namespace))
    assert said.violations == ()
    assert (said.namespace, said.id, said.method) == (namespace, "cpe-1", "Inform")
    assert said.message == messages.Inform(
        device_id=messages.DeviceId("Lab", "00256D", "HeNB", "000001"),
        events=(("2 PERIODIC", ""), ("M Reboot", "k")),
        max_envelopes=1,
        current_time="2024-02-29T12:00:00+01:00",
        retry_count=0,
        parameters=tuple(messages.ParameterValue(name, "", "xsd:string") for name in PARAMETERS),
    )


def test_correct_inform_has_no_breach() -> None:
    assert breaches_of(inform()) == []


def test_other_prefixes_are_the_same_message() -> None:
    body = inform().replace(b"xsd", b"x").replace(b"cwmp:", b"c:").replace(b":cwmp=", b":c=")
    assert breaches_of(body) == []
    assert parse(body).message == parse(inform()).message


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("<OUI>00256D", "<OUI>00256d", "the OUI is '00256d' instead of six"),
        ("<OUI>00256D", "<OUI>0256D", "the OUI is '0256D' instead of six"),
        ("HeNB</ProductClass>", "</ProductClass>", "the DeviceId is not complete"),
        ("<ProductClass>HeNB</ProductClass>", "", "DeviceId consists of Manufacturer, OUI, Serial"),
        ("000001</S", "0" * 65 + "</S", "the DeviceId is not complete, or too long"),
        ("<MaxEnvelopes>1", "<MaxEnvelopes>2", "MaxEnvelopes is 2 instead of 1"),
        ("<MaxEnvelopes>1", "<MaxEnvelopes>one", "MaxEnvelopes is 'one', which is no number"),
        (r"12:00:00\+01:00", "12:00:00", "CurrentTime is '2024-02-29T12:00:00', no date-time"),
        ("2024-02-29", "2023-02-29", "CurrentTime is '2023-02-29T12:00:00+01:00', no date-time"),
        ("<RetryCount>0", "<RetryCount>-2", "RetryCount is -2"),
        ("<EventStruct>.*</EventStruct>", "", "an Inform without events"),
        ("1 BOOT<", "0 BOOTSTRAP<", "the event 0 BOOTSTRAP is in the list 2 times"),
        ("1 BOOT<", "1 REBOOT<", "the event '1 REBOOT' is none of TR-069's"),
        ("1 BOOT<", "M Reboot<", "the event M Reboot without 1 BOOT"),
        ("1 BOOT<", "M Upload<", "the event M Upload without 7 TRANSFER COMPLETE"),
        ("<CommandKey></", "<CommandKey>k</", "the event 0 BOOTSTRAP has the CommandKey 'k'"),
        ("<CommandKey></", f"<CommandKey>{'k' * 33}</", "a CommandKey of 33 characters"),
        (r"EventStruct\[2\]", "EventStruct[3]", "the arrayType cwmp:EventStruct[3] instead of"),
        ("cwmp:EventStruct", "xsd:EventStruct", "the arrayType xsd:EventStruct[2] instead of"),
        (' soapenc:arrayType="cwmp:EventStruct.2."', "", "Event has no soapenc:arrayType"),
        ("<RetryCount>0</RetryCount>", "", "Inform consists of DeviceId, Event, MaxEnvelopes, Cur"),
        ("<RetryCount>", "<Mood/><RetryCount>", "CurrentTime, Mood, RetryCount, ParameterList ins"),
        ("<DeviceId>", "<cwmp:DeviceId>", "Inform consists of {urn:dslforum-org:cwmp-1-2}Device"),
        (
            "HardwareVersion",
            "SoftwareVersion",
            "the parameter Device.DeviceInfo.SoftwareVersion is",
        ),
        ("HardwareVersion", "X", "the Inform lacks Device.DeviceInfo.HardwareVersion"),
        ("FAPService.1", "FAPService.x", "the Inform lacks Device.Services.FAPService.{i}"),
        ("HardwareVersion", "X" * 256, "a parameter name of 274 characters"),
        (' xsi:type="xsd:string"', "", "the value of Device.RootDataModelVersion has no xsi:type"),
        ("xsd:string", "xsd:text", "has the unknown type xsd:text"),
        ("xsd:string", "cwmp:string", "has the unknown type cwmp:string"),
        ("xsd:string", "xsd:boolean", "Device.RootDataModelVersion, '', is no xsd:boolean"),
        ("<Value", "<Name>a</Name><Value", "ParameterValueStruct consists of Name, Name, Value"),
        ("</ParameterList>", "<string/></ParameterList>", "ParameterList holds string"),
        ("<Manufacturer>", "<Manufacturer><b/>", "Manufacturer has elements in it"),
        ('mustUnderstand="1"', 'mustUnderstand="0"', "the ID has mustUnderstand 0 instead of 1"),
        ("</cwmp:ID>", "</cwmp:ID><cwmp:NoMoreRequests/>", "NoMoreRequests is none of a CPE's"),
        ("</cwmp:ID>", "</cwmp:ID><cwmp:HoldRequests/>", "HoldRequests is none of a CPE's"),
        ("</cwmp:ID>", "</cwmp:ID><cwmp:ID/>", "the SOAP header ID is there twice"),
        ("UTF-8", "ISO-8859-1", "the XML is declared as ISO-8859-1 instead of UTF-8"),
        (r"\?>", "?><!DOCTYPE a>", "a document type declaration"),
        ("</soapenv:Body>", "</soapenv:Body><a/>", "the Envelope consists of"),
    ],
)
def test_breach_in_an_inform_is_seen(old: str, new: str, sentence: str) -> None:
    body = changed(inform(), old, new)
    if "<cwmp:DeviceId>" in new:
        body = changed(body, "</DeviceId>", "</cwmp:DeviceId>")
    assert any(sentence in breach for breach in breaches_of(body)), breaches_of(body)


def test_too_many_events_are_seen() -> None:
    events = (("3 SCHEDULED", ""), *(("M ScheduleInform", str(n)) for n in range(64)))
    assert breaches_of(inform(events)) == ["65 events in an Inform"]


def test_method_events_may_come_several_times() -> None:
    events = (("3 SCHEDULED", ""), ("M ScheduleInform", "a"), ("M ScheduleInform", "a"))
    assert breaches_of(inform(events)) == []


def test_reprovision_event_is_a_known_one() -> None:
    assert breaches_of(inform((("X 00256D 3GPP Reprovision Required: SecGW", ""),))) == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"hello", "is no XML"),
        (inform() + inform(), "is no XML"),
        (b"<a/>", "is no SOAP envelope, but a"),
        (envelope(CWMP_1_2, "", id="1"), "has 0 messages"),
        (envelope(CWMP_1_2, "<cwmp:Inform/><cwmp:Inform/>", id="1"), "has 2 messages"),
        (envelope(CWMP_1_2, "<Inform/>", id="1"), "in the namespace None"),
        (message("RebootResponse", namespace="urn:dslforum-org:cwmp-2-0"), "cwmp-2-0"),
        (envelope(CWMP_1_2, "<soapenv:Fault/>", id="1"), "speaks of Fault"),
    ],
)
def test_what_is_no_envelope_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(SoapError, match=reason):
        parse(body)


def answer(body: bytes) -> Envelope:
    """Return an answer that has no breach of form."""
    said = parse(body)
    assert said.violations == ()
    return said


@pytest.mark.parametrize(
    ("method", "arguments", "expected"),
    [
        ("RebootResponse", "", messages.Bare("RebootResponse")),
        ("SetParameterValuesResponse", STATUS_OK, messages.SetParameterValuesResponse(0)),
        ("DeleteObjectResponse", "<Status>1</Status>", messages.DeleteObjectResponse(1)),
        (
            "AddObjectResponse",
            "<InstanceNumber>7</InstanceNumber><Status>0</Status>",
            messages.AddObjectResponse(7, 0),
        ),
        (
            "GetRPCMethodsResponse",
            '<MethodList soapenc:arrayType="xsd:string[1]"><string>Reboot</string></MethodList>',
            messages.GetRPCMethodsResponse(("Reboot",)),
        ),
        (
            "GetParameterNamesResponse",
            (
                '<ParameterList soapenc:arrayType="cwmp:ParameterInfoStruct[1]">'
                "<ParameterInfoStruct><Name>Device.</Name><Writable>0</Writable>"
                "</ParameterInfoStruct></ParameterList>"
            ),
            messages.GetParameterNamesResponse((messages.ParameterInfo("Device.", False),)),
        ),
        (
            "GetParameterAttributesResponse",
            (
                '<ParameterList soapenc:arrayType="cwmp:ParameterAttributeStruct[1]">'
                "<ParameterAttributeStruct><Name>a</Name><Notification>2</Notification>"
                '<AccessList soapenc:arrayType="xsd:string[1]"><string>Subscriber</string>'
                "</AccessList></ParameterAttributeStruct></ParameterList>"
            ),
            messages.GetParameterAttributesResponse(
                (messages.ParameterAttribute("a", 2, ("Subscriber",)),)
            ),
        ),
        (
            "UploadResponse",
            (
                "<Status>1</Status><StartTime>0001-01-01T00:00:00Z</StartTime>"
                "<CompleteTime>0001-01-01T00:00:00Z</CompleteTime>"
            ),
            messages.UploadResponse(1, "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ),
        (
            "TransferComplete",
            (
                "<CommandKey>k</CommandKey><FaultStruct><FaultCode>9010</FaultCode>"
                "<FaultString>no</FaultString></FaultStruct>"
                "<StartTime>a</StartTime><CompleteTime>b</CompleteTime>"
            ),
            messages.TransferComplete("k", 9010, "no", "a", "b"),
        ),
        ("X_00256D_Sing", "<Song/>", messages.Other("X_00256D_Sing")),
    ],
)
def test_message_is_read(method: str, arguments: str, expected: messages.Message) -> None:
    assert answer(message(method, arguments)).message == expected


def test_fault_is_read_with_its_culprits() -> None:
    assert answer(fault(9003, [("a", 9005), ("b", 9007)])).message == messages.Fault(
        "Client",
        "CWMP fault",
        9003,
        "no",
        (messages.ParameterFault("a", 9005, "no"), messages.ParameterFault("b", 9007, "no")),
    )


def test_what_is_no_boolean_is_seen() -> None:
    (breach,) = parse(message("GetParameterNamesResponse", names("maybe"))).violations
    assert breach == "Writable is 'maybe', which is no boolean"


def names(writable: str) -> str:
    """Return a list of one name."""
    struct = f"<ParameterInfoStruct><Name>a</Name><Writable>{writable}</Writable>"
    kind = 'soapenc:arrayType="cwmp:ParameterInfoStruct[1]"'
    return f"<ParameterList {kind}>{struct}</ParameterInfoStruct></ParameterList>"


SET = rpc.Set({"a": ("1", "xsd:int")})
VALUES = message("GetParameterValuesResponse", value_list({"a": "", "b.c": ""}))
TWICE = VALUES.replace(b"<Name>a<", b"<Name>b.c<")
ATTRIBUTES = message(
    "GetParameterAttributesResponse",
    '<ParameterList soapenc:arrayType="cwmp:ParameterAttributeStruct[1]">'
    "<ParameterAttributeStruct><Name>a</Name><Notification>2</Notification>"
    '<AccessList soapenc:arrayType="xsd:string[0]"/></ParameterAttributeStruct></ParameterList>',
)
NAMES = message("GetParameterNamesResponse", names("1"))
NAMES_TWICE = NAMES.replace(b"[1]", b"[2]").replace(
    b"<ParameterInfoStruct>",
    b"<ParameterInfoStruct><Name>a</Name><Writable>0</Writable></ParameterInfoStruct>"
    b"<ParameterInfoStruct>",
)


@pytest.mark.parametrize(
    ("request_", "body", "breaches"),
    [
        (SET, message("SetParameterValuesResponse", STATUS_OK), []),
        (SET, message("SetParameterValuesResponse", "<Status>2</Status>"), ["the Status is 2"]),
        (SET, fault(9003, [("a", 9007)]), []),
        (SET, fault(9003), ["9003 to SetParameterValues without a SetParameterValuesFault"]),
        (SET, fault(9003, [("b", 9005)]), ["a SetParameterValuesFault for b, which was not set"]),
        (SET, fault(9003, [("a", 1)]), ["a SetParameterValuesFault with the code 1"]),
        (SET, fault(8003), ["the FaultCode is 8003, which is no CPE's"]),
        (
            SET,
            fault(9001).replace(b"Client", b"Klient"),
            ["the faultcode is 'Klient' instead of Client or Server"],
        ),
        (
            SET,
            fault(9001).replace(b"CWMP fault", b"oh"),
            ["the faultstring is 'oh' instead of 'CWMP fault'"],
        ),
        (
            rpc.Reboot(),
            fault(9003, [("a", 9005)]),
            ["SetParameterValuesFault for another method"],
        ),
        (rpc.Get(["a", "b."]), VALUES, []),
        (rpc.Get([""]), VALUES, []),
        (rpc.Get(["a", "b.", "d"]), VALUES, ["d was asked for and is not in the answer"]),
        (rpc.Get(["a", "c."]), VALUES, ["b.c was not asked for"]),
        (rpc.GetAttributes(["a"]), ATTRIBUTES, []),
        (
            rpc.GetAttributes(["b"]),
            ATTRIBUTES,
            ["b was asked for and is not in the answer", "a was not asked for"],
        ),
        (rpc.Names("a"), NAMES, []),
        (rpc.Names("a"), NAMES_TWICE, ["the parameter a is in the list twice"]),
        (rpc.Get(["b."]), TWICE, ["the parameter b.c is in the list twice"]),
    ],
)
def test_answer_is_held_against_the_request(
    request_: rpc.Rpc, body: bytes, breaches: list[str]
) -> None:
    assert check_answer(request_, answer(body).message) == breaches


@given(st.data())
def test_damaged_message_is_refused_or_read_but_no_riddle(data: st.DataObject) -> None:
    body = bytearray(inform() if data.draw(st.booleans()) else fault(9003, [("a", 9007)]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 40)))
        body[start:end] = data.draw(st.sampled_from(DAMAGE))
    try:
        said = parse(bytes(body))
    except SoapError:
        return
    if isinstance(said.message, messages.Inform):
        check_inform(said.message)
    check_answer(SET, said.message)


DAMAGE = (b"", b"<a/>", b"<!-- -->", b"<?a b?>", b"&amp;", b"&x;", b'xsi:type="q:x"', b"\xff", b"1")
