"""The Broadband Forum's schemas, held against the CPE's messages and the HeMS's own."""

from __future__ import annotations

import pytest

from tests.lab.hems import rpc, schema
from tests.lab.hems.answers import INFORM_RESPONSE, response_to
from tests.lab.hems.cpe import fault, inform
from tests.lab.hems.messages import Bare, Other
from tests.lab.hems.soap import NAMESPACES, cwmp_fault, envelope, parse

pytestmark = pytest.mark.skipif(
    schema.folder() is None, reason="no schemas: HENBD_REFERENCE is not set"
)

REQUESTS = (
    rpc.Methods(),
    rpc.Set({"Device.A": ("<&>", "xsd:string"), "Device.B": ("1", "xsd:boolean")}, "k"),
    rpc.Get(["Device.A", "Device.B."]),
    rpc.Names("Device.", next_level=True),
    rpc.SetAttributes({"Device.A": 2}, {"Device.A": ["Subscriber"], "Device.B": []}),
    rpc.GetAttributes(["Device.A"]),
    rpc.Add("Device.A."),
    rpc.Delete("Device.A.1.", "k"),
    rpc.Reboot("k"),
    rpc.FactoryReset(),
    rpc.ScheduleInform(3, "k"),
    rpc.Download("1 Firmware Upgrade Image", "http://hems/image?a=1&b=2", "k", "u", "p", 7),
    rpc.Upload("X 00256D 3GPP Performance File", "http://hems/pm", "k"),
)


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_schema_accepts_what_is_right_and_nothing_else(namespace: str) -> None:
    right = inform((("3 SCHEDULED", ""), ("M ScheduleInform", "k")), namespace=namespace)
    assert schema.deviations(parse(right).root, namespace) == []
    for old, new in (
        (b"<OUI>00256D", b"<OUI>0025"),
        (b"<RetryCount>0", b"<RetryCount>x"),
        (b"3 SCHEDULED", b"SCHEDULED"),
        (b'<Value xsi:type="xsd:string">', b'<Value xsi:type="xsd:int">'),
    ):
        wrong = right.replace(old, new)
        assert wrong != right
        (sentence,) = schema.deviations(parse(wrong).root, namespace)
        assert sentence.startswith("schema: ")


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.METHOD)
def test_requests_of_the_hems_are_right(request_: rpc.Rpc, namespace: str) -> None:
    content = f"<cwmp:{request_.METHOD}>{request_.arguments()}</cwmp:{request_.METHOD}>"
    assert deviations(content, namespace) == []


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize(
    "content",
    [
        INFORM_RESPONSE,
        response_to(Bare("GetRPCMethods")),
        response_to(Other("Kicked")),
        cwmp_fault(8005, "Retry request"),
    ],
)
def test_answers_of_the_hems_are_right(content: str, namespace: str) -> None:
    assert deviations(content, namespace) == []


def deviations(content: str, namespace: str) -> list[str]:
    """Return what the schema has against an envelope with that content."""
    return schema.deviations(parse(envelope(namespace, content, id="1")).root, namespace)


def test_soap_encoding_attributes_are_left_out_of_account() -> None:
    soap = "http://schemas.xmlsoap.org/soap/"
    body = inform().replace(
        b"<Event ", f'<Event xsi:type="soapenc:Array" soapenv:encodingStyle="{soap}" '.encode()
    )
    said = parse(body)
    assert schema.deviations(said.root, said.namespace) == []


def test_fault_of_a_cpe_is_held_against_the_schema() -> None:
    right, wrong = fault(9003, [("a", 9007)]), fault(7, [("a", 9007)])
    assert schema.deviations(parse(right).root, NAMESPACES[2]) == []
    assert len(schema.deviations(parse(wrong).root, NAMESPACES[2])) == 1
