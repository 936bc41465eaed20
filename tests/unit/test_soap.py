"""Messages to bytes: what we build.

It is also read by the HeMS of the laboratory, which is strict and shares no code with it, and
checked against the schemas of the Broadband Forum where HENBD_REFERENCE names them.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from henbd.cwmp import events, session
from henbd.cwmp.ledger import Owed
from henbd.cwmp.messages import AutonomousTransferComplete, Inform, Outgoing, TransferComplete
from henbd.cwmp.responses import (
    AddObjectResponse,
    CancelTransferResponse,
    DeleteObjectResponse,
    DownloadResponse,
    FactoryResetResponse,
    GetAllQueuedTransfersResponse,
    GetParameterAttributesResponse,
    GetParameterNamesResponse,
    GetParameterValuesResponse,
    GetQueuedTransfersResponse,
    GetRPCMethodsResponse,
    RebootResponse,
    ScheduleInformResponse,
    SetParameterAttributesResponse,
    SetParameterValuesResponse,
    UploadResponse,
)
from henbd.cwmp.soap import envelope
from henbd.cwmp.structs import (
    DeviceId,
    Event,
    Fault,
    ParameterFault,
    ParameterValue,
    QueuedTransfer,
)
from henbd.cwmp.versions import CWMP
from henbd.errors import FaultCode
from henbd.model.schema import Base
from henbd.model.types import SPELLINGS, UNKNOWN_TIME
from tests.lab.hems import messages as seen
from tests.lab.hems import schema
from tests.lab.hems import soap as hems
from tests.unit.settings import QUICK

INFORM = Inform(
    DeviceId("Example", "00256D", "HeNB", "0001"),
    (Event("0 BOOTSTRAP"), Event("M Reboot", "key")),
    "2026-02-03T04:05:06Z",
    3,
    (
        ParameterValue("Device.A", "10.99.0.7"),
        ParameterValue("Device.B", "true", "boolean"),
    ),
)
# Those that a request is refused with, in every version.
CODES = range(9000, 9014)
OUTGOING: list[Outgoing] = [
    INFORM,
    replace(INFORM, parameters=()),
    replace(INFORM, events=(Event("X 00256D 3GPP Reprovision Required: SecGW"),)),
    replace(INFORM, current_time=UNKNOWN_TIME),
    TransferComplete("key", 9016, "not there", UNKNOWN_TIME, "2026-02-03T04:05:06Z"),
    AutonomousTransferComplete(
        "",
        "https://files.example/",
        False,
        "X 00256D 3GPP Performance File",
        1000,
        "a.xml",
        0,
        "",
        UNKNOWN_TIME,
        UNKNOWN_TIME,
    ),
    GetRPCMethodsResponse(("GetRPCMethods",)),
    GetParameterNamesResponse((("Device.", False), ("Device.A", True))),
    GetParameterNamesResponse(()),
    GetParameterValuesResponse(INFORM.parameters),
    GetParameterValuesResponse(()),
    SetParameterValuesResponse(0),
    SetParameterValuesResponse(1),
    GetParameterAttributesResponse((("Device.A", 0), ("Device.B", 2))),
    GetParameterAttributesResponse((("Device.A", 0),), frozenset({"Device.A"})),
    GetParameterAttributesResponse(()),
    SetParameterAttributesResponse(),
    AddObjectResponse(7, 0),
    DeleteObjectResponse(1),
    RebootResponse(),
    FactoryResetResponse(),
    ScheduleInformResponse(),
    Fault(9005, "no such parameter"),
    Fault(9003, "Invalid arguments", (ParameterFault("x" * 300, 9003, "a"),)),
    *(
        Fault(code, "", (ParameterFault("", code, ""),))
        for code in FaultCode
        if 9000 <= code <= 9013
    ),
]

HEAD = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    b' xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"'
    b' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xmlns:cwmp="urn:dslforum-org:cwmp-1-2">'
)
TAIL = b"</soap:Envelope>\n"


@pytest.mark.conformance("C042")
def test_inform_byte_for_byte() -> None:
    assert envelope(INFORM, "1", "1-2") == HEAD + (
        b'<soap:Header><cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header>'
        b"<soap:Body><cwmp:Inform><DeviceId><Manufacturer>Example</Manufacturer><OUI>00256D</OUI>"
        b"<ProductClass>HeNB</ProductClass><SerialNumber>0001</SerialNumber></DeviceId>"
        b'<Event soapenc:arrayType="cwmp:EventStruct[2]">'
        b"<EventStruct><EventCode>0 BOOTSTRAP</EventCode><CommandKey></CommandKey></EventStruct>"
        b"<EventStruct><EventCode>M Reboot</EventCode><CommandKey>key</CommandKey></EventStruct>"
        b"</Event><MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2026-02-03T04:05:06Z</CurrentTime>"
        b"<RetryCount>3</RetryCount>"
        b'<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[2]">'
        b"<ParameterValueStruct><Name>Device.A</Name>"
        b'<Value xsi:type="xsd:string">10.99.0.7</Value></ParameterValueStruct>'
        b"<ParameterValueStruct><Name>Device.B</Name>"
        b'<Value xsi:type="xsd:boolean">true</Value></ParameterValueStruct>'
        b"</ParameterList></cwmp:Inform></soap:Body>" + TAIL
    )


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (
            SetParameterValuesResponse(1),
            (
                b"<cwmp:SetParameterValuesResponse><Status>1</Status>"
                b"</cwmp:SetParameterValuesResponse>"
            ),
        ),
        (
            GetRPCMethodsResponse(("A", "B")),
            (
                b'<cwmp:GetRPCMethodsResponse><MethodList soapenc:arrayType="xsd:string[2]">'
                b"<string>A</string><string>B</string></MethodList></cwmp:GetRPCMethodsResponse>"
            ),
        ),
        (
            GetParameterNamesResponse((("A.", False), ("A.b", True))),
            (
                b"<cwmp:GetParameterNamesResponse>"
                b'<ParameterList soapenc:arrayType="cwmp:ParameterInfoStruct[2]">'
                b"<ParameterInfoStruct><Name>A.</Name><Writable>false</Writable></ParameterInfoStruct>"
                b"<ParameterInfoStruct><Name>A.b</Name><Writable>true</Writable></ParameterInfoStruct>"
                b"</ParameterList></cwmp:GetParameterNamesResponse>"
            ),
        ),
        (
            GetParameterValuesResponse(()),
            (
                b"<cwmp:GetParameterValuesResponse>"
                b'<ParameterList soapenc:arrayType="cwmp:ParameterValueStruct[0]"></ParameterList>'
                b"</cwmp:GetParameterValuesResponse>"
            ),
        ),
        (
            Fault(9003, "Invalid arguments", (ParameterFault("A", 9006, "no"),)),
            (
                b"<soap:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>"
                b"<detail><cwmp:Fault><FaultCode>9003</FaultCode>"
                b"<FaultString>Invalid arguments</FaultString>"
                b"<SetParameterValuesFault><ParameterName>A</ParameterName><FaultCode>9006</FaultCode>"
                b"<FaultString>no</FaultString></SetParameterValuesFault>"
                b"</cwmp:Fault></detail></soap:Fault>"
            ),
        ),
    ],
)
def test_answer_byte_for_byte(message: Outgoing, body: bytes) -> None:
    wanted = HEAD + b"<soap:Body>" + body + b"</soap:Body>" + TAIL
    assert envelope(message, None, "1-2") == wanted


@pytest.mark.conformance("C153")
@pytest.mark.parametrize(
    ("code", "side"),
    [(c, "Server") for c in (9000, 9001, 9002, 9004)]
    + [(c, "Client") for c in (9003, 9005, 9006, 9007, 9008)],
)
def test_faultcode_tells_whose_mistake_it_was(code: int, side: str) -> None:
    assert f"<faultcode>{side}</faultcode>".encode() in envelope(Fault(code, ""), None, "1-0")


@pytest.mark.parametrize("version", ["1-0", "1-1", "1-2"])
@pytest.mark.parametrize("message", OUTGOING)
def test_strict_reader_finds_no_fault(message: Outgoing, version: str) -> None:
    read = hems.parse(envelope(message, "1", version))
    assert read.violations == ()
    assert (read.namespace, read.id) == (CWMP + version, "1")


@pytest.mark.parametrize("version", ["1-0", "1-1", "1-2"])
@pytest.mark.parametrize("message", OUTGOING)
def test_every_envelope_is_valid_by_the_schema_of_its_version(
    message: Outgoing, version: str
) -> None:
    if schema.folder() is None:
        pytest.skip("HENBD_REFERENCE names no folder with the schemas of CWMP")
    if isinstance(message, AutonomousTransferComplete | TransferComplete):
        message, version = session.spoken(Owed(Event(events.DOWNLOAD), message), version)
    root = etree.fromstring(envelope(message, "1", version))
    assert schema.deviations(root, CWMP + version) == []


QUEUE = (
    QueuedTransfer("key", 1, False, "1 Vendor Configuration File", 0, ""),
    QueuedTransfer("<&>" * 10, 2, True, "1 Firmware Upgrade Image", 2**32 - 1, "a b"),
)


@pytest.mark.parametrize(
    ("message", "first"),
    [
        (DownloadResponse(), "1-0"),
        (UploadResponse(), "1-0"),
        (GetQueuedTransfersResponse(()), "1-0"),
        (GetQueuedTransfersResponse(QUEUE), "1-0"),
        # That of 1.1 knows no file type of an upload.
        (GetAllQueuedTransfersResponse(QUEUE[1:]), "1-1"),
        (GetAllQueuedTransfersResponse(QUEUE), "1-2"),
        (CancelTransferResponse(), "1-2"),
        (Fault(9021, "no"), "1-2"),
    ],
)
def test_what_is_said_of_transfers_is_valid_by_the_schema(message: Outgoing, first: str) -> None:
    if schema.folder() is None:
        pytest.skip("HENBD_REFERENCE names no folder with the schemas of CWMP")
    for version in ("1-0", "1-1", "1-2"):
        if version >= first:
            root = etree.fromstring(envelope(message, "1", version))
            assert schema.deviations(root, CWMP + version) == []


@pytest.mark.conformance("C136", "C150")
@pytest.mark.parametrize("version", ["1-0", "1-1", "1-2"])
def test_transfer_may_end_in_any_way_and_the_schema_knows_how_it_is_told(version: str) -> None:
    for code in (0, *(code for code in FaultCode if code >= 9000)):
        for event in (events.DOWNLOAD, events.UPLOAD):
            call = TransferComplete("key", code, "why", UNKNOWN_TIME, UNKNOWN_TIME)
            message, spoken = session.spoken(Owed(Event(event), call), version)
            root = etree.fromstring(envelope(message, "1", spoken))
            assert schema.deviations(root, CWMP + spoken) == []


@pytest.mark.parametrize("base", Base)
def test_type_on_the_wire_is_one_that_the_schema_knows(base: Base) -> None:
    """The types of TR-106 as TR-069 writes them: base64 has another name there."""
    text = SPELLINGS[base]({Base.BOOLEAN: "0", Base.DATE_TIME: UNKNOWN_TIME}.get(base, "1234"))
    message = GetParameterValuesResponse((ParameterValue("Device.A", text, base.value),))
    data = envelope(message, None, "1-2")
    assert hems.parse(data).violations == ()
    assert schema.deviations(etree.fromstring(data), CWMP + "1-2") == []


AWKWARD = [
    "a&b<c>d\"e'f]]>g",
    " \t\r\n ",
    "%s %d {} %%",
    "été \U0001f600 \u2028",
    "</Value>",
    "&amp;",
    "<![CDATA[x]]>",
    "\x7f\x85\xa0",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_text_arrives_as_it_was_sent(text: str) -> None:
    message = replace(
        INFORM,
        device_id=DeviceId(text, "00256D", text, text),
        events=(Event("M Reboot", text),),
        parameters=(ParameterValue("A", text),),
    )
    read = hems.parse(envelope(message, text, "1-2"))
    assert isinstance(read.message, seen.Inform)
    assert read.id == text
    assert read.message.device_id == seen.DeviceId(text, "00256D", text, text)
    assert read.message.events == (("M Reboot", text),)
    assert read.message.parameters == (seen.ParameterValue("A", text, "xsd:string"),)


@pytest.mark.parametrize("text", AWKWARD)
def test_text_of_a_fault_arrives_as_it_was_sent(text: str) -> None:
    message = Fault(9003, text, (ParameterFault(text, 9005, text),))
    read = hems.parse(envelope(message, None, "1-2")).message
    assert isinstance(read, seen.Fault)
    assert (read.text, read.parameters) == (text, (seen.ParameterFault(text, 9005, text),))


@pytest.mark.conformance("C045")
@pytest.mark.parametrize("text", ["\0", "\x01\x0b\x1f", "\ud800", "\ufffe\uffff"])
def test_what_xml_cannot_carry_is_replaced(text: str) -> None:
    """It can only come from our own files, and must not make the message unreadable."""
    message = GetParameterValuesResponse((ParameterValue("A", text),))
    read = hems.parse(envelope(message, None, "1-2")).message
    assert isinstance(read, seen.GetParameterValuesResponse)
    assert read.parameters[0].value == "\ufffd" * len(text)


@QUICK
@given(st.text())
def test_any_text_makes_an_envelope(text: str) -> None:
    data = envelope(GetParameterValuesResponse((ParameterValue("A", text),)), text, "1-2")
    assert hems.parse(data).violations == ()


@pytest.mark.conformance("C102")
def test_access_list_is_empty_where_the_subscriber_may_not_set() -> None:
    message = GetParameterAttributesResponse((("A", 0), ("B", 2)), frozenset({"A"}))
    read = hems.parse(envelope(message, None, "1-2")).message
    assert isinstance(read, seen.GetParameterAttributesResponse)
    assert [entry.access_list for entry in read.parameters] == [(), ("Subscriber",)]
