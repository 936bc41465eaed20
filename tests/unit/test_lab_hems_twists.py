"""The HeMS's misbehaviour by script, its cookies, and whom it lets in. No sockets."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.lab.hems.attempts import Outcome
from tests.lab.hems.auth import Credentials, Doorkeeper, authorization
from tests.lab.hems.cpe import STATUS_OK, fault, inform, message
from tests.lab.hems.house import COOKIE
from tests.lab.hems.http1 import Head, Request
from tests.lab.hems.rpc import Reboot, ScheduleInform
from tests.lab.hems.script import (
    Chunked,
    Close,
    ConnectionClose,
    Empty,
    Garbage,
    Hang,
    Header,
    HoldRequests,
    Point,
    Raw,
    Redirect,
    SoapFault,
    SoapHeader,
    Stale,
    Status,
    on_connect,
    on_inform,
    on_request,
)
from tests.unit.hems_table import SET, TRANSFER, Table, one_breach

# Cookies.


def test_cookie_must_come_back() -> None:
    table = Table()
    table.hand(inform())
    table.hand(headers={"Cookie": "a=b"})
    assert [each.partition(": ")[2] for each in table.violations] == [
        "the cookie a was never set in this session",
        "the session's cookie did not come back",
    ]


def test_cookie_is_set_once() -> None:
    table = Table()
    assert "Set-Cookie" in dict(table.hand(inform()).response.headers)
    assert "Set-Cookie" not in dict(table.hand().response.headers)


def test_session_without_cookies_is_known_by_its_connection() -> None:
    table = Table([on_inform(ConnectionClose())])
    table.house.cookies = False
    assert "Set-Cookie" not in dict(table.hand(inform()).response.headers)
    table.connect()
    assert table.hand().response.status == HTTPStatus.NO_CONTENT
    assert table.violations == []


def test_cookies_come_in_one_header() -> None:
    table = Table()
    table.hand(inform())
    said = (("Host", "hems"), ("Cookie", f"{COOKIE}={table.cookie}"), ("Cookie", "a=b"))
    request = Request(Head("POST", "/", "HTTP/1.1", said), b"", 1.0)
    table.reception.receive(table.link, request)
    one_breach(table, "2 Cookie headers instead of one")


def test_cookie_of_a_script_may_come_back() -> None:
    table = Table([on_inform(Header("Set-Cookie", "a=b; Path=/"))])
    table.hand(inform())
    table.hand(headers={"Cookie": f"a=b; {COOKIE}={table.cookie}"})
    assert table.violations == []


def test_cookie_of_an_earlier_session_may_come_with_an_inform() -> None:
    table = Table()
    table.hand(inform())
    table.hand()
    table.connect()
    table.hand(inform())
    assert table.violations == []
    assert len(table.reception.sessions) == 2


def test_cookie_of_another_server_is_a_leak() -> None:
    table = Table()
    table.hand(inform(), {"Cookie": f"{COOKIE}=0123"})
    one_breach(table, "the session cookie of another server")


# Answers in place of the right ones.


@pytest.mark.parametrize(
    "twist",
    [
        Status(503, "later"),
        Empty(),
        Empty(200),
        Garbage(b"<html>"),
        SoapFault(8002),
        Redirect(None),
        Close(),
        Close(Point.MID_BODY, reset=True),
    ],
)
def test_twist_at_the_inform_fails_the_session(twist: Status) -> None:
    table = Table([on_inform(twist)])
    table.hand(inform())
    (session,) = table.reception.sessions
    assert session.outcome is Outcome.FAILED
    assert session.reason
    assert table.violations == []


@pytest.mark.parametrize("answer", [Status(500), Garbage(b"?"), SoapFault(8002), Redirect(None)])
def test_answer_in_a_turn_fails_the_session(answer: Status) -> None:
    table = Table([SET, answer])
    table.hand(inform())
    table.respond(table.hand(), "SetParameterValuesResponse", STATUS_OK)
    (session,) = table.reception.sessions
    assert session.outcome is Outcome.FAILED
    assert len(session.answers) == 1


def test_empty_200_in_a_turn_is_a_good_end() -> None:
    table = Table([Empty(200)])
    table.hand(inform())
    assert table.hand().response.status == HTTPStatus.OK
    assert table.reception.sessions[0].outcome is Outcome.OK


def test_request_must_be_tried_again_after_8005() -> None:
    table = Table([on_inform(SoapFault(8005)), on_inform(SoapFault(8005))])
    table.hand(inform())
    again = inform().replace(b"12:00:00", b"12:00:01")
    assert b"<FaultCode>8005<" in table.hand(again).response.body
    table.hand(inform(id="other"))
    table.hand()
    assert table.violations == []
    (session,) = table.reception.sessions
    assert (len(session.informs), session.outcome) == (3, Outcome.OK)


def test_another_request_after_8005_is_a_breach() -> None:
    table = Table([on_inform(SoapFault(8005))])
    table.hand(inform())
    table.hand(inform(retry_count=1))
    one_breach(table, "another request where the same was to be tried again")


def test_own_request_may_be_refused_or_tried_again() -> None:
    table = Table([on_request(SoapFault(8005)), on_request(SoapFault(8002))])
    table.hand(inform())
    table.hand(message("TransferComplete", TRANSFER, id="a"))
    table.hand(message("TransferComplete", TRANSFER, id="a"))
    table.hand()
    (session,) = table.reception.sessions
    assert (len(session.requests), session.outcome) == (1, Outcome.OK)
    assert table.violations == []


def test_redirected_session_goes_on_elsewhere() -> None:
    table = Table([on_inform(Redirect("http://hems/there?x=1")), SET, Redirect("/back", 307)])
    table.hand(inform())
    table.connect()
    table.target = "/there?x=1"
    table.hand(inform())
    answer = message("SetParameterValuesResponse", STATUS_OK, id="1-1")
    table.hand()
    table.hand(answer)
    table.target = "/back"
    table.connect()
    assert table.hand(answer).response.status == HTTPStatus.NO_CONTENT
    (session,) = table.reception.sessions
    assert (len(session.answers), session.outcome) == (1, Outcome.OK)
    assert table.violations == []
    table.connect()
    table.hand(inform())
    one_breach(table, "session 2: the request goes to /back instead of /")


def test_redirected_message_must_be_the_same() -> None:
    table = Table([on_inform(Redirect("/"))])
    table.hand(inform())
    table.hand(inform(id="other"))
    one_breach(table, "another message where the same was to be sent again")


def test_held_requests_may_not_come() -> None:
    table = Table([on_inform(HoldRequests())])
    assert b'<cwmp:HoldRequests soapenv:mustUnderstand="1">1<' in table.hand(inform()).response.body
    table.hand(message("GetRPCMethods"))
    one_breach(table, "GetRPCMethods although requests were to be held")


def test_held_requests_come_after_the_empty_answer() -> None:
    table = Table([on_inform(HoldRequests())])
    table.hand(inform())
    assert table.hand().response.status == HTTPStatus.NO_CONTENT
    answer = table.hand(message("GetRPCMethods"))
    assert b"GetRPCMethodsResponse" in answer.response.body
    table.reception.gone(table.link, "closed by the HeNB")
    assert table.reception.sessions[0].outcome is Outcome.OK
    assert table.violations == []


def test_other_soap_headers_are_sent() -> None:
    header = '<cwmp:UseCWMPVersion soapenv:mustUnderstand="1">1.2</cwmp:UseCWMPVersion>'
    table = Table([on_inform(SoapHeader(header))])
    assert header.encode() in table.hand(inform()).response.body


def test_inform_may_be_answered_with_bytes_of_the_script() -> None:
    table = Table([on_inform(Raw(b"<as-good-as-InformResponse/>"))])
    assert table.hand(inform()).response.body == b"<as-good-as-InformResponse/>"
    assert table.hand().response.status == HTTPStatus.NO_CONTENT
    assert table.violations == []


def test_raw_bytes_are_sent_and_what_comes_is_kept() -> None:
    table = Table([Raw(b"<broken", id=None), Raw(b"<odd/>", id="7")])
    table.hand(inform())
    assert table.hand().response.body == b"<broken"
    table.hand(fault(9003, id="anything"))
    table.hand(fault(9003, id="8"))
    one_breach(table, "Fault has the ID 8 instead of 7")
    assert len(table.reception.sessions[0].answers) == 2


# Who is let in.


def test_stale_nonce_does_not_move_the_session() -> None:
    table = Table([on_inform(Stale())])
    table.house.target = table.target = "/acs"
    table.hand(inform())
    table.hand(inform())
    table.hand()
    assert table.violations == []


def test_session_begins_when_the_cpe_is_let_in() -> None:
    user = Credentials("u", "p")
    table = Table([SET, Stale()], keeper=Doorkeeper(digest=user))
    challenge = dict(table.hand(inform()).response.headers)["WWW-Authenticate"]
    assert table.reception.sessions == ()

    def signed(nc: int) -> dict[str, str]:
        return {"Authorization": authorization(challenge, "POST", "/", user, nc=nc)}

    table.hand(inform(), signed(1))
    table.hand(headers=signed(2))
    answer = message("SetParameterValuesResponse", STATUS_OK, id="1-1")
    stale = table.hand(answer, signed(3)).response
    challenge = dict(stale.headers)["WWW-Authenticate"]
    assert (stale.status, "stale=true" in challenge) == (HTTPStatus.UNAUTHORIZED, True)
    assert table.hand(answer, signed(1)).response.status == HTTPStatus.NO_CONTENT
    assert table.violations == []


def test_refused_authorization_is_a_failed_attempt() -> None:
    table = Table(keeper=Doorkeeper(digest=Credentials("u", "p")))
    table.hand(inform(), {"Authorization": "Digest nonsense"})
    table.reception.gone(table.link, "closed by the HeNB")
    assert table.house.attempts.check(0) == ["RetryCount is 0 instead of 1"]
    one_breach(table, "connection 1: the Digest cannot be read")


def test_script_of_a_connection_is_for_one_session() -> None:
    table = Table([on_connect(Hang()), SET])
    assert table.reception.connected(table.link) == (Hang(),)
    table.hand(inform())
    assert b"SetParameterValues" in table.hand().response.body
    table.connect()
    assert table.reception.connected(table.link) == ()


def test_connection_closed_at_once_is_a_failed_attempt() -> None:
    table = Table([on_connect(Close())])
    assert table.reception.connected(table.link) == (Close(),)
    table.reception.gone(table.link, "closed at once")
    assert table.house.attempts.check(0) == ["RetryCount is 0 instead of 1"]


def test_connection_left_in_a_hang_may_have_failed() -> None:
    for count in (0, 1):
        table = Table([on_connect(Hang())])
        table.reception.connected(table.link)
        table.reception.gone(table.link, "closed while the HeMS hung")
        assert table.house.attempts.check(count) == []


def test_step_is_one_request_or_answer() -> None:
    with pytest.raises(ValueError, match="not 2"):
        Table([(SET, Reboot())])
    with pytest.raises(ValueError, match="not 0"):
        Table([(Chunked(),)])


def test_command_key_and_delay_are_sent() -> None:
    table = Table([ScheduleInform(5, "a&b")])
    table.hand(inform())
    body = table.hand().response.body
    assert b"<DelaySeconds>5</DelaySeconds><CommandKey>a&amp;b</CommandKey>" in body
