"""A small CPE, correct unless told otherwise: what the HeMS itself is tested with."""

from __future__ import annotations

import http.client
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit
from xml.sax.saxutils import escape

from tests.lab.hems.auth import Credentials, authorization
from tests.lab.hems.check import FORCED
from tests.lab.hems.soap import envelope

CWMP_1_2 = "urn:dslforum-org:cwmp-1-2"
ENVELOPE_HEADERS = MappingProxyType({"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ""})
PARAMETERS = MappingProxyType({name.replace("{i}", "1"): "" for name in FORCED})
EVENTS = (("0 BOOTSTRAP", ""), ("1 BOOT", ""))
STATUS_OK = "<Status>0</Status>"


def value_list(values: Mapping[str, str]) -> str:
    """Return a ParameterList of strings."""
    structs = "".join(
        f"<ParameterValueStruct><Name>{name}</Name>"
        f'<Value xsi:type="xsd:string">{escape(value)}</Value></ParameterValueStruct>'
        for name, value in values.items()
    )
    kind = f'soapenc:arrayType="cwmp:ParameterValueStruct[{len(values)}]"'
    return f"<ParameterList {kind}>{structs}</ParameterList>"


def inform(
    events: Sequence[tuple[str, str]] = EVENTS,
    parameters: Mapping[str, str] = PARAMETERS,
    *,
    retry_count: int = 0,
    id: str = "cpe-1",  # noqa: A002 the word of the standard
    namespace: str = CWMP_1_2,
) -> bytes:
    """Return an Inform."""
    structs = "".join(
        f"<EventStruct><EventCode>{code}</EventCode><CommandKey>{key}</CommandKey></EventStruct>"
        for code, key in events
    )
    content = (
        "<cwmp:Inform><DeviceId><Manufacturer>Lab</Manufacturer><OUI>00256D</OUI>"
        "<ProductClass>HeNB</ProductClass><SerialNumber>000001</SerialNumber></DeviceId>"
        f'<Event soapenc:arrayType="cwmp:EventStruct[{len(events)}]">{structs}</Event>'
        "<MaxEnvelopes>1</MaxEnvelopes><CurrentTime>2024-02-29T12:00:00+01:00</CurrentTime>"
        f"<RetryCount>{retry_count}</RetryCount>{value_list(parameters)}</cwmp:Inform>"
    )
    return envelope(namespace, content, id=id)


def message(
    method: str,
    arguments: str = "",
    *,
    id: str | None = "cpe-2",  # noqa: A002 the word of the standard
    namespace: str = CWMP_1_2,
) -> bytes:
    """Return a message with these arguments, which are XML text."""
    content = f"<cwmp:{method}>{arguments}</cwmp:{method}>"
    return envelope(namespace, content, id=id)


def fault(code: int, culprits: Sequence[tuple[str, int]] = (), *, id: str | None = None) -> bytes:  # noqa: A002 the word of the standard
    """Return a fault, with a SetParameterValuesFault for each culprit."""
    refused = "".join(
        f"<SetParameterValuesFault><ParameterName>{name}</ParameterName>"
        f"<FaultCode>{why}</FaultCode><FaultString>no</FaultString></SetParameterValuesFault>"
        for name, why in culprits
    )
    content = (
        "<soapenv:Fault><faultcode>Client</faultcode><faultstring>CWMP fault</faultstring>"
        f"<detail><cwmp:Fault><FaultCode>{code}</FaultCode><FaultString>no</FaultString>{refused}"
        "</cwmp:Fault></detail></soapenv:Fault>"
    )
    return envelope(CWMP_1_2, content, id=id)


def id_of(body: bytes) -> str | None:
    """Return the cwmp:ID of an envelope."""
    found = re.search(rb"ID[^>]*>([^<]*)</", body)
    return found[1].decode() if found else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the HeMS answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Cpe:
    """One session's worth of a CPE: one connection, its cookies, and the state of Digest."""

    def __init__(
        self,
        url: str,
        *,
        digest: tuple[str, str] | None = None,
        context: ssl.SSLContext | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self.url = url
        self.cookies: dict[str, str] = {}
        self._credentials = Credentials(*digest) if digest else None
        self._context = context
        self._timeout_s = timeout_s
        self._challenge = ""
        self._count = 0
        self._connection = self._new_connection()

    def _new_connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if self._context is None:
            return http.client.HTTPConnection(host, parts.port, self._timeout_s)
        return http.client.HTTPSConnection(
            host, parts.port, timeout=self._timeout_s, context=self._context
        )

    def post(self, body: bytes = b"") -> Answer:
        """Send a message, and return the answer, after authentication and redirects."""
        answer = self.exchange(body)
        if answer.status == 401 and self._credentials:
            self._challenge, self._count = answer.headers["WWW-Authenticate"], 0
            answer = self.exchange(body)
        if answer.status in (302, 307):
            self.url = urljoin(self.url, answer.headers["Location"])
            self._connection.close()
            self._connection = self._new_connection()
            return self.post(body)
        return answer

    def exchange(self, body: bytes = b"") -> Answer:
        """Make one HTTP exchange."""
        parts = urlsplit(self.url)
        target = parts.path or "/"
        headers = dict(ENVELOPE_HEADERS) if body else {"Content-Length": "0"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        if self._credentials and self._challenge:
            self._count += 1
            headers["Authorization"] = authorization(
                self._challenge, "POST", target, self._credentials, nc=self._count
            )
        self._connection.request("POST", target, body or None, headers)
        response = self._connection.getresponse()
        for cookie in response.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return Answer(response.status, response.headers, response.read())

    def close(self) -> None:
        """Close the connection, which ends the session if it has not ended."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
