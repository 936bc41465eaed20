"""The order of a session, as the HeMS holds the CPE to it. No sockets."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from tests.lab.hems.attempts import Outcome
from tests.lab.hems.cpe import STATUS_OK, fault, id_of, inform, message
from tests.lab.hems.script import (
    ConnectionClose,
    Empty,
    Garbage,
    Hang,
    Namespace,
    Status,
    WithoutId,
    always,
    on_inform,
)
from tests.unit.hems_table import SET, Table, one_breach


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "an empty POST instead of an Inform"),
        (message("GetRPCMethods"), "GetRPCMethods instead of an Inform"),
        (b"hello", "a body that is no XML"),
    ],
)
def test_session_that_begins_otherwise_is_refused(body: bytes, sentence: str) -> None:
    table = Table()
    assert table.hand(body).response.status == HTTPStatus.BAD_REQUEST
    one_breach(table, sentence)
    assert table.reception.sessions[0].outcome is Outcome.FAILED


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (inform(id="x"), "Inform instead of a request of the CPE's own or an empty POST"),
        (message("RebootResponse"), "RebootResponse instead of a request of the CPE's own"),
        (fault(9002, id="x"), "Fault instead of a request of the CPE's own"),
    ],
)
def test_what_may_not_follow_the_inform_is_refused(body: bytes, sentence: str) -> None:
    table = Table()
    table.hand(inform())
    assert table.hand(body).response.status == HTTPStatus.BAD_REQUEST
    one_breach(table, sentence)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "an empty POST instead of the answer to the HeMS's request"),
        (message("RebootResponse", id="1-1"), "RebootResponse to SetParameterValues"),
        (message("GetRPCMethods", id="1-1"), "GetRPCMethods to SetParameterValues"),
    ],
)
def test_request_of_the_hems_must_be_answered(body: bytes, sentence: str) -> None:
    table = Table([SET])
    table.hand(inform())
    table.hand()
    assert table.hand(body).response.status == HTTPStatus.BAD_REQUEST
    one_breach(table, sentence)


def test_answer_must_echo_the_id() -> None:
    for name in ("other", None):
        table = Table([SET])
        table.hand(inform())
        table.hand()
        table.hand(message("SetParameterValuesResponse", STATUS_OK, id=name))
        one_breach(table, f"has the ID {name} instead of 1-1")


def test_request_without_id_is_answered_without() -> None:
    for name, breaches in ((None, 0), ("cpe-9", 1)):
        table = Table([(SET, WithoutId())])
        table.hand(inform())
        assert id_of(table.hand().response.body) is None
        table.hand(message("SetParameterValuesResponse", STATUS_OK, id=name))
        assert len(table.violations) == breaches


def test_answer_must_be_in_the_namespace_of_the_request() -> None:
    old = "urn:dslforum-org:cwmp-1-0"
    table = Table([(SET, Namespace(old)), (SET, Namespace(old))])
    table.hand(inform())
    assert f'xmlns:cwmp="{old}"' in table.hand().response.body.decode()
    right = message("SetParameterValuesResponse", STATUS_OK, id="1-1", namespace=old)
    table.hand(right)
    assert table.violations == []
    table.hand(message("SetParameterValuesResponse", STATUS_OK, id="1-2"))
    one_breach(table, "is in urn:dslforum-org:cwmp-1-2, not urn:dslforum-org:cwmp-1-0")


def test_inform_response_is_in_the_namespace_of_the_inform() -> None:
    table = Table()
    old = "urn:dslforum-org:cwmp-1-0"
    assert old.encode() in table.hand(inform(namespace=old)).response.body


def test_ids_of_requests_must_be_fresh() -> None:
    table = Table()
    table.hand(inform(id="a"))
    table.hand(message("GetRPCMethods", id="a"))
    one_breach(table, "GetRPCMethods with the ID a, which was used before")


def test_requests_need_an_id() -> None:
    table = Table()
    table.hand(inform())
    table.hand(message("GetRPCMethods", id=None))
    one_breach(table, "GetRPCMethods without an ID")


def test_breaches_of_a_message_are_noted_with_the_session() -> None:
    table = Table()
    table.hand(inform(events=()), {"SOAPAction": "x"})
    assert any("session 1: an Inform without events" in each for each in table.violations)
    assert any("session 1: an envelope with the SOAPAction" in each for each in table.violations)
    table.hand(inform().replace(b"Struct[2]", b"Struct[3]"))
    assert any("has the arrayType cwmp:EventStruct[3]" in each for each in table.violations)
    assert table.log.events("violation")


def test_wrong_answer_is_noted() -> None:
    table = Table([SET])
    table.hand(inform())
    table.respond(table.hand(), "SetParameterValuesResponse", "<Status>2</Status>")
    assert any("the Status is 2" in each for each in table.violations)


def test_retry_count_is_held_against_what_failed() -> None:
    table = Table([on_inform(Status(503))], [on_inform(Garbage(b"?"))])
    for count in (0, 1, 2):
        table.connect()
        table.hand(inform(retry_count=count))
    table.hand()
    assert table.violations == []
    table.connect()
    table.hand(inform(retry_count=2))
    one_breach(table, "RetryCount is 2 instead of 0")


def test_two_requests_at_once_are_a_breach() -> None:
    table = Table([(SET, Hang())])
    table.hand(inform())
    table.owed()
    table.connect()
    assert table.hand().response.status == HTTPStatus.BAD_REQUEST
    assert "connection 2: a request while another one is being answered" in table.violations


def test_session_may_not_move_unasked() -> None:
    table = Table()
    table.hand(inform())
    table.connect()
    table.hand()
    one_breach(table, "connection 2: a session goes on upon another connection")
    assert table.reception.sessions[0].outcome is Outcome.OK


def test_end_of_the_old_connection_does_not_concern_a_session_that_moved() -> None:
    table = Table([on_inform(ConnectionClose()), SET])
    old = table.link
    table.hand(inform())
    table.connect()
    request = table.owed()
    table.reception.gone(old, "closed")
    table.reception.sent(table.link)
    table.respond(request, "SetParameterValuesResponse", STATUS_OK)
    assert table.reception.sessions[0].outcome is Outcome.OK
    assert table.violations == []


def test_session_moves_when_the_connection_is_closed() -> None:
    table = Table([always(ConnectionClose()), SET])
    link = table.link
    table.hand(inform())
    table.reception.gone(link, "closed")
    link = table.connect()
    request = table.hand()
    table.reception.gone(link, "closed")
    table.connect()
    table.respond(request, "SetParameterValuesResponse", STATUS_OK)
    assert table.violations == []
    assert table.reception.sessions[0].outcome is Outcome.OK


def test_new_session_needs_a_new_connection() -> None:
    table = Table()
    table.hand(inform())
    table.hand()
    table.hand(inform())
    one_breach(table, "connection 1: a new session on the connection of the last one")


def test_message_after_the_end_is_refused() -> None:
    table = Table()
    table.hand(inform())
    table.hand()
    assert table.hand().response.status == HTTPStatus.BAD_REQUEST
    one_breach(table, "a message instead of nothing, the session being over")


def test_abandoned_session_ends_when_another_begins() -> None:
    table = Table([SET])
    table.hand(inform())
    table.owed()
    table.connect()
    table.hand(inform(retry_count=0))
    first, second = table.reception.sessions
    assert (first.outcome, second.outcome) == (Outcome.UNCLEAR, None)
    assert table.violations == []


def test_session_whose_end_is_on_its_way_counts_as_ended() -> None:
    table = Table([on_inform(Status(503))])
    table.hand(inform())
    table.connect()
    table.hand(inform(retry_count=1))
    table.owed()
    table.connect()
    table.hand(inform(retry_count=0))
    assert [session.outcome for session in table.reception.sessions][:2] == [
        Outcome.FAILED,
        Outcome.OK,
    ]
    assert table.violations == []


def test_cpe_that_leaves_while_an_answer_is_owed_leaves_the_session() -> None:
    table = Table([on_inform(ConnectionClose())])
    table.owed(inform())
    table.reception.gone(table.link, "closed before the answer")
    assert table.reception.sessions[0].outcome is Outcome.UNCLEAR


def test_session_whose_end_hangs_has_not_ended() -> None:
    table = Table([(Empty(), Hang())])
    table.hand(inform())
    assert table.owed().manners == (Hang(),)
    table.connect()
    table.hand(inform(retry_count=1))
    assert table.reception.sessions[0].outcome is Outcome.UNCLEAR
    assert table.violations == []


def test_connection_that_goes_away_leaves_the_session() -> None:
    table = Table()
    table.hand(inform())
    table.reception.gone(table.link, "closed by the HeNB")
    (session,) = table.reception.sessions
    assert (session.outcome, session.reason) == (Outcome.UNCLEAR, "closed by the HeNB")
    (event,) = table.log.events("session-end")
    assert not event.facts["ok"]
