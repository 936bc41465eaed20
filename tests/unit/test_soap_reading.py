"""Bytes to messages: what we read, and what we refuse to read."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from henbd.cwmp.bounds import LARGEST_BYTES, MOST_ATTRIBUTES, MOST_TAGS
from henbd.cwmp.messages import Envelope, Incoming, InformResponse
from henbd.cwmp.requests import (
    AddObject,
    DeleteObject,
    FactoryReset,
    GetParameterAttributes,
    GetParameterNames,
    GetParameterValues,
    GetRPCMethods,
    MalformedRequest,
    Reboot,
    ScheduleInform,
    SetParameterAttributes,
    SetParameterValues,
    UnknownMethod,
)
from henbd.cwmp.soap import parse
from henbd.cwmp.structs import AttributeChange, Fault, ParameterFault, ParameterValue
from henbd.errors import HemsError
from tests.unit.settings import QUICK

SOAP = 'xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:c="urn:dslforum-org:cwmp-1-0"'


ATTRIBUTES = "".join(
    f"<SetParameterAttributesStruct>{content}</SetParameterAttributesStruct>"
    for content in (
        (
            "<Name>A</Name><NotificationChange>1</NotificationChange><Notification>2</Notification>"
            "<AccessListChange>1</AccessListChange><AccessList><string>Subscriber</string></AccessList>"
        ),
        (
            "<Name>B</Name><NotificationChange>0</NotificationChange><Notification>2</Notification>"
            "<AccessListChange>0</AccessListChange><AccessList/>"
        ),
        "<Notification>1</Notification><Name>C</Name>",
        "<Name>D</Name>",
        "<Name>E</Name><AccessListChange>true</AccessListChange><AccessList/>",
        (
            "<Name>F</Name><AccessListChange>1</AccessListChange><AccessList>"
            "<string>X_00256D_Installer</string></AccessList>"
        ),
    )
)


def message(body: str, header: str = "") -> bytes:
    return f"<e:Envelope {SOAP}>{header}<e:Body>{body}</e:Body></e:Envelope>".encode()


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("<c:InformResponse><MaxEnvelopes>1</MaxEnvelopes></c:InformResponse>", InformResponse()),
        ("<c:InformResponse/>", InformResponse()),
        ("<c:GetRPCMethods/>", GetRPCMethods()),
        (
            (
                "<c:GetParameterNames><ParameterPath>Device.</ParameterPath>"
                "<NextLevel>1</NextLevel></c:GetParameterNames>"
            ),
            GetParameterNames("Device.", next_level=True),
        ),
        (
            (
                "<c:GetParameterNames><ParameterPath/><NextLevel> false </NextLevel>"
                "</c:GetParameterNames>"
            ),
            GetParameterNames("", next_level=False),
        ),
        (
            (
                "<c:GetParameterValues><ParameterNames><string>Device.A</string>"
                "<string>\n Device.B\n</string><string/></ParameterNames></c:GetParameterValues>"
            ),
            GetParameterValues(("Device.A", "Device.B", "")),
        ),
        (
            "<c:GetParameterValues><ParameterNames/></c:GetParameterValues>",
            GetParameterValues(()),
        ),
        (
            (
                "<c:SetParameterValues><ParameterList><ParameterValueStruct><Name> A </Name>"
                "<Value> v </Value></ParameterValueStruct></ParameterList>"
                "<ParameterKey> k </ParameterKey></c:SetParameterValues>"
            ),
            SetParameterValues((ParameterValue("A", " v "),), " k "),
        ),
        (
            (
                "<c:SetParameterValues><ParameterList><ParameterValueStruct><Value/><Name>A</Name>"
                "</ParameterValueStruct></ParameterList><ParameterKey/></c:SetParameterValues>"
            ),
            SetParameterValues((ParameterValue("A", ""),), ""),
        ),
        (
            (
                "<c:SetParameterValues><ParameterList><ParameterValueStruct><Name>A</Name>"
                "<Value>a<![CDATA[<&]]>&#10;<!-- no -->&amp;<?no?>b</Value></ParameterValueStruct>"
                "</ParameterList><ParameterKey/></c:SetParameterValues>"
            ),
            SetParameterValues((ParameterValue("A", "a<&\n&b"),), ""),
        ),
        ("<c:X_Dance><CommandKey/></c:X_Dance>", UnknownMethod("X_Dance")),
        ("<c:Reboot><CommandKey> é </CommandKey></c:Reboot>", Reboot(" é ")),
        ("<c:Reboot/>", Reboot("")),
        ("<c:FactoryReset/>", FactoryReset()),
        (
            (
                "<c:ScheduleInform><DelaySeconds> 60 </DelaySeconds><CommandKey>k</CommandKey>"
                "</c:ScheduleInform>"
            ),
            ScheduleInform(60, "k"),
        ),
        (
            (
                "<c:AddObject><ObjectName> A. </ObjectName><ParameterKey>k</ParameterKey>"
                "</c:AddObject>"
            ),
            AddObject("A.", "k"),
        ),
        (
            "<c:DeleteObject><ObjectName>A.1.</ObjectName></c:DeleteObject>",
            DeleteObject("A.1.", ""),
        ),
        (
            (
                "<c:GetParameterAttributes><ParameterNames><string>A</string></ParameterNames>"
                "</c:GetParameterAttributes>"
            ),
            GetParameterAttributes(("A",)),
        ),
        (
            (
                f"<c:SetParameterAttributes><ParameterList>{ATTRIBUTES}</ParameterList>"
                "</c:SetParameterAttributes>"
            ),
            SetParameterAttributes(
                (
                    AttributeChange("A", 2, subscriber=True),
                    AttributeChange("B", None),
                    AttributeChange("C", 1),
                    AttributeChange("D", None),
                    AttributeChange("E", None, subscriber=False),
                    AttributeChange("F", None, subscriber=False),
                )
            ),
        ),
        ("<c:getRPCMethods/>", UnknownMethod("getRPCMethods")),
        ("<GetRPCMethods/>", GetRPCMethods()),
        (
            (
                "<e:Fault><faultcode>Server</faultcode><detail><c:Fault>"
                "<FaultCode> 8005 </FaultCode><FaultString>Retry</FaultString></c:Fault>"
                "</detail></e:Fault>"
            ),
            Fault(8005, "Retry"),
        ),
        (
            (
                "<e:Fault><detail><c:Fault><FaultCode>8003</FaultCode><SetParameterValuesFault>"
                "<ParameterName>A</ParameterName><FaultCode>x</FaultCode></SetParameterValuesFault>"
                "</c:Fault></detail></e:Fault>"
            ),
            Fault(8003, "", (ParameterFault("A", 0, ""),)),
        ),
        (
            "<e:Fault><faultstring>no CWMP in here</faultstring></e:Fault>",
            Fault(0, "no CWMP in here"),
        ),
        ("<e:Fault/>", Fault(0, "")),
        (
            (
                "<e:Fault><detail><c:Fault><FaultCode>99999999999</FaultCode></c:Fault></detail>"
                "</e:Fault>"
            ),
            Fault(0, ""),
        ),
    ],
)
def test_message_of_the_hems(body: str, wanted: Incoming) -> None:
    assert parse(message(body)).message == wanted


@pytest.mark.conformance("C044")
@pytest.mark.parametrize(
    "body",
    [
        "<c:GetParameterValues/>",
        "<c:GetParameterAttributes/>",
        "<c:SetParameterAttributes/>",
        "<c:SetParameterAttributes><ParameterList><a/></ParameterList></c:SetParameterAttributes>",
        (
            "<c:SetParameterAttributes><ParameterList><a><Name>A</Name><NotificationChange>1"
            "</NotificationChange></a></ParameterList></c:SetParameterAttributes>"
        ),
        "<c:ScheduleInform><CommandKey>k</CommandKey></c:ScheduleInform>",
        "<c:ScheduleInform><DelaySeconds>-1</DelaySeconds></c:ScheduleInform>",
        "<c:SetParameterValues><ParameterKey/></c:SetParameterValues>",
        "<c:GetParameterNames><NextLevel>1</NextLevel></c:GetParameterNames>",
        "<c:GetParameterNames><ParameterPath/></c:GetParameterNames>",
        "<c:GetParameterNames><ParameterPath/><NextLevel>maybe</NextLevel></c:GetParameterNames>",
        (
            "<c:SetParameterValues><ParameterList><ParameterValueStruct><Name>A</Name>"
            "</ParameterValueStruct></ParameterList><ParameterKey/></c:SetParameterValues>"
        ),
        (
            "<c:SetParameterValues><ParameterList><ParameterValueStruct><Value>v</Value>"
            "</ParameterValueStruct></ParameterList><ParameterKey/></c:SetParameterValues>"
        ),
    ],
)
def test_request_without_an_argument_is_malformed(body: str) -> None:
    """A value that was not sent must not become an empty one."""
    assert isinstance(parse(message(body)).message, MalformedRequest)


@pytest.mark.conformance("C043")
@pytest.mark.parametrize("declared", [0, 7, 100_000_000])
def test_array_is_as_long_as_it_is_whatever_it_says(declared: int) -> None:
    body = (
        '<c:GetParameterValues><ParameterNames xmlns:s="http://schemas.xmlsoap.org/soap/encoding/"'
        f' s:arrayType="xsd:string[{declared}]"><string>A</string></ParameterNames>'
        "</c:GetParameterValues>"
    )
    assert parse(message(body)).message == GetParameterValues(("A",))


@pytest.mark.conformance("C037", "C038")
@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", None),
        ("<e:Header/>", None),
        ("<e:Header><c:ID>7</c:ID></e:Header>", "7"),
        ('<e:Header><c:ID e:mustUnderstand="1"> a b </c:ID></e:Header>', " a b "),
        ("<e:Header><c:ID/></e:Header>", ""),
        ("<e:Header><ID>7</ID></e:Header>", "7"),
        ("<e:Header><c:HoldRequests>0</c:HoldRequests></e:Header>", None),
    ],
)
def test_identity_is_that_of_the_header(header: str, wanted: str | None) -> None:
    assert parse(message("<c:GetRPCMethods/>", header)).id == wanted


@pytest.mark.conformance("C039", "C040")
@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", False),
        ("<e:Header><c:HoldRequests>1</c:HoldRequests></e:Header>", True),
        ("<e:Header><c:HoldRequests>true</c:HoldRequests></e:Header>", True),
        ("<e:Header><c:HoldRequests>false</c:HoldRequests></e:Header>", False),
        ("<e:Header><c:NoMoreRequests>1</c:NoMoreRequests></e:Header>", False),
    ],
)
def test_requests_are_held_when_the_header_says_so(header: str, wanted: bool) -> None:
    assert parse(message("<c:InformResponse/>", header)).hold_requests is wanted


@pytest.mark.conformance("C035")
@pytest.mark.parametrize(
    ("declarations", "tag", "version"),
    [
        ('xmlns:x="urn:dslforum-org:cwmp-1-0"', "x:GetRPCMethods", "1-0"),
        ('xmlns:x="urn:dslforum-org:cwmp-1-1"', "x:GetRPCMethods", "1-1"),
        ('xmlns:x="urn:dslforum-org:cwmp-1-2"', "x:GetRPCMethods", "1-2"),
        ('xmlns="urn:dslforum-org:cwmp-1-2"', "GetRPCMethods", "1-2"),
        ('xmlns:x="urn:dslforum-org:cwmp-1-2"', "GetRPCMethods", "1-2"),
        ('xmlns:x="urn:dslforum-org:cwmp-1-1" xmlns:y="urn:other"', "y:GetRPCMethods", "1-1"),
        (
            'xmlns:x="urn:dslforum-org:cwmp-1-1" xmlns:y="urn:dslforum-org:cwmp-1-2"',
            "y:GetRPCMethods",
            "1-2",
        ),
        ('xmlns:x="urn:dslforum-org:cwmp-2-0"', "x:GetRPCMethods", "1-0"),
    ],
)
def test_version_is_that_of_the_message(declarations: str, tag: str, version: str) -> None:
    """Whatever the prefix."""
    data = (
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" {declarations}>'
        f"<s:Body><{tag}/></s:Body></s:Envelope>"
    )
    assert parse(data.encode()) == Envelope(GetRPCMethods(), None, version)


# What we refuse to read.

GOOD = message("<c:GetRPCMethods/>", "<e:Header><c:ID>1</c:ID></e:Header>")
ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))

# An encoding in which neither tags nor a document type show, declared where it may be overlooked.
COVERED = GOOD.replace(b"<", b"+ADw-").replace(b"=", b"+AD0-")
COVERS = (
    '<?xml version="1.0" encoding="UTF-7"?>',
    '<?xml version="1.0" encoding = \'utf-7\' standalone="yes" ?>',
    f'<?xml version="1.0"{" " * 300}encoding="UTF-7"?>',
    f'{" " * 2000}<?xml version="1.0" encoding="UTF-7"?>',
    '<?xml version="1.0"?><?xml version="1.0" encoding="UTF-7"?>',
    '<?xml version="1>0" encoding="UTF-7"?>',
)


@pytest.mark.conformance("C042", "C045")
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b" \r\n", id="blanks"),
        pytest.param(b"\0" * 100, id="zeros"),
        pytest.param(b"\x1f\x8b\x08\x00", id="compressed"),
        pytest.param(b'{"a": 1}', id="JSON"),
        pytest.param(b"<html><body>503</body></html>", id="HTML"),
        pytest.param(b"<html><p>503<br></html>", id="HTML that is no XML"),
        pytest.param(b"<Envelope/>", id="no Body"),
        pytest.param(GOOD.replace(b"Envelope", b"envelope"), id="no Envelope"),
        pytest.param(message(""), id="empty Body"),
        pytest.param(message("text"), id="text in the Body"),
        pytest.param(message("<!-- nothing -->"), id="comment in the Body"),
        pytest.param(message("<c:GetRPCMethods/><c:GetRPCMethods/>"), id="two messages"),
        pytest.param(GOOD + GOOD, id="two envelopes"),
        pytest.param(GOOD + b"x", id="something after it"),
        pytest.param(b'x<?xml version="1.0"?>' + GOOD, id="declaration not at the start"),
        pytest.param(b'<?xml version="1.0" encoding="klingon"?>' + GOOD, id="unknown encoding"),
        pytest.param(b'<?xml version="1.0" encoding="UTF-16"?>' + GOOD, id="wrong encoding"),
        pytest.param(GOOD.replace(b">1<", b">\xe9<"), id="no UTF-8"),
        pytest.param(GOOD.replace(b">1<", b">\xed\xa0\x80<"), id="surrogate"),
        pytest.param(GOOD.replace(b">1<", b">\xc0\x80<"), id="overlong zero"),
        pytest.param(GOOD.replace(b">1<", b">\x0b<"), id="control character"),
        pytest.param(GOOD.replace(b">1<", b">&#0;<"), id="reference to zero"),
        pytest.param(GOOD.replace(b">1<", b">&#xD800;<"), id="reference to a surrogate"),
        pytest.param(GOOD.replace(b">1<", b">&#99999999999;<"), id="reference to nothing"),
        pytest.param(GOOD.replace(b">1<", b">&nbsp;<"), id="undefined entity"),
        pytest.param(GOOD.replace(b"<c:ID>", b"<d:ID>"), id="undefined prefix"),
        pytest.param(GOOD.replace(b"<c:ID>", b"<c:ID a='1' a='2'>"), id="attribute twice"),
        pytest.param(b"<!DOCTYPE x>" + GOOD, id="DTD"),
        pytest.param(b'<!DOCTYPE x SYSTEM "file:///etc/hostname">' + GOOD, id="DTD from a file"),
        pytest.param(b'<!DOCTYPE x PUBLIC "-" "http://127.0.0.1:9/">' + GOOD, id="DTD from far"),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
            + GOOD.replace(b">1<", b">&f;<"),
            id="entity from a file",
        ),
        pytest.param(
            b'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>' + GOOD,
            id="parameter entity from a file",
        ),
        pytest.param(
            f"<!DOCTYPE x [{ENTITIES}]>".encode() + GOOD.replace(b">1<", b">&l9;<"),
            id="billion laughs",
        ),
        pytest.param(
            f"<!DOCTYPE x [{ENTITIES}]>".encode() + GOOD.replace(b"<c:ID>", b'<c:ID a="&l9;">'),
            id="billion laughs in an attribute",
        ),
        pytest.param(
            f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>'.encode()
            + GOOD.replace(b">1<", b">" + b"&a;" * 10_000 + b"<"),
            id="quadratic laughs",
        ),
        pytest.param(message("<a>" * 300 + "</a>" * 300), id="deep"),
        pytest.param(message("<a>" * 500_000), id="bottomless"),
        pytest.param(GOOD.ljust(LARGEST_BYTES + 1), id="too long"),
        pytest.param(
            b'<?xml version="1.0" encoding="windows-1252"?>'
            + GOOD.replace(b">1<", b">" + b"\x80" * (LARGEST_BYTES // 2) + b"<"),
            id="too long in UTF-8",
        ),
        pytest.param(message("<a>" + "<b/>" * MOST_TAGS + "</a>"), id="too many elements"),
        pytest.param(
            message("<a " + " ".join(f'a{n}=""' for n in range(MOST_ATTRIBUTES)) + "/>"),
            id="too many attributes",
        ),
        pytest.param(GOOD.decode().encode("cp037"), id="EBCDIC"),
        pytest.param(
            b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x>' + GOOD, id="UTF-7"
        ),
        *(
            pytest.param(declaration.encode() + COVERED, id=f"under cover: {number}")
            for number, declaration in enumerate(COVERS)
        ),
        pytest.param(
            COVERS[0].encode("utf-16") + COVERED, id="under cover: UTF-7 declared in UTF-16"
        ),
        pytest.param(
            codecs.BOM_UTF8 + COVERS[0].encode() + COVERED, id="under cover: behind a mark"
        ),
    ],
)
def test_hostile_or_damaged_message_is_an_error_of_the_hems(data: bytes) -> None:
    with pytest.raises(HemsError):
        parse(data)


def test_longest_message_is_read() -> None:
    assert parse(GOOD.ljust(LARGEST_BYTES)).id == "1"


@pytest.mark.parametrize(
    "around", ['<c:GetRPCMethods a="{}"/>', "<c:GetRPCMethods>{}</c:GetRPCMethods>"]
)
def test_longest_text_is_no_lack_of_memory(around: str) -> None:
    """Of more than 10 MB libxml2 says so, and that would end the daemon."""
    text = "x" * (LARGEST_BYTES - len(message(around)))
    assert parse(message(around.format(text))).message == GetRPCMethods()


@pytest.mark.parametrize("length", range(len(GOOD)))
def test_truncated_message_is_an_error_of_the_hems(length: int) -> None:
    with pytest.raises(HemsError):
        parse(GOOD[:length])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    assert parse(GOOD.decode().encode(encoding)).id == "1"


def test_other_encoding_is_read_when_it_is_declared() -> None:
    data = b'<?xml version="1.0" encoding="iso-8859-1"?>' + GOOD.replace(b">1<", b">\xe9<")
    assert parse(data).id == "é"


def test_inclusion_is_not_carried_out() -> None:
    included = '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/hostname"/>'
    body = f"<c:SetParameterValues><ParameterList/><ParameterKey>{included}</ParameterKey>"
    assert parse(message(body + "</c:SetParameterValues>")).message == SetParameterValues((), "")


@QUICK
@given(st.binary(max_size=200))
def test_random_bytes_are_an_error_of_the_hems(data: bytes) -> None:
    with pytest.raises(HemsError):
        parse(data)


@QUICK
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=4), st.integers(0, 8))
def test_damaged_message_is_read_or_an_error_of_the_hems(
    at: int, inserted: bytes, removed: int
) -> None:
    try:
        found = parse(GOOD[:at] + inserted + GOOD[at + removed :])
    except HemsError:
        return
    assert isinstance(found, Envelope)


def test_error_of_the_hems_is_told_in_one_line() -> None:
    for data in (b"", b"<a>\0</a>", b"<a>\n&b;\n</a>", message("<a>" * 300)):
        with pytest.raises(HemsError) as refused:
            parse(data)
        assert str(refused.value).isprintable()
