"""A HeMS at a table: messages are handed over, and answers taken, without a network."""

from __future__ import annotations

from collections.abc import Mapping

from tests.lab.events import Log
from tests.lab.hems.auth import Doorkeeper
from tests.lab.hems.cpe import ENVELOPE_HEADERS, id_of, message
from tests.lab.hems.house import COOKIE, House, Peer, Reply
from tests.lab.hems.http1 import Head, Request
from tests.lab.hems.reception import Link, Reception
from tests.lab.hems.rpc import Set
from tests.lab.hems.script import Script

SET = Set({"Device.A": ("1", "xsd:boolean")}, parameter_key="k1")
METHODS = '<MethodList soapenc:arrayType="xsd:string[1]"><string>Reboot</string></MethodList>'
TRANSFER = (
    "<CommandKey>k</CommandKey><FaultStruct><FaultCode>0</FaultCode><FaultString/></FaultStruct>"
    "<StartTime>2024-02-29T12:00:00Z</StartTime><CompleteTime>2024-02-29T12:00:01Z</CompleteTime>"
)


class Table:
    """A HeMS with its scripts, and one CPE that hands it messages."""

    def __init__(self, *scripts: Script, keeper: Doorkeeper | None = None) -> None:
        self.log = Log()
        self.keeper = keeper or Doorkeeper()
        self.house = House(self.log, challenges=lambda: self.keeper.challenges(stale=True))
        self.reception = Reception(self.house, self.keeper, grace_s=0)
        self.reception.play(*scripts)
        self.cookie: str | None = None
        self.target = "/"
        self.number = 0
        self.connect()

    @property
    def violations(self) -> list[str]:
        """What was seen."""
        return self.house.violations

    def connect(self) -> Link:
        """Use a new connection from now on."""
        self.number += 1
        self.link = Link(Peer("10.99.0.1", 4000 + self.number, self.number, tls=False))
        return self.link

    def owed(self, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Hand over a message; the answer is made, but not said to be sent."""
        said = {"Host": "hems", **(ENVELOPE_HEADERS if body else {}), **(headers or {})}
        if self.cookie:
            said.setdefault("Cookie", f"{COOKIE}={self.cookie}")
        head = Head("POST", self.target, "HTTP/1.1", tuple(said.items()))
        reply = self.reception.receive(self.link, Request(head, body, 1.0))
        for name, value in reply.response.headers:
            if name == "Set-Cookie":
                self.cookie = value.partition(";")[0].partition("=")[2]
        return reply

    def hand(self, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
        """Hand over a message, and have it answered."""
        reply = self.owed(body, headers)
        self.reception.sending(self.link)
        self.reception.sent(self.link)
        return reply

    def respond(self, request: Reply, method: str, arguments: str = "") -> Reply:
        """Answer a request of the HeMS."""
        return self.hand(message(method, arguments, id=id_of(request.response.body)))


def one_breach(table: Table, sentence: str) -> None:
    """Assert that one thing was seen, and that it is this."""
    assert len(table.violations) == 1, table.violations
    assert sentence in table.violations[0]
