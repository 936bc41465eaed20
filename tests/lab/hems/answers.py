"""The answers of a HeMS as HTTP responses: what it says, and what it says in place of that."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from xml.sax.saxutils import escape

from tests.lab.hems.http1 import Response
from tests.lab.hems.messages import Bare, Message, Other
from tests.lab.hems.script import (
    Answer,
    Empty,
    Garbage,
    HoldRequests,
    Manner,
    Raw,
    Redirect,
    SoapFault,
    SoapHeader,
    Stale,
    Status,
)
from tests.lab.hems.soap import cwmp_fault, envelope

_XML = ("Content-Type", "text/xml; charset=utf-8")
_TEXT = ("Content-Type", "text/plain; charset=utf-8")
_METHODS = ("Inform", "GetRPCMethods", "TransferComplete", "AutonomousTransferComplete")
_METHOD_NOT_SUPPORTED = 8000

INFORM_RESPONSE = "<cwmp:InformResponse><MaxEnvelopes>1</MaxEnvelopes></cwmp:InformResponse>"
EMPTY = Response(HTTPStatus.NO_CONTENT)


def say(namespace: str, content: str, id: str | None, manners: Sequence[Manner]) -> Response:  # noqa: A002 the word of the standard
    """Return an envelope with that content, and with the SOAP headers among the manners."""
    headers = [manner.xml for manner in manners if isinstance(manner, SoapHeader)]
    if any(isinstance(manner, HoldRequests) for manner in manners):
        headers.append('<cwmp:HoldRequests soapenv:mustUnderstand="1">1</cwmp:HoldRequests>')
    body = envelope(namespace, content, id=id, headers="".join(headers))
    return Response(HTTPStatus.OK, body, (_XML,))


def response_to(request: Message) -> str:
    """Return the content that answers a request of the CPE's own."""
    match request:
        case Bare("GetRPCMethods"):
            names = "".join(f"<string>{name}</string>" for name in _METHODS)
            kind = f'soapenc:arrayType="xsd:string[{len(_METHODS)}]"'
            methods = f"<MethodList {kind}>{names}</MethodList>"
            return f"<cwmp:GetRPCMethodsResponse>{methods}</cwmp:GetRPCMethodsResponse>"
        case Other(method):
            return cwmp_fault(_METHOD_NOT_SUPPORTED, f"Method not supported: {escape(method)}")
        case _:
            return f"<cwmp:{type(request).__name__}Response/>"


def instead(
    answer: Answer,
    namespace: str = "",
    id: str | None = None,  # noqa: A002 the word of the standard
    challenges: Sequence[str] = (),
) -> Response:
    """Return an answer that stands in place of the right one."""
    match answer:
        case Status(code, text):
            return Response(code, text.encode(), (_TEXT,))
        case Redirect(location, code):
            where = () if location is None else (("Location", location),)
            return Response(code, b"", where)
        case Empty(code):
            return Response(code)
        case Garbage(body, kind):
            return Response(HTTPStatus.OK, body, (("Content-Type", kind),))
        case Raw(body):
            return Response(HTTPStatus.OK, body, (_XML,))
        case SoapFault(code, text):
            return say(namespace, cwmp_fault(code, escape(text)), id, ())
        case Stale():
            return challenge(challenges)


def challenge(challenges: Sequence[str]) -> Response:
    """Return a 401 with these challenges."""
    headers = tuple(("WWW-Authenticate", value) for value in challenges)
    return Response(HTTPStatus.UNAUTHORIZED, b"authenticate", (*headers, _TEXT))
