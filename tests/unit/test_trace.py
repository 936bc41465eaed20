"""The record of sessions: bounded, in order, blotted, and shown in each of its forms."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import pytest
from lxml import etree, html

from henbd.clock import Clock
from henbd.control.secrecy import is_secret, secrets
from henbd.model import paths
from henbd.trace import LARGEST_BODY, MOST_BODIES, MOST_HAPPENINGS, MOST_MESSAGES, Trace
from henbd.trace_document import BLOT, blotted, document
from henbd.trace_ladder import ladder
from henbd.trace_page import page
from henbd.values import PresharedKey
from tests.unit.settings import SECRET, connection_request, factory, hems, ipsec, settings
from tests.unit.world import MME, World

WALL = datetime(2026, 6, 1, 12, tzinfo=UTC)
PATH = "Device.ManagementServer.Password"


class Hours:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.clock = Clock(lambda: self.now, lambda: WALL)
        self.trace = Trace(self.clock)

    def at(self, now: float) -> Trace:
        self.now = now
        return self.trace


def recorded(hours: Hours) -> dict[str, Any]:
    (recording,) = hours.trace.take()
    return document(recording, frozenset(), lambda _: False)


def session() -> Hours:
    """Return a clock after a session of which everything is known."""
    hours = Hours()
    hours.at(999.0).note("tunnel", "up with 192.0.2.1")
    hours.at(1000.0).begin("http://hems/", "10.99.0.1", ["1 BOOT"])
    body = b"<s:Body><cwmp:Inform>it</cwmp:Inform></s:Body>"
    hours.at(1000.001).sent(body)
    hours.at(1000.5).note("S1", "10.40.0.1: up, <mme>")
    hours.at(1001.0).received(204, b"")
    hours.at(1001.25).end(None, acknowledged=True)
    return hours


def test_a_session_is_recorded_with_what_happened_around_it() -> None:
    assert recorded(session()) == {
        "at": "2026-06-01T12:00:00.000+00:00",
        "url": "http://hems/",
        "source": "10.99.0.1",
        "events": ["1 BOOT"],
        "acknowledged": True,
        "failure": None,
        "took_s": 1.25,
        "messages": [
            {
                "in_s": 0.001,
                "from": "HeNB",
                "name": "Inform",
                "status": None,
                "bytes": 46,
                "cut": False,
                "body": "<s:Body><cwmp:Inform>it</cwmp:Inform></s:Body>",
            },
            {
                "in_s": 1.0,
                "from": "HeMS",
                "name": "",
                "status": 204,
                "bytes": 0,
                "cut": False,
                "body": "",
            },
        ],
        "happenings": [
            {"in_s": -1.0, "about": "tunnel", "text": "up with 192.0.2.1"},
            {"in_s": 0.5, "about": "S1", "text": "10.40.0.1: up, <mme>"},
        ],
    }


def test_what_is_recorded_is_bounded() -> None:
    hours = Hours()
    for number in range(3 * MOST_HAPPENINGS):
        hours.trace.note("S1", str(number))
    hours.trace.begin("http://hems/", "10.99.0.1", [])
    for _ in range(3 * MOST_MESSAGES):
        hours.trace.sent(b"x" * (LARGEST_BODY + 1))
    hours.trace.end("it was endless", acknowledged=False)
    found = recorded(hours)
    assert len(found["messages"]) == MOST_MESSAGES
    assert sum(len(m["body"]) for m in found["messages"]) <= MOST_BODIES + LARGEST_BODY
    assert all(m["cut"] and m["bytes"] == LARGEST_BODY + 1 for m in found["messages"])
    assert [h["text"] for h in found["happenings"]][-1] == str(3 * MOST_HAPPENINGS - 1)
    assert len(found["happenings"]) == MOST_HAPPENINGS
    assert not hours.trace.take()


@pytest.mark.parametrize(
    "text",
    [
        f"<Name>{PATH}</Name><Value>hunter22</Value>",
        f'<Name>{PATH}</Name>\n  <Value xsi:type="xsd:string">hunter22</Value>',
        f"<c:Name a='b'> {PATH} </c:Name ><c:Value><![CDATA[hunter22]]></c:Value>",
        f"<Name>{PATH}</Name><Value>hunt<!-- > -->er22</Value>",
        f"<Name>{PATH}</Name><Value>&#104;unter22</Value>",
        f"<Name a=\">\">{PATH}</Name><Value b='>'>hunter22</Value>",
        f"<Name>{PATH}</Name> <!-- a --> <Value>hunter22</Value>",
        f"<Name>{PATH}</Name><Value>hunter22",
        f"<Name>{PATH}</Name><Value><![CDATA[hunter22",
        "<cwmp:Download><Password>hunter22</Password>",
        "<a:HTTPPassword>hunter22</a:HTTPPassword>",
    ],
)
def test_a_secret_is_blotted_by_its_name_however_it_is_written(text: str) -> None:
    found = blotted(text, frozenset(), lambda path: path == PATH)
    assert "hunt" not in found
    assert "unter22" not in found
    assert BLOT in found


@pytest.mark.parametrize(
    "text", ["a<b&\"c'd", "hunter22", "h\N{LATIN SMALL LETTER E WITH ACUTE}nb"]
)
def test_a_known_secret_is_blotted_wherever_it_stands(text: str) -> None:

    for spelt in (text, escape(text), quoteattr(text), f"<URL>http://u:{escape(text)}@x/</URL>"):
        assert text not in blotted(spelt, frozenset({text}), lambda _: False), spelt
        assert escape(text) not in blotted(spelt, frozenset({text}), lambda _: False), spelt


@pytest.mark.parametrize(
    "piece",
    [
        *("<Name>", "<Name>" + " " * 1000, "<Name ", "<Name a='", "<Name></Name>", "<Body ", " "),
        *("<Value><![CDATA[", "<!--", "<a:Password ", "<" + "P" * 500, "<Name>" + "Device." * 100),
    ],
)
def test_a_hostile_body_is_read_in_no_time(piece: str) -> None:
    hours = Hours()
    hours.trace.begin("http://hems/", "10.99.0.1", [])
    hours.trace.received(200, (piece * LARGEST_BODY).encode()[:LARGEST_BODY])
    hours.trace.end(None, acknowledged=False)
    begin = time.process_time()
    assert recorded(hours)["messages"]
    assert time.process_time() - begin < 1


def test_what_is_no_secret_stays_as_it_was() -> None:
    text = "<Name>Device.X</Name><Value>1</Value><Name>Device.Y</Name><Value></Value><Body><a:B/>"
    assert blotted(text, frozenset({"", "1", "abc"}), lambda path: path == "Device.Y") == text


def test_every_configured_secret_is_known() -> None:
    configuration = settings(
        hems=hems(password="of the HeMS"),
        connection_request=connection_request(password="of the caller"),
        ipsec=ipsec(credentials=PresharedKey(b"of the gateway")),
    )
    tree = factory().set([(paths.PASSWORD, "set by the HeMS")])
    known = secrets(configuration, SECRET, tree)
    assert {"of the HeMS", "of the caller", "of the gateway", "set by the HeMS", SECRET} <= known
    assert tree.values[paths.CONNECTION_REQUEST_PASSWORD] in known
    assert "" not in known


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (paths.PASSWORD, True),
        (paths.USERNAME, False),
        ("Device.X_OUI_Wifi.1.Passphrase", True),
        ("Device.X.PreSharedKey", True),
        ("Device.Password.Length", False),
    ],
)
def test_a_parameter_is_known_for_a_secret_even_if_we_do_not_have_it(
    path: str, secret: bool
) -> None:
    assert is_secret(factory(), path) is secret


def shown(**changes: Any) -> dict[str, Any]:
    found = {"number": 7, **recorded(session()), **changes}
    latest = [{"in_s": -2.5, "about": "address", "text": "10.99.0.7 came"}]
    return {"sessions": [found], "at": "2026-06-01T12:00:09.000+00:00", "happenings": latest}


def test_the_ladder_tells_the_session_in_order() -> None:
    lines = ladder(shown()).splitlines()
    title = "session 7, 2026-06-01 12:00:00.000 UTC, 10.99.0.1 to http://hems/: 1 BOOT"
    assert lines[0] == title
    assert lines[2] == "    -1.0000 * tunnel: up with 192.0.2.1"
    assert lines[3].startswith("    +0.0010 Inform ───")
    assert lines[3].endswith("───▶  46 bytes")
    assert lines[4] == "    +0.5000 * S1: 10.40.0.1: up, <mme>"
    assert lines[5].startswith("    +1.0000 ◀───")
    assert lines[5].endswith("─── empty  HTTP 204")
    assert lines[6] == "    +1.2500 ended properly"
    assert lines[-1] == "    -2.5000 * address: 10.99.0.7 came"
    going_on = ladder(shown(number=None, took_s=None)).splitlines()
    assert going_on[0].startswith("the session that goes on, ")
    assert going_on[6].strip() == "it goes on"
    failed = ladder(shown(failure="busy\n\x9b2J")).splitlines()
    assert failed[6] == "    +1.2500 busy\ufffd\ufffd2J"
    assert ladder({"sessions": [], "at": "", "happenings": []}) == "nothing is recorded yet"


def test_the_page_needs_nothing_but_itself() -> None:
    tree = html.document_fromstring(page(shown()))
    for element in tree.iter():
        for name in ("src", "href", "data", "action"):
            assert element.get(name, "#").startswith("#"), (element.tag, name)
    assert "url(" not in page(shown())
    assert "import" not in page(shown())


def test_the_page_has_a_diagram_whose_arrows_lead_to_the_bodies() -> None:
    text = page(shown())
    tree = html.document_fromstring(text)
    (diagram,) = tree.iter("svg")
    anchors = [link.get("href") for link in diagram.iter("a")]
    bodies = {f"#{body.get('id')}": str(body.xpath("string()")) for body in tree.iter("details")}
    assert anchors == list(bodies)
    assert "<cwmp:Inform>it</cwmp:Inform>" in bodies[anchors[0] or ""]
    assert "(empty)" in bodies[anchors[1] or ""]
    begin, end = text.index("<svg"), text.index("</svg>") + len("</svg>")
    etree.fromstring(text[begin:end])


def test_what_a_peer_has_sent_is_text_and_no_markup() -> None:
    evil = "<script>alert(1)</script>"
    found = shown(url=f"http://{evil}", failure=f"HTTP 500 {evil}", events=[evil])
    found["sessions"][0]["messages"][0] |= {"body": evil, "name": evil}
    found["happenings"][0]["text"] = evil
    assert evil not in page(found)
    assert "Nothing is recorded" in page({"sessions": [], "at": "", "happenings": []})


def test_the_daemon_keeps_each_session_once_and_without_secrets(world: World) -> None:
    world.bring_up_s1()
    world.provision({paths.PASSWORD: "a new password", paths.S1_SERVERS: str(MME)})
    world.run(2)
    assert [tuple(kept["events"]) for kept in world.diary.kept] == [
        inform.events for inform in world.informs
    ]
    text = json.dumps(world.diary.kept, ensure_ascii=False)
    assert "a new password" not in text
    assert BLOT in text
    assert world.settings.hems.password not in text
    about = {h["about"] for kept in world.diary.kept for h in kept["happenings"]}
    assert about == {"tunnel", "address", "S1", "HeMS"}


def test_a_session_is_kept_after_its_inform_has_left_and_not_before(world: World) -> None:
    """The file is written in a full look, never in the pass that begins a session."""
    world.register()
    world.hems.answers_after_s = 0.5
    world.listener.call()
    world.run(0.1)
    kept = len(world.diary.kept)
    assert world.daemon.trace.current is not None
    world.run(5)
    assert len(world.diary.kept) == kept + 1
    assert world.daemon.trace.current is None


def test_a_failed_session_is_kept_with_its_reason(world: World) -> None:
    world.register()
    world.hems.answers_after_s = 1e9
    world.listener.call()
    world.run(700)
    assert world.diary.kept[-1]["failure"] is not None
