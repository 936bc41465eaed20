"""What is seen in the field and is no reason to fail: each way to write it comes to the same.

The types of the model decide what a value is, never the wire.
"""

from __future__ import annotations

import pytest

from henbd.model import paths
from tests.lab.hems import messages as seen
from tests.lab.hems import soap as hems
from tests.unit.dialogue import (
    NOTHING,
    WELCOME,
    Course,
    drive,
    ended_well,
    envelope,
)

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ARRAY = 'xmlns:s="http://schemas.xmlsoap.org/soap/encoding/" s:arrayType'
XSI = (
    'xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:d="http://www.w3.org/2001/XMLSchema"'
)


def asked(body: str | bytes) -> Course:
    """Hold a session in which a HeMS asks for one thing, in a whole envelope or in its Body."""
    return drive([WELCOME, (200, body if isinstance(body, bytes) else envelope(body))])


def struct(path: str, value: str) -> str:
    """Return a ParameterValueStruct; `value` is the whole element."""
    return f"<ParameterValueStruct><Name>{path}</Name>{value}</ParameterValueStruct>"


def set_of(structs: str, key: str = "<ParameterKey>k</ParameterKey>", attributes: str = "") -> str:
    return (
        f"<c:SetParameterValues><ParameterList {attributes}>{structs}</ParameterList>{key}"
        "</c:SetParameterValues>"
    )


PORT = struct(paths.S1_PORT, "<Value>36500</Value>")
ADMIN = paths.ADMIN_STATE
SPELLINGS = {
    "no xsi:type": (paths.S1_PORT, "<Value>36500</Value>", "36500"),
    "no prefix in xsi:type": (ADMIN, f"<Value {XSI} i:type='boolean'>true</Value>", "true"),
    "xsd:string for a boolean": (ADMIN, f"<Value {XSI} i:type='d:string'>true</Value>", "true"),
    "xsd:int for an unsignedInt": (
        paths.S1_PORT,
        f"<Value {XSI} i:type='d:int'>36500</Value>",
        "36500",
    ),
    "xsd:boolean for a string": (
        paths.S1_SERVERS,
        f"<Value {XSI} i:type='d:boolean'>mme.example</Value>",
        "mme.example",
    ),
    "a type that there is not": (
        paths.S1_PORT,
        f"<Value {XSI} i:type='d:port'>36500</Value>",
        "36500",
    ),
    "an undeclared prefix in a type": (ADMIN, f"<Value {XSI} i:type='q:boolean'>1</Value>", "true"),
    "True": (ADMIN, "<Value>True</Value>", "true"),
    "TRUE": (ADMIN, "<Value>TRUE</Value>", "true"),
    "1": (ADMIN, "<Value>1</Value>", "true"),
    "False": (ADMIN, "<Value>False</Value>", "false"),
    "0": (ADMIN, "<Value>0</Value>", "false"),
    "blanks around a number": (paths.S1_PORT, "<Value>\n  36500\n</Value>", "36500"),
    "zeros before a number": (paths.S1_PORT, "<Value>036500</Value>", "36500"),
    "a time with milliseconds": (
        paths.PERIODIC_TIME,
        "<Value>2026-02-03T04:05:06.789Z</Value>",
        "2026-02-03T04:05:06Z",
    ),
    "a time with an offset": (
        paths.PERIODIC_TIME,
        "<Value>2026-02-03T05:05:06+01:00</Value>",
        "2026-02-03T04:05:06Z",
    ),
    "a time without a zone": (
        paths.PERIODIC_TIME,
        "<Value>2026-02-03T04:05:06</Value>",
        "2026-02-03T04:05:06Z",
    ),
    "a list with blanks": (paths.S1_SERVERS, "<Value> a.example , b.example </Value>",
                           "a.example,b.example"),
    "an entity of XML": (paths.HNB_NAME, "<Value>a &amp; b</Value>", "a & b"),
    "CDATA": (paths.HNB_NAME, "<Value><![CDATA[a & b]]></Value>", "a & b"),
}  # fmt: skip


@pytest.mark.conformance("C046", "C118", "C035")
@pytest.mark.parametrize("way", SPELLINGS)
def test_value_may_be_written_in_any_way_that_has_a_meaning(way: str) -> None:
    path, value, wanted = SPELLINGS[way]
    course = asked(set_of(struct(path, value)))
    assert course.answers == [seen.SetParameterValuesResponse(0)]
    assert course.state.tree.value(path) == wanted


DECLARED = (
    f'<e:Envelope xmlns:e="{SOAP}" xmlns:c="urn:dslforum-org:cwmp-1-2"><e:Body>'
    f"{set_of(PORT)}</e:Body></e:Envelope>"
)
INDENTED = DECLARED.replace("><", ">\n  <")
SETS = {
    "no ParameterKey": envelope(set_of(PORT, key="")),
    "an empty ParameterKey": envelope(set_of(PORT, key="<ParameterKey/>")),
    "no arrayType": envelope(set_of(PORT)),
    "a wrong count": envelope(
        set_of(PORT, attributes=f'{ARRAY}="c:ParameterValueStruct[9]"')
    ),
    "a wrong arrayType": envelope(set_of(PORT, attributes=f'{ARRAY}="d:string[]"')),
    "other names in an array": envelope(set_of(PORT.replace("ParameterValueStruct", "item"))),
    "no Header": DECLARED.encode(),
    "indented": INDENTED.encode(),
    "with a byte order mark": INDENTED.encode("utf-8-sig"),
    "lines ended as elsewhere": INDENTED.replace("\n", "\r\n").encode(),
    "declaration in single quotes": b"<?xml version='1.0' encoding='utf-8'?>" + DECLARED.encode(),
    "declaration that says standalone": (
        b'<?xml version="1.0" encoding="utf-8" standalone="no"?>\n' + DECLARED.encode()
    ),
    "blank line before the declaration": b'\r\n<?xml version="1.0"?>' + DECLARED.encode(),
    "blank lines after the end": DECLARED.encode() + b"\r\n\r\n",
    "comments": DECLARED.replace("<e:Body>", "<!-- a --><e:Body><!-- b -->").encode(),
    "other prefixes": (
        DECLARED.replace("e:", "SOAP-ENV:").replace(":e=", ":SOAP-ENV=").replace("c:", "cwmp:")
        .replace(":c=", ":cwmp=").encode()
    ),
    "default namespace of SOAP": (
        DECLARED.replace("e:", "").replace("xmlns:e", "xmlns").encode()
    ),
    "default namespace of CWMP": (
        f'<e:Envelope xmlns:e="{SOAP}"><e:Body>'
        f'{set_of(PORT).replace("c:SetParameterValues>", "SetParameterValues>", 1)}'
        "</e:Body></e:Envelope>"
    ).replace("<SetParameterValues>", '<SetParameterValues xmlns="urn:dslforum-org:cwmp-1-2">')
    .replace("</c:", "</").encode(),
}  # fmt: skip


@pytest.mark.conformance("C035", "C043", "C038")
@pytest.mark.parametrize("way", SETS)
def test_set_may_be_dressed_in_any_way_that_is_xml(way: str) -> None:
    course = asked(SETS[way])
    assert course.answers == [seen.SetParameterValuesResponse(0)]
    assert course.state.tree.value(paths.S1_PORT) == "36500"


@pytest.mark.conformance("C037", "C038")
@pytest.mark.parametrize("header", ["", "<c:ID/>", "<c:ID>null</c:ID>", "<c:ID>1</c:ID>"])
def test_identity_of_an_answer_does_not_matter(header: str) -> None:
    welcome = envelope("<c:InformResponse/>", header=header)
    assert ended_well(drive([(200, welcome), NOTHING]))


@pytest.mark.parametrize(
    ("header", "wanted"), [("", None), ("<c:ID/>", ""), ("<c:ID>0</c:ID>", "0")]
)
def test_identity_of_a_request_comes_back_as_it_was(header: str, wanted: str | None) -> None:
    course = asked(envelope("<c:GetRPCMethods/>", header=header))
    assert hems.parse(course.posts[-1]).id == wanted


def names(*asked_for: str) -> str:
    strings = "".join(f"<string>{name}</string>" for name in asked_for)
    return (
        f"<c:GetParameterValues><ParameterNames>{strings}</ParameterNames></c:GetParameterValues>"
    )


@pytest.mark.conformance("C103", "C089")
def test_name_that_is_asked_for_twice_is_answered_once() -> None:
    (answer,) = asked(names(paths.S1_PORT, paths.S1_PORT, paths.GATEWAY)).answers
    assert isinstance(answer, seen.GetParameterValuesResponse)
    got = [parameter.name for parameter in answer.parameters]
    assert len(got) == len(set(got))
    assert paths.S1_PORT in got


@pytest.mark.conformance("C103", "C105")
def test_empty_path_is_the_whole_model() -> None:
    course = asked(names(""))
    (answer,) = course.answers
    assert isinstance(answer, seen.GetParameterValuesResponse)
    assert {p.name for p in answer.parameters} == set(course.state.tree.values)
    (level,) = asked(
        "<c:GetParameterNames><ParameterPath/><NextLevel>1</NextLevel></c:GetParameterNames>"
    ).answers
    assert isinstance(level, seen.GetParameterNamesResponse)
    assert [p.name for p in level.parameters] == ["Device."]


@pytest.mark.conformance("C104")
def test_empty_table_is_an_empty_list_and_no_fault() -> None:
    (answer,) = asked(names(paths.LTE_TUNNELS)).answers
    assert answer == seen.GetParameterValuesResponse(())
    table = f"<ParameterPath>{paths.LTE_TUNNELS}</ParameterPath><NextLevel>1</NextLevel>"
    (rows,) = asked(f"<c:GetParameterNames>{table}</c:GetParameterNames>").answers
    assert rows == seen.GetParameterNamesResponse(())
